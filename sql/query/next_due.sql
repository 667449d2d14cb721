-- next_due: what is due next after an instant, and not on hold.
-- $1 timestamptz  as_of
-- returns subscription_id bigint, period_end timestamptz
SELECT next.subscription_id, next.period_end
FROM unnest(
:all_buckets
	) AS b (bucket)
CROSS JOIN LATERAL (
	SELECT s.subscription_id, s.period_end
	FROM perennial.subscription s
	WHERE s.bucket = b.bucket AND s.status <> 'expired' AND s.hold_reason IS NULL AND s.period_end > $1
	ORDER BY s.period_end, s.subscription_id
	LIMIT 1
) AS next
ORDER BY next.period_end, next.subscription_id
LIMIT 1
