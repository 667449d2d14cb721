-- add_time_zones: names that the server knows and the schema does not, after a newer tzdata.  Where a name is an
-- abbreviation too, AT TIME ZONE takes it for that: CET without its summers, EST as each session defines it.
INSERT INTO perennial.time_zone (name)
SELECT z.name
FROM pg_catalog.pg_timezone_names z
WHERE z.name !~ '^(posix/|posixrules$|localtime$|Factory$)'
  AND (z.name IN ('UTC', 'GMT')
       OR upper(z.name) NOT IN (SELECT a.abbrev FROM pg_catalog.pg_timezone_abbrevs a))
ON CONFLICT (name) DO NOTHING
