-- add_time_zones: names that the server knows and the schema does not, after a newer tzdata.
INSERT INTO perennial.time_zone (name)
SELECT z.name
FROM pg_catalog.pg_timezone_names z
WHERE
:storable_zones
ON CONFLICT (name) DO NOTHING
