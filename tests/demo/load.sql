-- load: about 5,000 subscriptions of 3,200 accounts, as they stand at 2024-03-31 02:00 UTC.
--
-- The story: the nightly job ran last on Thursday, 28 March, and stood still over Easter.  In the night to Sunday
-- most of Europe turned its clocks forward, at 01:00 UTC.  What became due since Thursday is waiting, together with
-- a few subscriptions that are several periods late.
--
-- Every value is integer arithmetic on the row's own number: two loads give the same rows, and the row of a number
-- can be looked at again.  The moduli are different primes so that the properties do not go in step.

BEGIN;
SET LOCAL TimeZone = 'UTC';

CREATE TEMPORARY TABLE clock ON COMMIT DROP AS
SELECT timestamptz '2024-03-28 02:00:00Z' AS last_run, timestamptz '2024-03-31 02:00:00Z' AS as_of;


-- Catalogue.  A year costs ten months.  Team and enterprise are sold by the seat.

INSERT INTO perennial.plan (plan_id, code, name) VALUES
	(1, 'starter',    'Starter'),
	(2, 'pro',        'Pro'),
	(3, 'team',       'Team, per seat'),
	(4, 'enterprise', 'Enterprise, per seat');

INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
SELECT row_number() OVER (ORDER BY monthly.plan_id, monthly.currency, term.months),
       monthly.plan_id, monthly.currency, monthly.amount * 10 ^ c.exponent * term.price_of_months, term.months
FROM (VALUES
	(1, 'EUR',   9.00), (1, 'USD',   10.00), (1, 'GBP',   8.00), (1, 'JPY',   1500), (1, 'KWD',   3.000),
	(2, 'EUR',  29.00), (2, 'USD',   32.00), (2, 'GBP',  25.00), (2, 'JPY',   4800), (2, 'KWD',   9.500),
	(3, 'EUR',  12.00), (3, 'USD',   13.00), (3, 'GBP',  10.50), (3, 'JPY',   1900), (3, 'KWD',   3.950),
	(4, 'EUR', 990.00), (4, 'USD', 1090.00), (4, 'GBP', 850.00), (4, 'JPY', 165000), (4, 'KWD', 330.000)
) AS monthly (plan_id, currency, amount)
JOIN perennial.currency c ON c.code = monthly.currency
CROSS JOIN (VALUES (1, 1), (12, 10)) AS term (months, price_of_months);


-- Accounts.  Where a customer lives gives the zone, the currency and the language.  Accounts 1 to 6 stand in the
-- foreground of the demo; one in nineteen of the others is a company with a representative.

CREATE TEMPORARY TABLE home ON COMMIT DROP AS
SELECT h.time_zone, h.currency, h.locale, slot
FROM (VALUES
	('Europe/Paris',         'EUR', 'fr',     0,  3),
	('Europe/London',        'GBP', 'en',     4,  6),
	('America/New_York',     'USD', 'en',     7,  9),
	('America/Los_Angeles',  'USD', 'en',    10, 11),
	('America/Sao_Paulo',    'USD', 'pt_BR', 12, 12),
	('Asia/Tokyo',           'JPY', 'ja',    13, 15),
	('Asia/Kuwait',          'KWD', 'ar',    16, 17),
	('Asia/Kathmandu',       'USD', 'en',    18, 18),
	('Australia/Lord_Howe',  'USD', 'en',    19, 19),
	('Africa/Casablanca',    'EUR', 'fr',    20, 20),
	('Pacific/Auckland',     'USD', 'en',    21, 21),
	('UTC',                  'EUR', 'en',    22, 22)
) AS h (time_zone, currency, locale, first_slot, last_slot), generate_series(h.first_slot, h.last_slot) AS slot;

CREATE TEMPORARY TABLE customer ON COMMIT DROP AS
SELECT a AS account_id, a > 6 AND a % 19 = 7 AS corporate, home.time_zone, home.currency, home.locale
FROM generate_series(1, 3200) AS a
JOIN home ON home.slot = a % 23;

