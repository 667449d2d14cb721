-- commit: sent alone; its command tag says what came of it.
COMMIT
