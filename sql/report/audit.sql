-- audit: all that happened in the period, by the date that counts.
SELECT *
FROM perennial.report_audit(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency') AND (:'plan' = '' OR plan_code = :'plan')
ORDER BY at, subscription_id, revision
