-- billed: what was billed in the period, by currency, plan and interval.
SELECT *
FROM perennial.report_billed(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY currency, plan_code, interval_months