INSERT INTO perennial.account (bucket, account_id, kind, name, billing_email, representative_email, locale)
VALUES
	(perennial.bucket_of(1), 1, 'online', 'Ada Example',     'ada@example.com',     NULL, 'en'),
	(perennial.bucket_of(2), 2, 'online', 'Benoit Marchand', 'benoit@example.com',  NULL, 'fr'),
	(perennial.bucket_of(3), 3, 'online', 'Claire Fontaine', 'claire@example.com',  NULL, 'fr'),
	(perennial.bucket_of(4), 4, 'online', 'Daichi Mori',     'daichi@example.com',  NULL, 'ja'),
	(perennial.bucket_of(5), 5, 'online', 'Edna Whitelaw',   'edna@example.com',    NULL, 'en'),
	(perennial.bucket_of(6), 6, 'online', 'Farida Bennis',   'farida@example.com',  NULL, 'fr');

INSERT INTO perennial.account (bucket, account_id, kind, name, billing_email, representative_email, locale)
SELECT perennial.bucket_of(c.account_id), c.account_id,
       CASE WHEN c.corporate THEN 'corporate' ELSE 'online' END,
       CASE WHEN c.corporate THEN firm.name ELSE person.first_name || ' ' || person.last_name END,
       CASE WHEN c.corporate THEN format('accounts.%s@example.org', c.account_id)
            ELSE lower(format('%s.%s.%s@example.com', person.first_name, person.last_name, c.account_id)) END,
       CASE WHEN c.corporate THEN lower(format('%s.%s@representatives.example.org', person.first_name, person.last_name)) END,
       c.locale
FROM customer c
CROSS JOIN (SELECT
	string_to_array('Alma Bruno Carla Dario Elena Felix Greta Hugo Ines Jonas Kira Leon Maya Nils Olga Pablo Quinn '
	                'Rosa Sami Tara Umar Vera Walid Xenia Yann Zoe Akira Emi Kenji', ' ') AS first_names,
	string_to_array('Abbott Bauer Costa Duval Eriksen Ferrari Garcia Hansen Ito Jansen Keller Lopez Martin Novak '
	                'Okafor Petit Quist Rossi Silva Tanaka Ueda Vogel Weber Xu Yilmaz Zhang Bishop Castro Dubois '
	                'Endo Fischer', ' ') AS last_names,
	string_to_array('Amber Birch Cedar Delta Elm Falcon Granite Harbour Indigo Juniper Kestrel', ' ') AS firm_names,
	string_to_array('Analytics,Bakeries,Consulting,Design,Engineering,Freight,Gardens,Hotels,Instruments,Joinery,'
	                'Kitchens,Logistics,Marine', ',') AS trades
) AS word
CROSS JOIN LATERAL (SELECT
	word.first_names[1 + c.account_id % 29] AS first_name,
	word.last_names[1 + (c.account_id * 11 + c.account_id / 29) % 31] AS last_name
) AS person
CROSS JOIN LATERAL (SELECT
	format('%s %s Ltd', word.firm_names[1 + c.account_id % 11], word.trades[1 + c.account_id % 13]) AS name
) AS firm
WHERE c.account_id > 6;


-- Subscriptions 1 to 7, by hand: the ones that the demo shows one by one.  They differ in the anchor (the local time
-- from which all periods are counted) and in the number of months to the end of the current period.

CREATE TEMPORARY TABLE draft (
	subscription_id      bigint PRIMARY KEY,
	account_id           bigint NOT NULL,
	plan_id              int NOT NULL,
	currency             char(3) NOT NULL,
	interval_months      int NOT NULL,
	quantity             int NOT NULL,
	status               perennial.status NOT NULL,
	trial_days           int,                -- set: the current period is a trial of so many days
	billing_info         boolean NOT NULL,
	anchor               timestamp NOT NULL,
	time_zone            text NOT NULL,
	months_elapsed       int NOT NULL,
	hold_reason          text
) ON COMMIT DROP;

