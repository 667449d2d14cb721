-- server: the server's clock, and where we are.
-- returns clock timestamptz, database text, standby boolean
SELECT now() AS clock,
       current_database()::text AS database,
       pg_is_in_recovery() AS standby
