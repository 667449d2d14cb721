-- lock_schema: one migrate at a time; the lock goes with the transaction.
SELECT pg_advisory_xact_lock(8243122675430257772)
