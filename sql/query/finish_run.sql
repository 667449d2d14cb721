-- finish_run: close the run's row.  A failover may have lost it: then it is written anew.
-- $1 bigint       run_id
-- $2 timestamptz  as_of
-- $3 bigint       the only subscription, or null
-- $4 text         limits that it might pass, or null
-- $5 text         why, or null
-- $6 text         result
-- $7 integer      exit_code
-- $8 text         stopped_by, or null
-- $9 bigint       left_due, or null
-- $10 bigint      left_held, or null
-- $11 bigint      failed
INSERT INTO perennial.run AS r (run_id, as_of, subscription_id, allow_over, allow_reason, finished_at, result, exit_code,
	stopped_by, left_due, left_held, failed)
VALUES ($1, $2, $3, $4, $5, clock_timestamp(), $6, $7, $8, $9, $10, $11)
ON CONFLICT (run_id) DO UPDATE
SET finished_at = excluded.finished_at, result = excluded.result, exit_code = excluded.exit_code,
    stopped_by = excluded.stopped_by, left_due = excluded.left_due, left_held = excluded.left_held, failed = excluded.failed
WHERE r.finished_at IS NULL
