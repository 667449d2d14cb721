-- write_outcomes: the outcomes of one bucket and a notification job for each.  The jobs come from the rows that were
-- inserted, so that their count is that of both.
-- $1 smallint        bucket
-- $2 bigint          run_id
-- $3 bigint[]        subscription_id
-- $4 bigint[]        account_id
-- $5 integer[]       revision
-- $6 text[]          kind
-- $7 text[]          rule
-- $8 text[]          from_status
-- $9 text[]          to_status
-- $10 timestamptz[]  period_start
-- $11 timestamptz[]  period_end
-- $12 timestamptz[]  next_period_end, null at an expiry
-- $13 integer[]      price_id
-- $14 integer[]      quantity
-- $15 bigint[]       unit_amount
-- $16 bigint[]       amount
-- $17 text[]         currency
WITH o AS (
	INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
		to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity,
		unit_amount, amount, currency)
	SELECT $1, $2, d.subscription_id, d.account_id, d.revision, d.kind, d.rule, d.from_status::perennial.status,
	       d.to_status::perennial.status, d.period_start, d.period_end,
	       CASE WHEN d.next_period_end IS NOT NULL THEN d.period_end END, d.next_period_end, d.price_id, d.quantity,
	       d.unit_amount, d.amount, d.currency
	FROM unnest($3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::text[],
	            $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::integer[], $14::integer[],
	            $15::bigint[], $16::bigint[], $17::text[])
	     AS d (subscription_id, account_id, revision, kind, rule, from_status, to_status,
	           period_start, period_end, next_period_end, price_id, quantity, unit_amount, amount, currency)
	RETURNING bucket, subscription_id, account_id, kind, period_end
)
INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
SELECT o.bucket, o.subscription_id, o.account_id, o.kind, o.period_end
FROM o
