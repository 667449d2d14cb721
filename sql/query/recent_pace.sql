-- recent_pace: how much the last runs had to do, and how long they took: those for all subscriptions that did something.
-- $1 bigint  so many runs at most
-- returns runs bigint, claimed bigint, milliseconds bigint
SELECT count(*) AS runs,
       coalesce(sum(r.claimed), 0)::bigint AS claimed,
       coalesce(sum(extract(epoch FROM r.took) * 1000), 0)::bigint AS milliseconds
FROM (
	SELECT r.finished_at - r.started_at AS took, b.claimed
	FROM perennial.run r
	CROSS JOIN LATERAL (SELECT sum(b.claimed - b.continued) AS claimed FROM perennial.batch b WHERE b.run_id = r.run_id) AS b
	WHERE r.subscription_id IS NULL AND r.result IN ('done', 'held', 'left') AND b.claimed > 0
	ORDER BY r.run_id DESC
	LIMIT $1
) AS r
