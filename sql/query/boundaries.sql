-- boundaries: the next 32 boundaries of a subscription that is further behind than one read of its facts tells.
-- $1 timestamp  anchor
-- $2 smallint   bucket
-- $3 bigint     subscription_id, for its zone
-- $4 integer    months_elapsed
-- $5 integer    interval in months
-- returns boundaries timestamptz[]
SELECT ARRAY(
	SELECT perennial.boundary($1, s.time_zone, $4 + k * $5)
	FROM generate_series(1, 32) AS k
	ORDER BY k) AS boundaries
FROM perennial.subscription s
WHERE s.bucket = $2 AND s.subscription_id = $3
