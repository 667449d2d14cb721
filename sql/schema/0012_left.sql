-- left: what a run left undone, and why.

ALTER TABLE perennial.run
	ADD COLUMN subscription_id bigint,                   -- the only one that it was for; null: all that were due
	ADD COLUMN left_due bigint CHECK (left_due >= 0),    -- due and not on hold when it ended, the failed ones among them
	ADD COLUMN left_held bigint CHECK (left_held >= 0),  -- due, but on hold
	ADD COLUMN failed bigint CHECK (failed >= 0),        -- the server refused what was decided, and their hold too
	ADD COLUMN stopped_by text,                          -- null: it went on until nothing could be claimed
	DROP CONSTRAINT run_result_check,
	ADD CONSTRAINT run_result_check CHECK (result IN ('done', 'held', 'left', 'limit', 'failed'));

GRANT UPDATE (left_due, left_held, failed, stopped_by) ON perennial.run TO perennial_batch;

-- Of the claimed ones, those that are still due afterwards: too far behind for one claim.
ALTER TABLE perennial.batch
	ADD COLUMN continued int NOT NULL DEFAULT 0,
	ADD CONSTRAINT batch_continued_check CHECK (continued BETWEEN 0 AND claimed);

INSERT INTO perennial.schema_version (version, name) VALUES (12, 'left');
