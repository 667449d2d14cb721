-- holds: those in force, with what they keep from being billed.
SELECT *
FROM perennial.report_holds(:'as_of')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY held_at, subscription_id
