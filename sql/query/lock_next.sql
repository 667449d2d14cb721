-- lock_next: lock the next due subscription of one bucket, and nothing more: also one whose facts cannot be computed.
-- $1 timestamptz  as_of
-- $2 smallint     bucket
-- $3 timestamptz  period_end and …
-- $4 bigint       … subscription_id after which to go on
-- $5 bigint       only this subscription_id, or null for all
-- returns subscription_id bigint, period_end timestamptz
SELECT s.subscription_id, s.period_end
FROM perennial.subscription s
WHERE s.bucket = $2
  AND s.status <> 'expired' AND s.hold_reason IS NULL
  AND s.period_end <= $1
  AND (s.period_end, s.subscription_id) > ($3, $4)
  AND ($5::bigint IS NULL OR s.subscription_id = $5)
ORDER BY s.period_end, s.subscription_id
LIMIT 1
FOR NO KEY UPDATE OF s SKIP LOCKED
