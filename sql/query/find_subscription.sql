-- find_subscription: the bucket of an id.  Nothing but the import's check keeps an id from being in two.
-- $1 bigint  subscription_id
-- returns bucket smallint
SELECT s.bucket
FROM perennial.subscription s
WHERE s.bucket = ANY (
:all_buckets
  )
  AND s.subscription_id = $1
ORDER BY s.bucket
