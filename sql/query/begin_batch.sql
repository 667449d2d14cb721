-- begin_batch: each row is read as it is when its lock was got.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE
