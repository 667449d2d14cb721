-- open_plan: a cursor over what is due, held rows too, in the order of the plan's rows.  Due and held rows have an index
-- each, which a single condition could not use; without the buckets the server would read the table for it.
-- $1 timestamptz  as_of
-- $2 text[]       lost time zones
-- $3 bigint       subscription_id, or null for all
-- returns the columns of facts.inc
DECLARE plan NO SCROLL CURSOR FOR
SELECT
:facts
FROM (
	SELECT * FROM perennial.subscription
	WHERE status <> 'expired' AND hold_reason IS NULL AND period_end <= $1
	  AND bucket = ANY (
:all_buckets
	  )
	  AND ($3::bigint IS NULL OR subscription_id = $3)
	UNION ALL
	SELECT * FROM perennial.subscription
	WHERE status <> 'expired' AND hold_reason IS NOT NULL AND period_end <= $1
	  AND bucket = ANY (
:all_buckets
	  )
	  AND ($3::bigint IS NULL OR subscription_id = $3)
) s
:facts_joins
ORDER BY s.bucket, s.period_end, s.subscription_id
