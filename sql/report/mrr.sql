-- mrr: what the paid subscriptions bring in a month, and what moved it.
SELECT *
FROM perennial.report_mrr(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY currency, plan_code
