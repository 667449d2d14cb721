-- waterfall: what was billed in each month, and what of it is earned in each month of the period.
SELECT *
FROM perennial.report_waterfall(:'from', :'to', :'time_zone')
WHERE (:'currency' = '' OR currency = :'currency')
ORDER BY currency, booked_period, period
