-- check_schema: tables, columns, views and functions that the migrations grant something on and that are gone.
-- returns severity text, message text, advice text
WITH wanted (role, privilege, of, names) AS (
VALUES
:privileges
), gone AS (
	SELECT DISTINCT concat_ws('.', w.of, x.name) || CASE w.privilege WHEN 'EXECUTE' THEN '()' ELSE '' END AS name
	FROM wanted w
	CROSS JOIN unnest(string_to_array(w.names, ' ')) AS x (name)
	WHERE w.privilege <> 'USAGE' AND NOT CASE
		WHEN w.privilege = 'EXECUTE' THEN EXISTS (
			SELECT FROM pg_proc p WHERE p.pronamespace = to_regnamespace('perennial') AND p.proname = x.name)
		WHEN w.of IS NULL THEN EXISTS (
			SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace('perennial') AND c.relname = x.name)
		ELSE EXISTS (
			SELECT FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
			WHERE c.relnamespace = to_regnamespace('perennial') AND c.relname = w.of AND a.attname = x.name)
		END
)
SELECT 'error' AS severity, 'the schema has lost ' || string_agg(name, ', ' ORDER BY name) AS message,
       'the owner makes it again: perennial migrate --print shows how' AS advice
FROM gone
HAVING count(*) > 0
