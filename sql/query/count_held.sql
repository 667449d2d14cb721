-- count_held: how many are on hold, due or not.
-- $1 text  only those on hold for this reason, or null for all
-- returns held bigint
SELECT count(*) AS held
FROM perennial.subscription
WHERE status <> 'expired' AND hold_reason IS NOT NULL AND ($1::text IS NULL OR hold_reason = $1)
