-- deferred: what was billed and not yet earned, from the beginning of the period to its end.
SELECT *
FROM perennial.report_deferred(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY currency, plan_code
