-- begin_migration: a migration is applied whole, or not at all.
BEGIN
