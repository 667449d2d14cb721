-- savepoint: what one row needs can be undone from here on, and its lock stays.
SAVEPOINT one_row
