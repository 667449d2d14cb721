-- month_end: Easter Sunday in the office of the demo's company.  Customers buy, try, cancel and come back.

SELECT 'bought' AS what, count(perennial.subscribe(a.account_id, p.price_id, 1 + (a.account_id % 4)::int, home.time_zone,
	timestamptz '2024-03-31 08:00:00Z' + make_interval(mins => (a.account_id % 700)::int))) AS times
FROM perennial.account a
JOIN LATERAL (SELECT time_zone, price_id FROM perennial.subscription s WHERE s.bucket = a.bucket AND s.account_id = a.account_id
              ORDER BY subscription_id LIMIT 1) AS home ON true
JOIN perennial.price p USING (price_id)
WHERE a.account_id % 31 = 11
UNION ALL
SELECT 'tried', count(perennial.start_trial(a.account_id, home.price_id, 1, 14, home.time_zone, a.account_id % 2 = 0,
	timestamptz '2024-03-31 09:00:00Z' + make_interval(mins => (a.account_id % 600)::int)))
FROM perennial.account a
JOIN LATERAL (SELECT time_zone, price_id FROM perennial.subscription s WHERE s.bucket = a.bucket AND s.account_id = a.account_id
              ORDER BY subscription_id LIMIT 1) AS home ON true
WHERE a.account_id % 67 = 5
UNION ALL
SELECT 'cancelled', count(perennial.cancel(account_id, subscription_id, '2024-03-31 12:00:00Z'))
FROM perennial.subscription
WHERE status = 'active' AND subscription_id % 61 = 17 AND period_start < '2024-03-31 12:00:00Z'
UNION ALL
SELECT 'came back', count(perennial.reactivate(account_id, subscription_id, price_id, '2024-03-31 18:30:00Z'))
FROM perennial.subscription
WHERE status = 'expired' AND subscription_id % 23 = 7 AND coalesce(ended_at, period_end) < '2024-03-31 18:30:00Z';
