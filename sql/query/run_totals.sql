-- run_totals: what a run did, as its committed batches say.
-- $1 bigint  run_id
-- returns kind text, currency text, exponent integer, subscriptions bigint, amount text, amount_decimal text
SELECT t.kind, t.currency::text, c.exponent::int, t.subscriptions, t.amount::text,
       round(t.amount / 10::numeric ^ c.exponent, c.exponent)::text AS amount_decimal
FROM perennial.run_total t
JOIN perennial.currency c ON c.code = t.currency
WHERE t.run_id = $1
ORDER BY array_position(ARRAY['renewed', 'converted', 'expired', 'trial_expired'], t.kind), t.currency
