-- record_version: a migration was applied.
-- $1 integer  version
-- $2 text     name
INSERT INTO perennial.schema_version (version, name) VALUES ($1, $2)
