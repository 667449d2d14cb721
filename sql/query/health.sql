-- health: what is oldest, next, on hold and waiting, at an instant that is the server's clock.  The first of each bucket
-- is one step into the index of what is due, however much is due.
-- $1 timestamptz  clock
-- returns server text, schema_version integer, oldest_due timestamptz, oldest_due_id bigint, next_due timestamptz,
--         next_due_id bigint, held bigint, oldest_held timestamptz, ready bigint, later bigint, taken bigint, lapsed bigint,
--         dead bigint, died bigint
SELECT current_setting('server_version') AS server,
       (SELECT max(version) FROM perennial.schema_version) AS schema_version,
       oldest.period_end AS oldest_due, oldest.subscription_id AS oldest_due_id,
       next.period_end AS next_due, next.subscription_id AS next_due_id,
       on_hold.held, on_hold.oldest_held,
       (SELECT count(*) FROM perennial.notification_job WHERE state = 'ready' AND available_at <= $1) AS ready,
       (SELECT count(*) FROM perennial.notification_job WHERE state = 'ready' AND available_at > $1) AS later,
       (SELECT count(*) FROM perennial.notification_job WHERE state = 'taken' AND taken_until > $1) AS taken,
       (SELECT count(*) FROM perennial.notification_job WHERE state = 'taken' AND taken_until <= $1) AS lapsed,
       (SELECT count(*) FROM perennial.notification_job WHERE state = 'dead') AS dead,
       (SELECT count(*)
:died_runs
       ) AS died
FROM (SELECT count(*) AS held, min(held_at) AS oldest_held FROM perennial.subscription
      WHERE bucket = ANY (
:all_buckets
      )
        AND status <> 'expired' AND hold_reason IS NOT NULL) AS on_hold
LEFT JOIN (
	SELECT s.period_end, s.subscription_id
	FROM generate_series(0, 255) AS b
	CROSS JOIN LATERAL (
		SELECT period_end, subscription_id FROM perennial.subscription
		WHERE bucket = b::smallint AND status <> 'expired' AND hold_reason IS NULL AND period_end <= $1
		ORDER BY period_end, subscription_id
		LIMIT 1) AS s
	ORDER BY s.period_end, s.subscription_id
	LIMIT 1) AS oldest ON true
LEFT JOIN (
:next_due
) AS next ON true
