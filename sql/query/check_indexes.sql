-- check_indexes: whether each index and each constraint that the migrations create is there and valid.
-- returns severity text, message text, advice text
WITH wanted ("table", kind, names) AS (
VALUES
:constraints
), looked_up AS (
	SELECT w."table", w.kind, x.name, i.indexrelid IS NOT NULL OR k.oid IS NOT NULL AS is_there,
	       coalesce(i.indisvalid AND i.indisready, k.convalidated) AS is_valid
	FROM wanted w
	CROSS JOIN unnest(string_to_array(w.names, ' ')) AS x (name)
	LEFT JOIN pg_class t ON t.relnamespace = to_regnamespace('perennial') AND t.relname = w."table"
	LEFT JOIN (pg_index i JOIN pg_class c ON c.oid = i.indexrelid)
		ON w.kind = 'index' AND i.indrelid = t.oid AND c.relname = x.name
	LEFT JOIN pg_constraint k ON w.kind = 'constraint' AND k.conrelid = t.oid AND k.conname = x.name
), found (n, severity, message, advice) AS (
	SELECT 1, 'error',
	       format('the table %s lacks the %s %s', "table", kind || CASE WHEN count(*) > 1
	              THEN CASE kind WHEN 'index' THEN 'es' ELSE 's' END ELSE '' END, string_agg(name, ', ' ORDER BY name)),
	       'the owner makes it again: perennial migrate --print shows how'
	FROM looked_up WHERE NOT is_there GROUP BY "table", kind
	UNION ALL
	SELECT 2, 'error', format('the %s %s of %s is not valid', kind, name, "table"),
	       CASE kind WHEN 'index' THEN format('the owner runs: REINDEX INDEX CONCURRENTLY perennial.%I;', name)
	            ELSE format('the owner runs: ALTER TABLE perennial.%I VALIDATE CONSTRAINT %I;', "table", name) END
	FROM looked_up WHERE is_there AND NOT is_valid
)
SELECT severity, message, advice
FROM (
	SELECT n, severity, message, advice FROM found
	UNION ALL
	SELECT 0, 'ok', format('%s indexes and %s constraints are there and valid', count(*) FILTER (WHERE kind = 'index'),
	                       count(*) FILTER (WHERE kind = 'constraint')), NULL
	FROM looked_up HAVING bool_and(is_there AND is_valid)
) AS all_of_it
ORDER BY n, message
