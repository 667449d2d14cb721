-- load: what the benchmark runs over; psql variable: subscriptions, how many.
--
-- One of twenty has expired.  The others end one after the other, evenly from 2024-03-03 on over 23 days: how many
-- are due is a matter of --as-of alone, and due_at() in stage.py knows it.  Nobody is behind, so that a statement
-- written by hand need not loop.  Who ends when, who lives where and who has what go by different primes: neighbours
-- in a table have nothing in common.

BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL work_mem = '256MB';

INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'starter', 'Starter'), (2, 'pro', 'Pro');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
SELECT row_number() OVER (ORDER BY plan_id, currency, months), plan_id, currency, amount * months, months
FROM (VALUES (1, 'EUR', 900), (2, 'EUR', 2900), (1, 'USD', 1000), (2, 'USD', 3200), (1, 'JPY', 1500), (2, 'JPY', 4800))
     AS monthly (plan_id, currency, amount), unnest(ARRAY[1, 12]) AS months;

INSERT INTO perennial.account (bucket, account_id, kind, name, billing_email, representative_email)
SELECT perennial.bucket_of(a), a, CASE WHEN a % 19 = 7 THEN 'corporate' ELSE 'online' END, 'Account ' || a,
       'account' || a || '@example.com', CASE WHEN a % 19 = 7 THEN 'representative@example.org' END
FROM generate_series(1, :subscriptions) AS a;

-- Of each hundred that are due, 79 renew, 10 end because they were cancelled, 4 are trials that end and 7 that convert.
-- One of thirty has chosen the other plan, or another quantity.
INSERT INTO perennial.subscription (
	bucket, subscription_id, account_id, price_id, next_price_id, quantity, next_quantity, status, billing_info_at,
	anchor, time_zone, months_elapsed, period_start, period_end, trial_end, cancel_requested_at, ended_at, end_reason)
SELECT perennial.bucket_of(i), i, i, p.price_id,
       CASE WHEN chance.status = 'active' AND i % 30 = 7 THEN (p.price_id + 5) % 12 + 1 END,
       1 + i % 3, CASE WHEN chance.status = 'active' AND i % 30 = 11 THEN 5 END, chance.status::perennial.status,
       CASE WHEN chance.lot < 96 THEN period.starts END,
       local.anchor, zone.name, CASE WHEN chance.status = 'trialing' THEN 0 ELSE 12 END, period.starts, due.ends,
       CASE WHEN chance.status = 'trialing' THEN due.ends END,
       CASE WHEN chance.status = 'pending_cancellation' OR ended.at IS NOT NULL
            THEN period.starts + interval '1 day' END,
       ended.at, CASE WHEN ended.at IS NOT NULL THEN 'cancelled' END
FROM generate_series(1, :subscriptions) AS i
CROSS JOIN LATERAL (SELECT i * 48271::bigint % 2147483647 % 100 AS lot, i % 20 = 0 AS expired) AS drawn
CROSS JOIN LATERAL (SELECT drawn.lot, CASE
	WHEN drawn.expired THEN 'expired'
	WHEN drawn.lot < 79 THEN 'active'
	WHEN drawn.lot < 89 THEN 'pending_cancellation'
	ELSE 'trialing' END AS status) AS chance
JOIN perennial.price p ON p.price_id = 1 + i * 7919::bigint % 12
CROSS JOIN LATERAL (SELECT (ARRAY['UTC', 'Europe/Paris', 'Europe/London', 'America/New_York', 'America/Los_Angeles',
	'America/Sao_Paulo', 'Asia/Tokyo', 'Asia/Kuwait', 'Asia/Kathmandu', 'Pacific/Auckland'])
	[1 + (i * 613::bigint % 10)::int] AS name) AS zone
-- The n-th of those that live; 15485863 is a prime and shares no factor with how many they are.
CROSS JOIN LATERAL (SELECT i - i / 20 - 1 AS n, :subscriptions - :subscriptions / 20 AS live) AS alive
CROSS JOIN LATERAL (SELECT timestamptz '2024-03-03 00:00:00Z' +
	interval '23 days' * (alive.n * 15485863::bigint % alive.live / alive.live::float8) AS ends) AS due
CROSS JOIN LATERAL (SELECT CASE WHEN chance.status = 'expired' THEN due.ends END AS at) AS ended
CROSS JOIN LATERAL (SELECT due.ends AT TIME ZONE zone.name -
	CASE WHEN chance.status = 'trialing' THEN interval '0' ELSE interval '12 months' END AS anchor) AS local
CROSS JOIN LATERAL (SELECT CASE WHEN chance.status = 'trialing' THEN due.ends - interval '14 days'
	ELSE perennial.boundary(local.anchor, zone.name, 12 - p.interval_months) END AS starts) AS period;

COMMIT;

VACUUM (FREEZE, ANALYZE);
