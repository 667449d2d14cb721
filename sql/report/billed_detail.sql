-- billed_detail: what was billed in the period, a row for each.
SELECT *
FROM perennial.report_billed_detail(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY billed_at, subscription_id, revision
