-- settings: the limits of one transaction.  Local to it, so that a connection pool never sees them.  Array parameters
-- are not worth a plan of their own each time.
-- $1 text  statement_timeout
-- $2 text  lock_timeout
SELECT set_config('statement_timeout', $1, true),
       set_config('lock_timeout', $2, true),
       set_config('idle_in_transaction_session_timeout', $1, true),
       set_config('plan_cache_mode', 'force_generic_plan', true)
