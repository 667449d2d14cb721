-- finish_run: close the run's row.
-- $1 bigint   run_id
-- $2 text     result
-- $3 integer  exit_code
-- $4 text     stopped_by, or null
-- $5 bigint   left_due, or null
-- $6 bigint   left_held, or null
-- $7 bigint   failed
UPDATE perennial.run
SET finished_at = clock_timestamp(), result = $2, exit_code = $3, stopped_by = $4, left_due = $5, left_held = $6, failed = $7
WHERE run_id = $1 AND finished_at IS NULL
