-- load: subscriptions for the fault tests; psql variables: seed, subscriptions, accounts, as_of.
--
-- All chance is a hash of the seed, a subscription's number and a word: the same seed gives the same rows.

BEGIN;
SET LOCAL TimeZone = 'UTC';

CREATE FUNCTION pg_temp.chance(number bigint, word text, below int) RETURNS int
LANGUAGE sql RETURN
	('x' || left(md5(concat_ws('/', current_setting('test.seed'), number, word)), 7))::bit(28)::int % below;

SELECT set_config('test.seed', :'seed', true) \g /dev/null

INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'basic', 'Basic');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES
	(1, 1, 'EUR', 1000, 1), (2, 1, 'EUR', 10000, 12), (3, 1, 'JPY', 1500, 1), (4, 1, 'JPY', 15000, 12),
	(5, 1, 'KWD', 4500, 1), (6, 1, 'KWD', 45000, 12), (7, 1, 'EUR', 0, 1),
	(8, 1, 'EUR', 600000000000000, 1);  -- two of these are more than an amount may be

-- Accounts in eight buckets.
CREATE TEMPORARY TABLE account ON COMMIT DROP AS
SELECT n, 256 * (1 + n / 8) + n % 8 AS account_id FROM generate_series(0, :accounts - 1) AS n;

INSERT INTO perennial.account (bucket, account_id, kind, name, billing_email, representative_email)
SELECT perennial.bucket_of(account_id), account_id, CASE WHEN n % 5 = 0 THEN 'corporate' ELSE 'online' END,
       'Account ' || n, 'billing' || n || '@example.com', CASE WHEN n % 5 = 0 THEN 'sales@example.org' END
FROM account;

-- Of each hundred, so many of each kind.  behind: how many periods were missed before the one that is due; null: none
-- is due.
CREATE TEMPORARY TABLE lot ON COMMIT DROP AS
SELECT l.*, sum(l.of_hundred) OVER (ORDER BY l.lot_id) AS up_to
FROM (VALUES
	( 1, 33, 'active',                0, true,  false, NULL),
	( 2, 10, 'active',                1, true,  false, NULL),
	( 3,  1, 'active',               39, true,  true,  NULL),             -- released to be caught up
	( 4,  3, 'active',               12, true,  false, NULL),             -- too far behind: will be held
	( 5,  1, 'active',                0, true,  false, NULL),             -- its amount is too high: will be held
	( 6, 10, 'trialing',              0, true,  false, NULL),
	( 7, 10, 'trialing',              0, false, false, NULL),
	( 8, 12, 'pending_cancellation',  0, true,  false, NULL),
	( 9,  4, 'active',                0, true,  false, 'payment_dispute'),
	(10,  8, 'active',             NULL, true,  false, NULL),
	(11,  2, 'trialing',           NULL, false, false, NULL),
	(12,  2, 'pending_cancellation', NULL, true, false, NULL),
	(13,  4, 'expired',               0, true,  false, NULL)
) AS l (lot_id, of_hundred, status, behind, billing_info, catch_up_allowed, hold_reason);

INSERT INTO perennial.subscription (
	bucket, subscription_id, account_id, price_id, next_price_id, quantity, next_quantity, status, billing_info_at,
	anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
	cancel_requested_at, ended_at, end_reason, hold_reason, held_at, catch_up_allowed)
SELECT perennial.bucket_of(a.account_id), i, a.account_id, p.price_id, chosen.next_price_id,
       CASE WHEN p.price_id = 8 THEN 2 ELSE 1 + i % 3 END, chosen.next_quantity, lot.status::perennial.status,
       CASE WHEN lot.billing_info THEN period.starts + interval '1 day' END,
       chosen.anchor, chosen.time_zone, chosen.months_elapsed, period.starts, period.ends,
       CASE WHEN lot.status = 'trialing' THEN period.ends END,
       CASE WHEN lot.status IN ('pending_cancellation', 'expired') THEN period.starts + interval '2 days' END,
       CASE WHEN lot.status = 'expired' THEN period.ends END,
       CASE WHEN lot.status = 'expired' THEN 'cancelled' END,
       lot.hold_reason, CASE WHEN lot.hold_reason IS NOT NULL THEN period.starts + interval '3 days' END,
       lot.catch_up_allowed
FROM generate_series(1, :subscriptions) AS i
-- 37 and 100 have no common factor: each hundred numbers in a row meet each slot once.
JOIN lot ON i * 37 % 100 >= lot.up_to - lot.of_hundred AND i * 37 % 100 < lot.up_to
JOIN account a ON a.n = pg_temp.chance(i, 'account', :accounts)
JOIN perennial.price p ON p.price_id = CASE
	WHEN lot.lot_id = 5 THEN 8
	WHEN lot.behind > 1 THEN 1 + 2 * pg_temp.chance(i, 'price', 3)  -- monthly, and not before 2000
	ELSE 1 + pg_temp.chance(i, 'price', 7) END
CROSS JOIN LATERAL (SELECT
	(ARRAY['UTC', 'Europe/Paris', 'America/New_York', 'Asia/Tokyo', 'Australia/Lord_Howe'])
		[1 + pg_temp.chance(i, 'zone', 5)] AS time_zone,
	p.interval_months * (1 + pg_temp.chance(i, 'age', 4)) AS age,
	-- A few have changed from monthly to annual, or back, or will pay for more.
	CASE WHEN lot.status = 'active' AND lot.behind < 2 AND i % 19 = 0 AND p.price_id < 7
	     THEN p.price_id + 2 * (p.price_id % 2) - 1 END AS next_price_id,
	CASE WHEN lot.status = 'active' AND i % 23 = 0 AND p.price_id < 7 THEN 5 END AS next_quantity
) AS drawn
-- The period that is due ended before as_of, at a month's end or some hours earlier; another one ends within the year.
CROSS JOIN LATERAL (SELECT
	CASE WHEN lot.behind IS NULL
	     THEN timestamp :'as_of' + make_interval(days => 2 + pg_temp.chance(i, 'later', 300))
	     WHEN i % 3 = 0 THEN timestamp '2024-03-31 00:00' - make_interval(days => CASE drawn.time_zone
	          WHEN 'America/New_York' THEN 1 ELSE 0 END)
	     ELSE timestamp :'as_of' - make_interval(mins => 1500 + pg_temp.chance(i, 'earlier', 27000))
	END AS local_end
) AS target
CROSS JOIN LATERAL (SELECT drawn.*,
	CASE WHEN lot.status = 'trialing' THEN 0 ELSE drawn.age END AS months_elapsed,
	target.local_end - make_interval(months => CASE WHEN lot.status = 'trialing' THEN 0
		ELSE drawn.age + coalesce(lot.behind, 0) * p.interval_months END) AS anchor
) AS chosen
CROSS JOIN LATERAL (SELECT
	perennial.boundary(chosen.anchor, chosen.time_zone, chosen.months_elapsed) AS ends,
	CASE WHEN lot.status = 'trialing' THEN (chosen.anchor - interval '14 days') AT TIME ZONE chosen.time_zone
	     ELSE perennial.boundary(chosen.anchor, chosen.time_zone, chosen.months_elapsed - p.interval_months) END AS starts
) AS period;

COMMIT;

ANALYZE perennial.account, perennial.subscription, perennial.plan, perennial.price;
