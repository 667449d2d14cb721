-- check_runs: what waits for a person.
-- returns severity text, message text, advice text
WITH found (n, severity, message, advice) AS (
	SELECT 1, 'warning', format('runs that died since the last success: %s, the last of them run %s', count(*), max(run_id)),
	       'nothing is lost, and the next run takes up what is due: see that the timer is on, and the log of '
	       || to_char(max(started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
:died_runs
	HAVING count(*) > 0
	UNION ALL
	SELECT 2, 'warning', format('notification jobs that failed too often and are dead: %s', count(*)),
	       'mend the cause, which last_error of perennial.notification_job tells, and revive them: perennial.revive_job'
	FROM perennial.notification_job
	WHERE state = 'dead'
	HAVING count(*) > 0
)
SELECT severity, message, advice
FROM (
	SELECT n, severity, message, advice FROM found
	UNION ALL
	SELECT 0, 'ok', 'no run has died since the last success, and no notification job is dead', NULL WHERE NOT EXISTS (SELECT FROM found)
) AS all_of_it
ORDER BY n
