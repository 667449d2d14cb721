-- year: what a year of business leaves: imported at its beginning, sold, cancelled, withdrawn and reactivated on its way.
-- psql variables: subscriptions, how many are imported; month, 0 for the import, then 1 to 12, with a run after each.
-- All of it goes through the functions that an application calls.

SET TimeZone = 'UTC';
SET work_mem = '64MB';

SELECT :month = 0 AS is_import \gset
\if :is_import

INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'starter', 'Starter'), (2, 'pro', 'Pro'), (3, 'team', 'Team');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES
	(1, 1, 'EUR', 900, 1), (2, 2, 'EUR', 2900, 1), (3, 3, 'EUR', 34800, 12),
	(4, 1, 'USD', 1000, 1), (5, 2, 'USD', 3200, 1), (6, 3, 'USD', 39000, 12),
	(7, 1, 'JPY', 1500, 1), (8, 2, 'KWD', 9500, 1);

INSERT INTO perennial.account (bucket, account_id, name, billing_email)
SELECT perennial.bucket_of(i), i, 'Account ' || i, i || '@example.com' FROM generate_series(1, :subscriptions) AS i;

-- Every tenth is sold by the year.  The periods that are running end in the next month, or some time in the year.
INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, quantity, status, anchor, time_zone, period_start,
	period_end, billed_amount)
SELECT i, i, p.price_id, 1 + i % 3, 'active', local.starts, zone.name, local.starts AT TIME ZONE zone.name,
       perennial.boundary(local.starts, zone.name, p.interval_months), p.unit_amount * (1 + i % 3)
FROM generate_series(1, :subscriptions) AS i
CROSS JOIN LATERAL (SELECT (ARRAY['UTC', 'Europe/Paris', 'America/New_York', 'Asia/Tokyo'])[1 + i % 4] AS name) AS zone
JOIN perennial.price p ON p.price_id = CASE WHEN i % 10 = 0 THEN 3 + 3 * (i / 10 % 2) ELSE (ARRAY[1, 2, 4, 5, 7, 8])[1 + i % 6] END
CROSS JOIN LATERAL (SELECT timestamp '2025-10-01' - make_interval(mins =>
	(i * 7919::bigint % (CASE p.interval_months WHEN 12 THEN 364 ELSE 29 END * 1440))::int) AS starts) AS local;

SELECT * FROM perennial.import_subscriptions('2025-10-01 00:00:00Z');

\else

-- Of each thousand: 15 are cancelled, of which 4 change their minds, 8 change plan, 6 come back from expiry; 12 are new and
-- 10 try.
SELECT set_config('year.at', (timestamptz '2025-10-01' + make_interval(months => :month - 1) + interval '3 days')::text, false) \g /dev/null

SELECT count(perennial.cancel(account_id, subscription_id, current_setting('year.at')::timestamptz)) AS cancelled
FROM perennial.subscription WHERE status = 'active' AND subscription_id * 31 % 1000 BETWEEN :month * 15 AND :month * 15 + 14;

SELECT count(perennial.withdraw_cancellation(account_id, subscription_id, current_setting('year.at')::timestamptz + interval '1 day')::text) AS withdrawn
FROM perennial.subscription WHERE status = 'pending_cancellation' AND subscription_id * 31 % 1000 BETWEEN :month * 15 AND :month * 15 + 3;

SELECT count(perennial.schedule_change(account_id, subscription_id, price_id + 1, quantity + 1, current_setting('year.at')::timestamptz + interval '2 days')::text) AS changed
FROM perennial.subscription WHERE status = 'active' AND price_id IN (1, 4) AND subscription_id * 17 % 1000 BETWEEN :month * 8 AND :month * 8 + 7;

SELECT count(perennial.reactivate(account_id, subscription_id, price_id, greatest(ended_at, current_setting('year.at')::timestamptz + interval '5 days'))) AS reactivated
FROM perennial.subscription WHERE status = 'expired' AND trial_end IS NULL AND subscription_id * 13 % 100 BETWEEN :month * 6 AND :month * 6 + 5;

SELECT count(perennial.subscribe(i, 1 + i % 8, 1, 'Europe/Paris', current_setting('year.at')::timestamptz + make_interval(hours => i % 500))) AS sold
FROM generate_series(1, :subscriptions * 12 / 1000) AS i;

SELECT count(perennial.start_trial(i, 1 + i % 8, 1, 14, 'Europe/Paris', i % 3 > 0, current_setting('year.at')::timestamptz + make_interval(hours => i % 300))) AS tried
FROM generate_series(1, :subscriptions * 10 / 1000) AS i;

\endif
