-- report_scope: whether there is what a report was asked for, and the days that it counts from.
-- $1 text  time zone
-- $2 text  currency
-- $3 text  plan code
-- returns zone_known boolean, currency_known boolean, plan_known boolean, today text, this_month text, last_month text
SELECT zone.known AS zone_known,
       EXISTS (SELECT FROM perennial.currency WHERE code = $2::text) AS currency_known,
       EXISTS (SELECT FROM perennial.plan WHERE code = $3) AS plan_known,
       to_char(clock.local, 'YYYY-MM-DD') AS today,
       to_char(date_trunc('month', clock.local), 'YYYY-MM-DD') AS this_month,
       to_char(date_trunc('month', clock.local) - interval '1 month', 'YYYY-MM-DD') AS last_month
FROM (SELECT EXISTS (SELECT FROM perennial.time_zone WHERE name = $1) AS known) AS zone
CROSS JOIN LATERAL (SELECT now() AT TIME ZONE CASE WHEN zone.known THEN $1 ELSE 'UTC' END AS local) AS clock
