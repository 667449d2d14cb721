-- recent_pace: how much the last runs had to do, and how long they took.
-- $1 bigint  so many runs at most
-- returns runs bigint, claimed bigint, milliseconds bigint
SELECT count(*) AS runs,
       coalesce(sum(r.claimed), 0)::bigint AS claimed,
       coalesce(sum(extract(epoch FROM r.took) * 1000), 0)::bigint AS milliseconds
FROM (
:recent_runs
) AS r
