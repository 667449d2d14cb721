-- held: the next subscriptions on hold, in the order of their index.
-- $1 timestamptz  as_of
-- $2 text[]       lost time zones
-- $3 bigint[]     only these subscription_ids, or null for all
-- $4 text         only those on hold for this reason, or null for all
-- $5 smallint     after this bucket, …
-- $6 timestamptz  … period_end and …
-- $7 bigint       … subscription_id
-- $8 bigint       how many at most
-- returns the columns of facts.inc
SELECT
:facts
FROM (
	SELECT * FROM perennial.subscription
	WHERE status <> 'expired' AND hold_reason IS NOT NULL
	  AND (bucket, period_end, subscription_id) > ($5, $6, $7)
	  AND ($3::bigint[] IS NULL OR subscription_id = ANY ($3))
	  AND ($4::text IS NULL OR hold_reason = $4)
	ORDER BY bucket, period_end, subscription_id
	LIMIT $8
) s
:facts_joins
ORDER BY s.bucket, s.period_end, s.subscription_id
