-- has_schema: whether there is a schema at all.
-- returns installed boolean
SELECT EXISTS (
	SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'perennial' AND c.relname = 'schema_version') AS installed
