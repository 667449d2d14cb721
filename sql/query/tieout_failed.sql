-- tieout_failed: how many checks of a period's tie-out fail.
-- $1 text  the period's first day
-- $2 text  the first day after it
-- $3 text  time zone
-- returns failed bigint
SELECT count(*) AS failed
FROM perennial.report_tieout($1::text::date, $2::text::date, $3)
WHERE result = 'FAIL'
