-- schema_version: the highest migration that was applied.
-- returns version integer
SELECT coalesce(max(version), 0) AS version FROM perennial.schema_version
