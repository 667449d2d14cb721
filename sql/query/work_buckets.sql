-- work_buckets: which buckets have due rows.  The list of all of them makes this a few index look-ups each.
-- $1 timestamptz  as_of
-- returns bucket smallint
SELECT s.bucket
FROM perennial.subscription s
WHERE s.bucket = ANY (ARRAY(SELECT generate_series(0, 255)::smallint))
  AND s.status <> 'expired' AND s.hold_reason IS NULL
  AND s.period_end <= $1
GROUP BY s.bucket
ORDER BY s.bucket
