-- claim: lock the next due subscriptions of one bucket, oldest first.
-- $1 timestamptz  as_of
-- $2 text[]       lost time zones
-- $3 smallint     bucket
-- $4 timestamptz  period_end and …
-- $5 bigint       … subscription_id after which to go on
-- $6 bigint       most rows to claim
-- returns the columns of facts.inc
SELECT
:facts
FROM perennial.subscription s
:facts_joins
WHERE s.bucket = $3
  AND s.status <> 'expired' AND s.hold_reason IS NULL
  AND s.period_end <= $1
  AND (s.period_end, s.subscription_id) > ($4, $5)
ORDER BY s.period_end, s.subscription_id
LIMIT $6
FOR NO KEY UPDATE OF s SKIP LOCKED
