-- settings: opens every transaction, right after its BEGIN or as the first statement of an implicit one, and ends with it,
-- so that a connection pool never sees it.  Nothing of ours is looked up in a schema where others may create things.
-- Array parameters are not worth a plan of their own each time.
-- $1 text  statement_timeout, "0" for none
-- $2 text  lock_timeout, likewise
-- returns statement_timeout text, lock_timeout text, idle text, plan_cache_mode text, search_path text
SELECT pg_catalog.set_config('statement_timeout', $1, true) AS statement_timeout,
       pg_catalog.set_config('lock_timeout', $2, true) AS lock_timeout,
       pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true) AS idle,
       pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true) AS plan_cache_mode,
       pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true) AS search_path
