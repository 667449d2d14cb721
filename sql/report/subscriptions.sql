-- subscriptions: how many there were, came and went, by plan and currency; trials apart.
SELECT *
FROM perennial.report_subscriptions(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY segment, currency, plan_code
