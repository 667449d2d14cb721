-- lost_time_zones: names that the schema accepted and the server no longer knows, after another tzdata.
-- returns name text
SELECT z.name
FROM perennial.time_zone z
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_timezone_names n WHERE n.name = z.name)
ORDER BY z.name
