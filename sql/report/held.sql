-- held: what is on hold, for those who release it; the oldest first, and only so many, where that is asked for.
SELECT s.subscription_id, o.plan_code, s.hold_reason AS reason, s.held_at,
       CASE WHEN s.held_at IS NOT NULL
            THEN greatest(trunc(extract(epoch FROM :'as_of'::timestamptz - s.held_at)), 0)::bigint END AS age_seconds,
       s.period_end AS due_at, due.amount AS amount_minor, perennial.decimal(due.amount, c.exponent) AS amount, o.currency,
       nullif(concat_ws(', ', e.sqlstate, e.detail), '') AS detail
FROM (
	SELECT * FROM perennial.subscription
	WHERE status <> 'expired' AND hold_reason IS NOT NULL AND (:'reason' = '' OR hold_reason = :'reason')
	ORDER BY held_at, subscription_id
	LIMIT nullif(:'most', '')::bigint
) AS s
LEFT JOIN perennial.offer o USING (price_id)
LEFT JOIN perennial.currency c ON c.code = o.currency
CROSS JOIN LATERAL (SELECT perennial.amount_due(s) AS amount) AS due
LEFT JOIN LATERAL (
	SELECT * FROM perennial.event
	WHERE event.bucket = s.bucket AND event.subscription_id = s.subscription_id AND event.kind = 'held'
	ORDER BY event.revision DESC
	LIMIT 1
-- Of another hold, where this one was put on by other means.
) AS e ON e.reason = s.hold_reason AND e.at = s.held_at
ORDER BY s.held_at, s.subscription_id
