-- run_batches: how much a run did, as its committed batches say.
-- $1 bigint  run_id
-- returns batches bigint, claimed bigint, continued bigint, held bigint
SELECT count(*) AS batches,
       coalesce(sum(b.claimed), 0)::bigint AS claimed,
       coalesce(sum(b.continued), 0)::bigint AS continued,
       coalesce(sum(b.held), 0)::bigint AS held
FROM perennial.batch b
WHERE b.run_id = $1
