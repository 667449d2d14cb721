-- health_runs: the last runs, and wherever they are among all: the last one that finished, and the last that succeeded, of
-- those for all subscriptions.  Latest first.
-- $1 integer  how many
-- returns run_id bigint, as_of timestamptz, subscription_id bigint, started_at timestamptz, finished_at timestamptz, state text,
--         result text, exit_code integer, stopped_by text, host text, outcomes bigint, held bigint, failed bigint,
--         left_due bigint, left_held bigint, is_recent boolean, is_last boolean, is_success boolean
WITH chosen AS MATERIALIZED (
	SELECT array(SELECT run_id FROM perennial.run ORDER BY run_id DESC LIMIT $1::integer) AS recent,
	       (SELECT run_id FROM perennial.run WHERE finished_at IS NOT NULL AND subscription_id IS NULL
	        ORDER BY finished_at DESC, run_id DESC LIMIT 1) AS last,
	       -- As the unit of systemd has it: some left, and no fault.
	       (SELECT run_id FROM perennial.run WHERE exit_code IN (0, 11) AND subscription_id IS NULL
	        ORDER BY finished_at DESC, run_id DESC LIMIT 1) AS success
)
SELECT r.run_id, r.as_of, r.subscription_id, r.started_at, r.finished_at, life.state, r.result, r.exit_code, r.stopped_by,
       r.host,
       (SELECT coalesce(sum(t.subscriptions), 0)::bigint FROM perennial.batch_total t WHERE t.run_id = r.run_id) AS outcomes,
       (SELECT coalesce(sum(b.held), 0)::bigint FROM perennial.batch b WHERE b.run_id = r.run_id) AS held,
       r.failed, r.left_due, r.left_held,
       r.run_id = ANY (c.recent) AS is_recent,
       r.run_id IS NOT DISTINCT FROM c.last AS is_last,
       r.run_id IS NOT DISTINCT FROM c.success AS is_success
FROM chosen c
JOIN perennial.run r ON r.run_id = ANY (c.recent || c.last || c.success)
JOIN perennial.run_state life ON life.run_id = r.run_id
ORDER BY r.run_id DESC
