-- write_batch: what this transaction did to one bucket, and its totals.
-- $1 smallint   bucket
-- $2 bigint     run_id
-- $3 integer    claimed
-- $4 integer    held
-- $5 text[]     kind
-- $6 text[]     currency
-- $7 bigint[]   outcomes
-- $8 text[]     amount, as text: a sum may need more than a bigint
-- returns totals bigint
WITH b AS (
	INSERT INTO perennial.batch (bucket, run_id, claimed, held)
	VALUES ($1, $2, $3, $4)
	RETURNING bucket, batch_id, run_id
), t AS (
	INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
	SELECT b.bucket, b.batch_id, b.run_id, d.kind, d.currency, d.outcomes, d.amount::numeric
	FROM b
	CROSS JOIN unnest($5::text[], $6::text[], $7::bigint[], $8::text[]) AS d (kind, currency, outcomes, amount)
	RETURNING 1
)
SELECT count(*) AS totals FROM t
