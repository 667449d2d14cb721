-- check_zones: the time zones of reports and subscriptions against those of the server.
-- $1 text  report.time_zone
-- returns severity text, message text, advice text
WITH known AS MATERIALIZED (  -- read from many files
	SELECT name FROM pg_timezone_names
), new AS (
	SELECT z.name
	FROM known z
	WHERE z.name NOT IN (SELECT name FROM perennial.time_zone)
	  AND
:storable_zones
), lost AS (
	SELECT z.name, (SELECT count(*) FROM perennial.subscription s
	                WHERE s.time_zone = z.name AND s.status <> 'expired') AS used
	FROM perennial.time_zone z
	WHERE NOT EXISTS (SELECT FROM known n WHERE n.name = z.name)
), found (n, severity, message, advice) AS (
	SELECT 2, 'error', format('report.time_zone: there is no time zone "%s"', $1::text),
	       'perennial.time_zone has the names, such as Europe/Paris'
	WHERE NOT EXISTS (SELECT FROM perennial.time_zone WHERE name = $1)
	UNION ALL
	SELECT 3, 'error', format('the server has lost the time zone %s, subscriptions that have it: %s', name, used),
	       'update the server''s tzdata: a run puts them on hold, with the reason unknown_time_zone'
	FROM lost WHERE used > 0
	UNION ALL
	SELECT 4, 'warning', 'the server knows time zones that the schema does not: ' || string_agg(name, ', ' ORDER BY name),
	       'the owner adds them: perennial migrate'
	FROM new HAVING count(*) > 0
)
SELECT severity, message, advice
FROM (
	SELECT n, severity, message, advice FROM found
	UNION ALL
	SELECT 1, 'ok', format('the server knows every time zone in use%s',
	                       (SELECT '; it has lost ' || string_agg(name, ', ' ORDER BY name) FROM lost)),
	       NULL
	WHERE NOT EXISTS (SELECT FROM found WHERE n <= 3)
) AS all_of_it
ORDER BY n, message
