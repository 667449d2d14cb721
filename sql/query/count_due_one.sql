-- count_due_one: the same for one subscription.
-- $1 timestamptz  as_of
-- $2 smallint     bucket
-- $3 bigint       subscription_id
-- returns due bigint, held bigint
SELECT count(*) FILTER (WHERE hold_reason IS NULL) AS due,
       count(*) FILTER (WHERE hold_reason IS NOT NULL) AS held
FROM perennial.subscription
WHERE bucket = $2 AND subscription_id = $3
  AND status <> 'expired' AND period_end <= $1
