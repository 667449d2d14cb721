-- schedule: for each amount that was billed in the period, what is earned in each month until its end.
SELECT *
FROM perennial.report_schedule(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY billed_on, subscription_id, revision, period
