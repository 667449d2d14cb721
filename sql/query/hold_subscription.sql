-- hold_subscription: puts a subscription on hold for an operator.
-- $1 smallint  bucket
-- $2 bigint    subscription_id
-- $3 text      reason
-- $4 text      note, or null
-- returns newly boolean, period_end timestamptz
SELECT h.newly, h.period_end
FROM perennial.hold_subscription($1::smallint, $2, $3, $4) AS h