INSERT INTO draft VALUES
	-- Ada holds two: the monthly one is cancelled to its end, the annual one goes on.  Neither touches the other.
	(1, 1, 1, 'GBP',  1, 1, 'pending_cancellation', NULL, true, '2024-01-31 00:00', 'Europe/London',        2, NULL),
	(2, 1, 2, 'GBP', 12, 1, 'active',               NULL, true, '2022-03-31 00:00', 'Europe/London',       24, NULL),
	-- The 31st: 29 February, 31 March, 30 April.
	(3, 2, 1, 'EUR',  1, 1, 'active',               NULL, true, '2024-01-31 00:00', 'Europe/Paris',         2, NULL),
	-- Half past two does not exist in Paris on 31 March 2024: the clock reads half past three.
	(4, 3, 2, 'EUR',  1, 1, 'active',               NULL, true, '2023-12-31 02:30', 'Europe/Paris',         3, NULL),
	-- 29 February, annual, and two periods late: 2023-02-28, 2024-02-29, 2025-02-28.
	(5, 4, 2, 'JPY', 12, 1, 'active',               NULL, true, '2020-02-29 09:00', 'Asia/Tokyo',          36, NULL),
	-- Lord Howe Island turns its clocks by half an hour, back, on 7 April 2024.
	(6, 5, 1, 'USD',  1, 1, 'active',               NULL, true, '2023-10-31 00:00', 'Australia/Lord_Howe',  5, NULL),
	-- Morocco turns its clocks back for the month of Ramadan, here until 14 April 2024.
	(7, 6, 1, 'EUR',  1, 1, 'active',               NULL, true, '2023-08-30 00:00', 'Africa/Casablanca',    7, NULL);


-- Subscriptions 8 to 5000, drawn from these lots: of each thousand, so many of each kind.  end_lies says where the
-- boundary of the current period lies: between the last run and now (past), after now (future), at the local midnight
-- of 31 March (midnight: it has come in Tokyo and Paris, and not yet in New York), on 29 February (leap), or long ago.

CREATE TEMPORARY TABLE lot ON COMMIT DROP AS
SELECT l.*, sum(l.of_thousand) OVER (ORDER BY l.lot_id) AS up_to
FROM (VALUES
	-- due, or at midnight: the run has something to do
	( 1, 205, 'active',                1, 'past',     0, false, true,  NULL),
	( 2,  60, 'active',               12, 'past',     0, false, true,  NULL),
	( 3,   6, 'active',                1, 'past',     1, false, true,  NULL),   -- two periods late
	( 4,   4, 'active',                1, 'past',     2, false, true,  NULL),   -- three periods late
	( 5,   2, 'active',                1, 'past',     4, false, true,  NULL),   -- five: more than is caught up unasked
	( 6,   1, 'active',               12, 'leap',     1, false, true,  NULL),
	( 7,  60, 'active',                1, 'midnight', 0, false, true,  NULL),
	( 8,  18, 'trialing',              1, 'past',     0, true,  false, NULL),   -- will end
	( 9,  26, 'trialing',              1, 'past',     0, true,  true,  NULL),   -- will become paid
	(10,  30, 'pending_cancellation',  1, 'past',     0, false, true,  NULL),
	(11,   8, 'pending_cancellation', 12, 'past',     0, false, true,  NULL),
	(12,   3, 'pending_cancellation',  1, 'past',     0, true,  false, NULL),   -- a trial that was cancelled
	(13,   3, 'active',                1, 'past',     1, false, true,  'payment_dispute'),
	-- not due: the run leaves them alone
	(14, 300, 'active',                1, 'future',   0, false, true,  NULL),
	(15, 165, 'active',               12, 'future',   0, false, true,  NULL),
	(16,   2, 'active',               12, 'leap',     0, false, true,  NULL),
	(17,  30, 'trialing',              1, 'future',   0, true,  false, NULL),
	(18,  24, 'trialing',             12, 'future',   0, true,  true,  NULL),
	(19,  18, 'pending_cancellation',  1, 'future',   0, false, true,  NULL),
	(20,   8, 'pending_cancellation', 12, 'future',   0, false, true,  NULL),
	(21,   2, 'active',                1, 'future',   0, false, true,  'payment_dispute'),
	(22,  20, 'expired',               1, 'past',     3, false, true,  NULL),
	(23,   5, 'expired',               1, 'long ago', 0, true,  false, NULL)    -- a trial that nobody took up
) AS l (lot_id, of_thousand, status, interval_months, end_lies, periods_late, trial, billing_info, hold_reason);

