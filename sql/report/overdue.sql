-- overdue: what is due and not done, by reason and age.
SELECT *
FROM perennial.report_overdue(:'as_of')
WHERE (:'currency' = '' OR currency = :'currency')
ORDER BY currency, reason, oldest_due_at
