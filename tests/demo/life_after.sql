-- life_after: what a step led to, by the rights of perennial_app alone: the states in one line, and a line for each
-- notification.
-- at  when it was

SET SESSION AUTHORIZATION perennial_app;

WITH state AS (
	SELECT plan_code, CASE
		WHEN status = 'expired' THEN 'expired ' || to_char(expires_at, 'DD Mon')
		WHEN renews_at IS NULL THEN format('%s, expires %s', status, to_char(expires_at, 'DD Mon'))
		WHEN status = 'trialing' THEN format('%s, converts %s', status, to_char(renews_at, 'DD Mon'))
		ELSE format('%s, renews %s', status, to_char(renews_at, 'DD Mon')) END AS text
	FROM perennial.subscriptions_of(7)
)
SELECT to_char(timestamptz :'at', 'DD Mon HH24:MI'),
       coalesce((SELECT text FROM state WHERE plan_code = 'pro'), '-'),
       coalesce((SELECT text FROM state WHERE plan_code = 'starter'), '-');

-- A consumer: takes what there is, commits, tells, and says so.
CREATE TEMPORARY TABLE taken AS SELECT * FROM perennial.take_jobs(100, '1 minute');

SELECT format('%s: %s, %s, ', address, kind, payload->>'plan_name') || CASE
	WHEN payload ? 'amount' THEN format('%s %s for %s to %s', payload->>'amount', payload->>'currency', starts, ends)
	WHEN kind = 'expired' THEN format('on %s', expires)
	WHEN payload ? 'expires_at' THEN format('expires %s', expires)
	ELSE format('%s to %s', starts, ends) END
FROM taken
CROSS JOIN LATERAL (SELECT
	to_char((payload->>'period_start_local')::timestamp, 'DD Mon HH24:MI') AS starts,
	to_char((payload->>'period_end_local')::timestamp, 'DD Mon HH24:MI') AS ends,
	to_char((payload->>'expires_at_local')::timestamp, 'DD Mon HH24:MI') AS expires
) AS clock
ORDER BY subscription_id, payload->>'period_start';

SELECT perennial.complete_job(bucket, job_id, token) FROM taken \g /dev/null