INSERT INTO draft
SELECT i, c.account_id, choice.plan_id, c.currency, lot.interval_months,
       CASE choice.plan_id WHEN 1 THEN 1 WHEN 2 THEN 1 + i % 3 WHEN 3 THEN 5 + i % 26 ELSE 1 + i % 4 END,
       lot.status::perennial.status, CASE WHEN lot.trial THEN choice.trial_days END, lot.billing_info,
       counted.anchor, c.time_zone, coalesce(counted.months, 0), lot.hold_reason
FROM generate_series(8, 5000) AS i
CROSS JOIN clock
-- 617 and 1000 have no common factor: each thousand numbers in a row meet each slot once.
JOIN lot ON i * 617 % 1000 >= lot.up_to - lot.of_thousand AND i * 617 % 1000 < lot.up_to
-- One subscription for each account, then a second one for more than half of them.
JOIN customer c ON c.account_id = CASE WHEN i <= 3201 THEN i - 1 ELSE 7 + i * 7919 % 3194 END
CROSS JOIN LATERAL (SELECT
	CASE WHEN c.corporate THEN CASE WHEN i % 3 = 0 THEN 4 ELSE 3 END
	     WHEN i % 17 < 8 THEN 1
	     WHEN i % 17 < 14 THEN 2
	     WHEN i % 17 < 16 THEN 3
	     ELSE 4 END AS plan_id,
	CASE WHEN i % 5 = 0 THEN 30 ELSE 14 END AS trial_days,
	-- Months that have a 31st lie so far before March; otherwise the anchor itself would be cut to the 30th or 29th.
	CASE WHEN lot.end_lies = 'leap' THEN 48
	     WHEN lot.interval_months = 12 THEN 12 * (1 + i % 4)
	     ELSE (ARRAY[2, 3, 5, 7, 8, 10, 12, 14, 15, 17, 19, 20, 22])[1 + i % 13]
	          + CASE WHEN lot.periods_late > 0 THEN 12 ELSE 0 END END AS age_months,
	clock.as_of AT TIME ZONE c.time_zone AS local_now
) AS choice
-- A local time at which a period ends.
CROSS JOIN LATERAL (SELECT CASE lot.end_lies
	WHEN 'past' THEN
		CASE WHEN i % 3 = 0 THEN date_trunc('day', choice.local_now - make_interval(days => i % 2))
		     ELSE choice.local_now - make_interval(mins => i * 37 % 2879) END
	WHEN 'midnight' THEN timestamp '2024-03-31 00:00'
	WHEN 'leap' THEN timestamp '2024-02-29 00:00' + make_interval(hours => i % 24)
	WHEN 'long ago' THEN choice.local_now - make_interval(days => 30 + i % 300)
	WHEN 'future' THEN
		choice.local_now + make_interval(mins => 1 + i * 41 % (
			CASE WHEN lot.trial THEN 10 WHEN lot.interval_months = 12 THEN 330 ELSE 26 END * 1439))
	END AS local_end
) AS target
-- From there the anchor, and the months from it to the first boundary that the last run did not see.  A trial's first
-- paid period starts at the trial's end: that is its anchor, and no month has elapsed.
CROSS JOIN LATERAL (SELECT
	CASE WHEN lot.trial THEN target.local_end
	     ELSE target.local_end - make_interval(months => choice.age_months) END AS anchor
) AS origin
CROSS JOIN LATERAL (SELECT origin.anchor,
	CASE WHEN NOT lot.trial THEN (
		SELECT min(k) - lot.periods_late * lot.interval_months
		FROM generate_series(lot.interval_months, 120, lot.interval_months) AS k
		WHERE perennial.boundary(origin.anchor, c.time_zone, k) > clock.last_run) END AS months
) AS counted;

-- Drafts become rows; boundaries come from the same function that the program uses.
INSERT INTO perennial.subscription (
	bucket, subscription_id, account_id, price_id, next_price_id, quantity, next_quantity, status, billing_info_at,
	anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
	cancel_requested_at, ended_at, end_reason, hold_reason, held_at)
