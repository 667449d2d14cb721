-- report_statement: the statement that streams a report's rows in one of four shapes.  table: cells between bytes that no
-- text has; csv: for spreadsheets; json: a document a row; line: the only column as it is.  sums: a
-- document with the number of rows and, by currency, the sums of amounts.
-- $1 text  the report's query
-- $2 text  shape
-- $3 text[]  names of the columns that are shown
-- $4 bigint[]  their types
-- $5 integer  a total for each value of so many columns at the beginning, in the shape table; 0: none
-- $6 integer  how many columns follow these before those that are added up; the first of them says "total"
-- returns statement text
WITH shown AS (
	SELECT place, name, format('report.%I', name) AS cell,
	       type IN (16, 18, 19, 25, 1042, 1043) AS is_text, type = 1184 AS is_instant, type IN (20, 21, 23, 1700) AS is_number,
	       type = 1700 AND name NOT LIKE '%\_minor' AS is_decimal
	FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS c (name, type, place)
), shaped AS (
	SELECT place, name, CASE
		WHEN $2 = 'table' AND is_instant THEN format('perennial.utc_text(date_trunc(''second'', %s))', cell)
		-- The same from what a session in UTC writes: it is faster, and there may be millions.
		WHEN is_instant THEN format('replace(replace(%s::text, '' '', ''T''), ''+00'', ''Z'')', cell)
		-- A spreadsheet would take text of others for a formula where it begins with tab, return, +, -, = or @.
		WHEN $2 = 'csv' AND is_text
		THEN format('CASE WHEN ascii(%1$s) IN (9, 13, 43, 45, 61, 64) THEN '''''''' || %1$s ELSE %1$s END', cell)
		-- A terminal would take them for commands.  Around an empty text COPY puts quotes, around null it does not.
		WHEN $2 = 'table' AND is_text THEN format('nullif(regexp_replace(%s, ''[[:cntrl:]]'', '' '', ''g''), '''')', cell)
		WHEN $2 = 'table' OR $2 = 'json' AND is_decimal THEN cell || '::text'
		ELSE cell END AS cell,
	CASE WHEN place <= $5::int THEN cell || '::text'
	     WHEN place = $5 + 1 THEN '''total'''
	     WHEN place > $5 + $6::int AND is_number THEN format('sum(%s)::text', cell)
	     ELSE 'NULL' END AS total
	FROM shown
), parts AS (
	SELECT string_agg(format('%s AS %I', cell, name), ', ' ORDER BY place) AS cells,
	       string_agg(total, ', ' ORDER BY place) AS totals,
	       string_agg(place::text, ', ' ORDER BY place) FILTER (WHERE place <= $5) AS groups,
	       string_agg(format('%L, sum(report.%I)', name, name), ', ' ORDER BY place) FILTER (WHERE name LIKE '%\_minor') AS sums,
	       bool_or(name = 'currency') AS has_currency
	FROM shaped
)
SELECT CASE $2
	WHEN 'csv' THEN format('COPY (SELECT %s FROM (%s) AS report) TO STDOUT (FORMAT csv, HEADER)', cells, query)
	WHEN 'json' THEN format('COPY (SELECT row_to_json(shaped) FROM (SELECT %s FROM (%s) AS report) AS shaped) TO STDOUT %s',
	                        cells, query, raw)
	WHEN 'line' THEN format('COPY (SELECT %s FROM (%s) AS report) TO STDOUT %s', cells, query, raw)
	WHEN 'table' THEN format('COPY (WITH report AS MATERIALIZED (%s) SELECT %s FROM report%s) TO STDOUT %s', query, cells,
		CASE WHEN $5 > 0 THEN format(' UNION ALL (SELECT %s FROM report GROUP BY %s HAVING count(*) > 1 ORDER BY %s)',
		                             totals, groups, groups) ELSE '' END,
		raw)
	WHEN 'sums' THEN format('COPY (WITH report AS MATERIALIZED (%s) SELECT json_build_object(''rows'', (SELECT count(*) FROM report), '
		'''sums'', %s)) TO STDOUT %s', query,
		CASE WHEN has_currency AND sums IS NOT NULL
		     THEN format('(SELECT coalesce(json_object_agg(currency, sums ORDER BY currency), ''{}'') FROM ('
		                 'SELECT currency, json_build_object(%s) AS sums FROM report WHERE currency IS NOT NULL GROUP BY currency) AS s)', sums)
		     ELSE '''{}''::json' END, raw)
	END AS statement
FROM (SELECT $1::text AS query) AS given, parts, (VALUES (E'(FORMAT csv, DELIMITER ''\x02'', QUOTE ''\x01'')')) AS copied (raw)
