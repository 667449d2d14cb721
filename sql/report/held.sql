-- held: what is on hold, for those who release it; the oldest first.
SELECT subscription_id, plan_code, reason, held_at, perennial.age_text(:'as_of'::timestamptz - held_at) AS age, due_at,
       amount_minor, amount, currency, nullif(concat_ws(', ', sqlstate, detail), '') AS detail
FROM perennial.report_holds('infinity')
WHERE :'reason' = '' OR reason = :'reason'
ORDER BY held_at, subscription_id
