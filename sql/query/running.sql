-- running: the run that is in progress, the last of them if there are several.
-- returns run_id bigint
SELECT r.run_id
FROM perennial.run_state r
WHERE r.state = 'running'
ORDER BY r.run_id DESC
LIMIT 1