SELECT perennial.bucket_of(d.account_id), d.subscription_id, d.account_id, price.price_id,
       changed_price.price_id, d.quantity, CASE WHEN change.more_seats THEN d.quantity + 2 END,
       d.status,
       CASE WHEN NOT d.billing_info THEN NULL
            WHEN d.trial_days IS NULL THEN perennial.boundary(d.anchor, d.time_zone, 0)
            ELSE period.starts + (least(clock.last_run, period.ends) - period.starts) / 3 END,
       d.anchor, d.time_zone, d.months_elapsed, period.starts, period.ends,
       CASE WHEN d.trial_days IS NOT NULL THEN period.ends
            WHEN d.subscription_id % 3 = 2 THEN perennial.boundary(d.anchor, d.time_zone, 0) END,
       CASE WHEN d.status = 'pending_cancellation' OR d.status = 'expired' AND d.trial_days IS NULL
            THEN period.starts + (least(clock.last_run, period.ends) - period.starts) / 2 END,
       CASE WHEN d.status = 'expired' THEN period.ends END,
       CASE WHEN d.status = 'expired' THEN CASE WHEN d.trial_days IS NULL THEN 'cancelled' ELSE 'trial_ended' END END,
       d.hold_reason,
       CASE WHEN d.hold_reason IS NOT NULL THEN clock.last_run - make_interval(hours => (d.subscription_id % 400)::int) END
FROM draft d
CROSS JOIN clock
CROSS JOIN LATERAL (SELECT
	perennial.boundary(d.anchor, d.time_zone, d.months_elapsed) AS ends,
	CASE WHEN d.trial_days IS NULL THEN perennial.boundary(d.anchor, d.time_zone, d.months_elapsed - d.interval_months)
	     ELSE (d.anchor - make_interval(days => d.trial_days)) AT TIME ZONE d.time_zone END AS starts
) AS period
JOIN perennial.price ON (price.plan_id, price.currency, price.interval_months) = (d.plan_id, d.currency, d.interval_months)
-- A few customers chose another plan, another interval or more seats from the next period on.
CROSS JOIN LATERAL (SELECT
	d.status = 'active' AND d.subscription_id > 7 AND d.subscription_id % 37 = 5 AND d.plan_id IN (1, 3) AS higher_plan,
	d.status = 'active' AND d.subscription_id > 7 AND d.subscription_id % 43 = 3 AND d.interval_months = 1 AS annual,
	d.status = 'active' AND d.subscription_id > 7 AND d.subscription_id % 41 = 7 AND d.plan_id IN (3, 4) AS more_seats
) AS change
LEFT JOIN perennial.price changed_price ON (change.higher_plan OR change.annual)
	AND changed_price.plan_id = d.plan_id + change.higher_plan::int
	AND changed_price.currency = d.currency
	AND changed_price.interval_months = CASE WHEN change.annual THEN 12 ELSE d.interval_months END;

-- Three quantities mistyped by somebody: each makes an amount of more than 10^15, which no run will write.
UPDATE perennial.subscription
SET quantity = 2000000000
WHERE subscription_id IN (
	SELECT s.subscription_id
	FROM perennial.subscription s
	JOIN perennial.price p USING (price_id)
	CROSS JOIN clock
	WHERE s.status = 'active' AND p.plan_id = 4 AND p.interval_months = 12
	AND s.hold_reason IS NULL AND s.next_price_id IS NULL AND s.period_end <= clock.as_of
	ORDER BY s.subscription_id LIMIT 3);

-- Whatever is inserted from here on continues after the highest id.
DO $$
BEGIN
	PERFORM setval(pg_get_serial_sequence('perennial.plan', 'plan_id'), (SELECT max(plan_id) FROM perennial.plan));
	PERFORM setval(pg_get_serial_sequence('perennial.price', 'price_id'), (SELECT max(price_id) FROM perennial.price));
	PERFORM setval(pg_get_serial_sequence('perennial.account', 'account_id'), (SELECT max(account_id) FROM perennial.account));
	PERFORM setval(pg_get_serial_sequence('perennial.subscription', 'subscription_id'),
	               (SELECT max(subscription_id) FROM perennial.subscription));
END
$$;

-- What the demo shows after loading.
SELECT s.status, count(*) AS subscriptions,
       count(*) FILTER (WHERE s.period_end <= clock.as_of AND s.hold_reason IS NULL AND s.status <> 'expired') AS due,
       count(*) FILTER (WHERE s.hold_reason IS NOT NULL) AS on_hold
FROM perennial.subscription s CROSS JOIN clock
GROUP BY s.status ORDER BY s.status;

COMMIT;

ANALYZE perennial.account, perennial.subscription, perennial.plan, perennial.price;
