-- limits: a limit that was passed knowingly, and what a plan shows beside its numbers.

ALTER TABLE perennial.run
	ADD COLUMN allow_over text,    -- limits that it was allowed to pass …
	ADD COLUMN allow_reason text,  -- … and why
	ADD CONSTRAINT run_allowed_with_reason CHECK ((allow_over IS NULL) = (allow_reason IS NULL));

-- A run's batches are summed up at its end, and those of the last ones in every plan; the last tells whether it lives.
CREATE INDEX batch_run ON perennial.batch (run_id, committed_at);
CREATE INDEX batch_total_run ON perennial.batch_total (run_id);

-- run --dry-run is a plan.
GRANT SELECT ON perennial.plan, perennial.run_state TO perennial_batch;

INSERT INTO perennial.schema_version (version, name) VALUES (19, 'limits');
