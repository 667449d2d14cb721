-- count_due: what is due now, without locks: left by a run, and held.  The list of all buckets keeps it to the indexes.
-- $1 timestamptz  as_of
-- returns due bigint, held bigint
SELECT (SELECT count(*) FROM perennial.subscription
        WHERE bucket = ANY (ARRAY(SELECT generate_series(0, 255)::smallint))
          AND status <> 'expired' AND hold_reason IS NULL AND period_end <= $1) AS due,
       (SELECT count(*) FROM perennial.subscription
        WHERE bucket = ANY (ARRAY(SELECT generate_series(0, 255)::smallint))
          AND status <> 'expired' AND hold_reason IS NOT NULL AND period_end <= $1) AS held
