-- run_totals: what a run did, as its committed batches say.
-- $1 bigint  run_id
-- returns kind text, currency text, outcomes bigint, amount text
SELECT t.kind, t.currency::text, t.subscriptions AS outcomes, t.amount::text
FROM perennial.run_total t
WHERE t.run_id = $1
