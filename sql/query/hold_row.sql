-- hold_row: put a row on hold that the server refused, with its event.
-- $1 smallint     bucket
-- $2 bigint       subscription_id
-- $3 bigint       run_id
-- $4 timestamptz  as_of
-- $5 text         sqlstate
-- $6 text         what refused it: statement and constraint or function
WITH s AS (
	UPDATE perennial.subscription
	SET hold_reason = 'row_fault', held_at = $4, revision = revision + 1
	WHERE bucket = $1 AND subscription_id = $2 AND hold_reason IS NULL
	RETURNING *
)
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
	period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason, detail, sqlstate, run_id)
SELECT s.bucket, s.subscription_id, s.account_id, s.revision, 'held', $4, 'perennial run', s.status, s.status,
       s.period_start, s.period_end, s.price_id, s.next_price_id, s.quantity, s.next_quantity, s.hold_reason, $6, $5::text, $3
FROM s
