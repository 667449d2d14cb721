-- claim: lock the next due subscriptions of one bucket, oldest first.
-- $1 timestamptz  as_of
-- $2 smallint     bucket
-- $3 timestamptz  period_end and …
-- $4 bigint       … subscription_id after which to go on
-- $5 integer      most rows to claim
-- returns the columns of facts.inc
SELECT
:facts
FROM perennial.subscription s
WHERE s.bucket = $2
  AND s.status <> 'expired' AND s.hold_reason IS NULL
  AND s.period_end <= $1
  AND (s.period_end, s.subscription_id) > ($3, $4)
ORDER BY s.period_end, s.subscription_id
LIMIT $5
FOR NO KEY UPDATE OF s SKIP LOCKED
