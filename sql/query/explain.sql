-- explain: the facts of one subscription, due or not.
-- $1 timestamptz  as_of
-- $2 text[]       lost time zones
-- $3 bigint       subscription_id
-- returns the columns of facts.inc
SELECT
:facts
FROM perennial.subscription s
:facts_joins
WHERE s.bucket = ANY (
:all_buckets
  )
  AND s.subscription_id = $3
ORDER BY s.bucket
