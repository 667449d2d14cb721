-- note_pruning: from now on jobs that were finished before this may be gone.
-- $1 timestamptz  finished before
INSERT INTO perennial.pruning (finished_before)
VALUES ($1)
