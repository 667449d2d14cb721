-- finish_run: close the run's row.
-- $1 bigint   run_id
-- $2 text     result
-- $3 integer  exit_code
UPDATE perennial.run
SET finished_at = clock_timestamp(), result = $2, exit_code = $3
WHERE run_id = $1 AND finished_at IS NULL
