-- undo_row: back to where the row was only locked.
ROLLBACK TO SAVEPOINT one_row
