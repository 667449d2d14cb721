-- server: the server's clock, where we are, and the schema's version.
-- returns clock timestamptz, database text, standby boolean, version integer
SELECT now() AS clock,
       current_database()::text AS database,
       pg_is_in_recovery() AS standby,
       (SELECT coalesce(max(version), 0) FROM perennial.schema_version) AS version
