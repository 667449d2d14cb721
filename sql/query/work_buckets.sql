-- work_buckets: which buckets have due rows, and how many.
-- $1 timestamptz  as_of
-- returns bucket smallint, due bigint
-- due is null on Citus, where a transaction stays on the node that has its bucket.
SELECT s.bucket,
       CASE WHEN current_setting('citus.version', true) IS NULL THEN count(*) END AS due
FROM perennial.subscription s
WHERE s.bucket = ANY (
:all_buckets
  )
  AND s.status <> 'expired' AND s.hold_reason IS NULL
  AND s.period_end <= $1
GROUP BY s.bucket
ORDER BY s.bucket
