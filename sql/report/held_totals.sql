-- held_totals: what is on hold by reason, and what it keeps from being billed by currency.
SELECT s.hold_reason AS reason, o.currency, count(*) AS subscriptions, min(s.held_at) AS oldest,
       CASE WHEN min(s.held_at) IS NOT NULL
            THEN greatest(trunc(extract(epoch FROM :'as_of'::timestamptz - min(s.held_at))), 0)::bigint END AS age_seconds,
       sum(due.amount) AS amount_minor, perennial.decimal(sum(due.amount), c.exponent) AS amount
FROM perennial.subscription s
LEFT JOIN perennial.offer o USING (price_id)
LEFT JOIN perennial.currency c ON c.code = o.currency
CROSS JOIN LATERAL (SELECT perennial.amount_due(s) AS amount) AS due
WHERE s.status <> 'expired' AND s.hold_reason IS NOT NULL AND (:'reason' = '' OR s.hold_reason = :'reason')
GROUP BY s.hold_reason, o.currency, c.exponent
ORDER BY min(s.held_at), s.hold_reason, o.currency
