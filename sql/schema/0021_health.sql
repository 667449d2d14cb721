-- health: what tells whether runs happen, and that they keep up.

-- Dead jobs wait for an operator; few rows among very many.
CREATE INDEX notification_job_dead ON perennial.notification_job (finished_at) WHERE state = 'dead';

-- A run writes its metrics.
GRANT SELECT (state, available_at, taken_until) ON perennial.notification_job TO perennial_batch;

INSERT INTO perennial.schema_version (version, name) VALUES (21, 'health');
