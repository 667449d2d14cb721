-- life_call: the customer does something, by the rights of perennial_app alone; its answer is printed.
-- at    local time in Paris
-- call  a function of perennial, with arguments named as below

SET SESSION AUTHORIZATION perennial_app;
\set VERBOSITY verbose

SELECT CASE pg_typeof(answer) WHEN 'timestamptz'::regtype THEN to_char(answer::text::timestamptz, 'DD Mon HH24:MI')
       ELSE answer::text END
FROM (
	SELECT :call AS answer
	FROM (VALUES (timestamptz :'at', 'Europe/Paris', 1, 2)) AS given (at, zone, pro, starter)
) AS called;
