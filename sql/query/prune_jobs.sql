-- prune_jobs: deletes finished jobs of one bucket, some at a time.  One whose boundary is to come is kept: it shows that
-- the customer was told of what has not happened yet.
-- $1 smallint     bucket
-- $2 timestamptz  finished before
-- $3 timestamptz  the boundary is not later than
-- $4 bigint       after this job_id
-- $5 bigint       how many at most
-- returns done bigint, dead bigint, last_id bigint
WITH doomed AS MATERIALIZED (
	SELECT j.job_id FROM perennial.notification_job j
	WHERE j.bucket = $1 AND j.job_id > $4 AND j.finished_at < $2 AND j.boundary <= $3
	ORDER BY j.job_id
	LIMIT $5
), gone AS (
	-- One that was revived meanwhile is not finished any more.
	DELETE FROM perennial.notification_job j USING doomed
	WHERE j.bucket = $1 AND j.job_id = doomed.job_id AND j.finished_at < $2
	RETURNING j.state
)
SELECT (SELECT count(*) FROM gone WHERE gone.state = 'done') AS done,
       (SELECT count(*) FROM gone WHERE gone.state = 'dead') AS dead,
       -- Null where there are no more.
       (SELECT max(doomed.job_id) FROM doomed HAVING count(*) = $5) AS last_id
