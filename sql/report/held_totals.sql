-- held_totals: what is on hold by reason, and what it keeps from being billed by currency.
SELECT reason, currency, count(*) AS subscriptions, min(held_at) AS oldest,
       perennial.age_text(:'as_of'::timestamptz - min(held_at)) AS age,
       sum(amount_minor) AS amount_minor, sum(amount) AS amount
FROM perennial.report_holds('infinity')
WHERE :'reason' = '' OR reason = :'reason'
GROUP BY reason, currency
ORDER BY min(held_at), reason, currency
