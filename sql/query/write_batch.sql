-- write_batch: what this transaction did to one bucket, and its totals.
-- $1 smallint   bucket
-- $2 bigint     run_id
-- $3 integer    claimed
-- $4 integer    held
-- $5 integer    continued
-- $6 text[]     kind
-- $7 text[]     currency
-- $8 bigint[]   outcomes
-- $9 text[]     amount, as text: a sum may need more than a bigint
-- returns batches bigint, totals bigint
WITH b AS (
	INSERT INTO perennial.batch (bucket, run_id, claimed, held, continued)
	VALUES ($1, $2, $3, $4, $5)
	RETURNING bucket, batch_id, run_id
), t AS (
	INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
	SELECT b.bucket, b.batch_id, b.run_id, d.kind, d.currency, d.outcomes, d.amount::numeric
	FROM b
	CROSS JOIN unnest($6::text[], $7::text[], $8::bigint[], $9::text[]) AS d (kind, currency, outcomes, amount)
	RETURNING 1
)
SELECT (SELECT count(*) FROM b) AS batches, (SELECT count(*) FROM t) AS totals
