-- work_buckets: which buckets have due rows.
-- $1 timestamptz  as_of
-- returns bucket smallint
SELECT s.bucket
FROM perennial.subscription s
WHERE s.bucket = ANY (
:all_buckets
  )
  AND s.status <> 'expired' AND s.hold_reason IS NULL
  AND s.period_end <= $1
GROUP BY s.bucket
ORDER BY s.bucket
