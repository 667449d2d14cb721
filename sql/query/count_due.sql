-- count_due: what is due now, without locks: left by a run, and held.
-- $1 timestamptz  as_of
-- $2 bigint       subscription_id, or null for all
-- returns due bigint, held bigint
SELECT (SELECT count(*) FROM perennial.subscription
        WHERE bucket = ANY (
:all_buckets
        )
          AND status <> 'expired' AND hold_reason IS NULL AND period_end <= $1
          AND ($2::bigint IS NULL OR subscription_id = $2)) AS due,
       (SELECT count(*) FROM perennial.subscription
        WHERE bucket = ANY (
:all_buckets
        )
          AND status <> 'expired' AND hold_reason IS NOT NULL AND period_end <= $1
          AND ($2::bigint IS NULL OR subscription_id = $2)) AS held
