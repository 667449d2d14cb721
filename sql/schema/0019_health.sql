-- health: what tells whether runs happen, and that they keep up.

-- Dead jobs wait for an operator; few rows among very many.
CREATE INDEX notification_job_dead ON perennial.notification_job (finished_at) WHERE state = 'dead';

-- What one run did, and its last sign of life, among the batches of all of them.
CREATE INDEX batch_run ON perennial.batch (run_id, committed_at);
CREATE INDEX batch_total_run ON perennial.batch_total (run_id);

-- A run writes its metrics.
GRANT SELECT ON perennial.run_state TO perennial_batch;
GRANT SELECT (state, available_at, taken_until) ON perennial.notification_job TO perennial_batch;

INSERT INTO perennial.schema_version (version, name) VALUES (19, 'health');
