-- write_holds: an event for each row of one bucket that was put on hold, from the row as write_state left it.
-- $1 smallint     bucket
-- $2 bigint       run_id
-- $3 timestamptz  as_of
-- $4 bigint[]     subscription_id
-- $5 text[]       the rule that held it
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
	period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason, detail, run_id)
SELECT s.bucket, s.subscription_id, s.account_id, s.revision, 'held', $3, 'perennial run', s.status, s.status,
       s.period_start, s.period_end, s.price_id, s.next_price_id, s.quantity, s.next_quantity, s.hold_reason,
       'rule ' || d.rule, $2
FROM unnest($4::bigint[], $5::text[]) AS d (subscription_id, rule)
JOIN perennial.subscription s ON s.bucket = $1 AND s.subscription_id = d.subscription_id
