-- import_test: which rows are imported, as what, and why the others are not.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
-- To compile the view anew would be nine tenths of each import.
SET LOCAL jit = off;
SELECT plan(218);

INSERT INTO perennial.time_zone (name) SELECT name FROM pg_timezone_names
WHERE name IN ('UTC', 'Asia/Tokyo', 'America/New_York', 'Pacific/Kiritimati', 'Pacific/Pago_Pago')
ON CONFLICT DO NOTHING;
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'One');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
VALUES (1, 1, 'EUR', 1000, 1), (2, 1, 'EUR', 9000, 12), (3, 1, 'JPY', 500, 1), (4, 1, 'EUR', 1000000000000000, 1),
       (5, 1, 'EUR', 465661, 120), (6, 1, 'EUR', 0, 1), (7, 1, 'EUR', 465662, 120);
INSERT INTO perennial.account (bucket, account_id)
SELECT perennial.bucket_of(id), id FROM unnest('{1,2,3,77,-7,5000000000}'::bigint[]) AS id
UNION ALL SELECT perennial.bucket_of(id), id
FROM unnest('{1000000000000000000,1000000000000000001,9223372036854775806}'::bigint[]) AS id;

-- A row that nothing speaks against, for each status.
CREATE TABLE good (status text PRIMARY KEY, facts jsonb);
INSERT INTO good
SELECT status, '{"subscription_id": 1000, "account_id": 1, "price_id": 1, "quantity": 1, "anchor": "2024-01-31",
	"time_zone": "UTC", "period_start": "2024-01-31Z", "period_end": "2024-02-29Z"}'::jsonb
	|| jsonb_build_object('status', status)
FROM unnest('{trialing,active,pending_cancellation,expired}'::text[]) AS status;

-- Puts a row that differs from the good one in these facts.
CREATE FUNCTION put_row(changes jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, next_price_id, quantity,
		next_quantity, status, billing_info_at, anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
		cancel_requested_at, ended_at, end_reason, billed_amount)
	SELECT r.subscription_id, r.account_id, r.price_id, r.next_price_id, r.quantity, r.next_quantity, r.status,
	       r.billing_info_at, r.anchor, r.time_zone, r.months_elapsed, r.period_start, r.period_end, r.trial_end,
	       r.cancel_requested_at, r.ended_at, r.end_reason, r.billed_amount
	FROM good g, jsonb_populate_record(NULL::perennial.import_subscription, g.facts || changes) AS r
	WHERE g.status = coalesce(nullif(changes ->> 'status', ''), 'active')
	   OR g.status = 'active' AND changes ->> 'status' NOT IN (SELECT status FROM good)
$$;

-- What becomes of such a row, alone: 'imported', why it was refused, or an SQLSTATE.  Its effects are taken back.
CREATE FUNCTION fate_of(changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	fate text;
BEGIN
	DELETE FROM perennial.import_subscription;
	PERFORM put_row(changes);
	PERFORM perennial.import_subscriptions('2024-03-01Z');
	SELECT coalesce(min(refused), 'imported') INTO fate FROM perennial.import_subscription;
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN fate;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- What a statement answers: the SQLSTATE and whether a hint comes with it, or 'nothing to complain about'.
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'nothing to complain about';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || CASE hint WHEN '' THEN ' without' ELSE ' with' END || ' a hint';
END
$$;

SELECT results_eq('SELECT * FROM perennial.import_subscriptions()', 'VALUES (0::bigint, 0::bigint)',
                  'nothing is imported where nothing waits');
SELECT is(last_value, 1::bigint, 'and no ids are skipped') FROM perennial.subscription_subscription_id_seq
WHERE NOT is_called;

-- Good rows of every state

SELECT put_row(facts::jsonb) FROM (VALUES
	('{"subscription_id": 100, "status": "trialing", "billing_info_at": "2024-02-01Z",
	   "period_end": "2024-02-14 12:00Z", "months_elapsed": 7}'),
	('{"subscription_id": 101, "account_id": 2, "billed_amount": 1900, "price_id": 1, "quantity": 2,
	   "next_price_id": 2, "next_quantity": 3, "trial_end": "2023-12-01Z"}'),
	('{"subscription_id": 500, "status": "pending_cancellation", "cancel_requested_at": "2024-02-02Z",
	   "billed_amount": 0, "time_zone": "Asia/Tokyo"}'),
	('{"subscription_id": 103, "status": "expired", "account_id": 77}'),
	('{"subscription_id": 104, "status": "expired", "ended_at": "2024-02-20Z", "end_reason": "chargeback",
	   "trial_end": "2023-01-01Z"}'),
	('{"subscription_id": 105, "price_id": 3, "months_elapsed": 1, "account_id": 5000000000}')
) AS row (facts) \g /dev/null
INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, status, anchor, period_start,
	period_end)
VALUES (106, 1, 1, 'active', '2024-01-31', '2024-01-31Z', '2024-02-29Z');
INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, status, anchor, period_start,
	period_end, trial_end)
VALUES (107, 1, 1, 'trialing', '2024-01-31', '2024-01-31Z', '2024-02-29Z', '2024-02-29Z');
SELECT is(count(*), 8::bigint, 'nothing speaks against the good rows') FROM perennial.import_finding
WHERE refused IS NULL;
SELECT results_eq($$ SELECT * FROM perennial.import_subscriptions('2024-02-10Z') $$, 'VALUES (8::bigint, 0::bigint)',
                  'they are imported, and counted');
SELECT is_empty('SELECT * FROM perennial.import_subscription', 'what was imported waits no longer');
SELECT results_eq('SELECT subscription_id, bucket::int, account_id, status::text, months_elapsed, trial_end, ended_at,
                          end_reason
                   FROM perennial.subscription ORDER BY 1',
	$$ VALUES (100::bigint, 1, 1::bigint, 'trialing', 0, '2024-02-14 12:00Z'::timestamptz, NULL::timestamptz, NULL),
	          (101, 2, 2, 'active', 1, '2023-12-01Z', NULL, NULL),
	          (103, 77, 77, 'expired', 1, NULL, '2024-02-29Z', NULL),
	          (104, 1, 1, 'expired', 1, '2023-01-01Z', '2024-02-20Z', 'chargeback'),
	          (105, perennial.bucket_of(5000000000)::int, 5000000000, 'active', 1, NULL, NULL, NULL),
	          (106, 1, 1, 'active', 1, NULL, NULL, NULL), (107, 1, 1, 'trialing', 0, '2024-02-29Z', NULL, NULL),
	          (500, 1, 1, 'pending_cancellation', 1, NULL, NULL, NULL) $$,
	'ids are kept, and what can be known of trial and end is filled in');
SELECT results_eq('SELECT price_id, next_price_id, quantity, next_quantity, anchor, time_zone, period_start, period_end
                   FROM perennial.subscription WHERE subscription_id IN (101, 500) ORDER BY 1, quantity DESC',
	$$ VALUES (1, 2, 2, 3, '2024-01-31'::timestamp, 'UTC', '2024-01-31Z'::timestamptz, '2024-02-29Z'::timestamptz),
	          (1, NULL, 1, NULL, '2024-01-31', 'Asia/Tokyo', '2024-01-31Z', '2024-02-29Z') $$,
	'price, quantity, change, anchor, zone and period are those of the row');
SELECT results_eq('SELECT subscription_id, billing_info_at, cancel_requested_at FROM perennial.subscription
                   WHERE billing_info_at IS NOT NULL OR cancel_requested_at IS NOT NULL ORDER BY 1',
	$$ VALUES (100::bigint, '2024-02-01Z'::timestamptz, NULL::timestamptz), (500, NULL, '2024-02-02Z') $$,
	'so are billing information and cancellation');
SELECT results_eq('SELECT DISTINCT revision, hold_reason, held_at, catch_up_allowed FROM perennial.subscription',
	'VALUES (1, NULL::text, NULL::timestamptz, false)', 'nothing is held, and all begin at revision 1');
SELECT results_eq('SELECT quantity, time_zone FROM perennial.subscription WHERE subscription_id = 106',
                  $$ VALUES (1, 'UTC') $$, 'who does not say otherwise bought one, in UTC');

SELECT results_eq('SELECT subscription_id, kind, revision, at, from_status, to_status::text, amount, currency::text,
                          actor = session_user
                   FROM perennial.event ORDER BY 1',
	$$ SELECT s.subscription_id, 'imported', 1, '2024-02-10Z'::timestamptz, NULL::perennial.status, s.status::text,
	          b.amount, b.currency, true
	   FROM perennial.subscription s
	   LEFT JOIN (VALUES (101::bigint, 1900::bigint, 'EUR'), (500, 0, 'EUR')) AS b (id, amount, currency)
	     ON id = subscription_id
	   ORDER BY 1 $$, 'each has an event, dated as was said, with what was billed for the running period');
SELECT is(count(*), 8::bigint, 'an event repeats what its subscription is')
FROM perennial.event e JOIN perennial.subscription s
USING (bucket, subscription_id, account_id, price_id, quantity, revision, period_start, period_end)
WHERE (e.next_price_id, e.next_quantity) IS NOT DISTINCT FROM (s.next_price_id, s.next_quantity);
SELECT is_empty('SELECT * FROM perennial.notification_job', 'nobody is told of an import');
SELECT is_empty('SELECT * FROM perennial.outcome', 'no run had a part in it');
SELECT is_empty('SELECT * FROM perennial.broken_history', 'the histories of what was imported are sound');
SELECT results_eq('SELECT * FROM perennial.import_subscriptions()', 'VALUES (0::bigint, 0::bigint)',
	'nothing is left to do');

SELECT is(perennial.subscribe(1, 1, 1, 'UTC'), 501::bigint,
          'ids that are given afterwards continue behind the highest');
SELECT put_row('{"subscription_id": 200}') FROM perennial.import_subscriptions() \gset
SELECT is(imported, 1::bigint, 'a lower id is imported later') FROM perennial.import_subscriptions();
SELECT is(perennial.subscribe(1, 1, 1, 'UTC'), 502::bigint, 'which sets the ids back no more');
SELECT put_row('{"subscription_id": 600, "status": "paused"}') \gset
SELECT is(refused, 1::bigint, 'a row with a high id is refused') FROM perennial.import_subscriptions();
SELECT is(perennial.subscribe(1, 1, 1, 'UTC'), 503::bigint, 'which counts for nothing');
DELETE FROM perennial.import_subscription;
SELECT put_row('{"subscription_id": 1000000000000000000}') \gset
SELECT is(imported, 1::bigint, 'the highest id is imported') FROM perennial.import_subscriptions();
SELECT is(perennial.subscribe(1, 1, 1, 'UTC'), 1000000000000000001, 'ids continue even there');
-- Accounts: their ids are the owner's, or continue behind those that were imported.
SELECT put_row(jsonb_build_object('subscription_id', 800 + n, 'account_id', id))
FROM unnest('{9223372036854775806,1000000000000000001,-7}'::bigint[]) WITH ORDINALITY AS a (id, n) \g /dev/null
SELECT last_value AS account_before FROM perennial.account_account_id_seq \gset
SELECT is(imported, 3::bigint, 'accounts beyond 10^18, and below 0, have imported subscriptions')
FROM perennial.import_subscriptions();
SELECT is(last_value, :account_before::bigint, 'which count for nothing where ids continue')
FROM perennial.account_account_id_seq;
SELECT put_row('{"subscription_id": 810, "account_id": 1000000000000000000}') FROM perennial.import_subscriptions() \gset
SELECT is(imported, 1::bigint, 'the account 10^18 has one too') FROM perennial.import_subscriptions();
SELECT is(nextval('perennial.account_account_id_seq'), 1000000000000000001, 'and there ids continue');
SELECT is(perennial.cancel(1, 200), '2024-02-29Z'::timestamptz, 'what was imported is cancelled like any other');
SELECT is(answer('SELECT perennial.import_subscriptions(' || at || ')'), '22023 with a hint',
          format('at = %s is refused', at))
FROM unnest('{"NULL",''infinity'',''-infinity'',''1899-12-31 23:59:59Z'',''3000-01-01Z''}'::text[]) AS at;

-- The boundary that is nearest

CREATE FUNCTION months_of(changes jsonb) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM perennial.import_subscription;
	PERFORM put_row(changes);
	RETURN (SELECT CASE WHEN refused IS NULL THEN months_elapsed ELSE -1 END FROM perennial.import_finding);
END
$$;

SELECT is(months_of(jsonb_build_object('anchor', anchor, 'time_zone', zone, 'price_id', price,
                                       'period_start', '1900-01-01Z', 'period_end', period_end)),
          months, format('from %s %s to %s, sold for %s: %s months', anchor, zone, period_end,
                         CASE price WHEN 1 THEN 'a month' ELSE 'a year' END, months))
FROM (VALUES
	('2024-01-31', 'UTC', 1, '2024-02-01 00:00Z', 0), ('2024-01-31', 'UTC', 1, '2024-02-28Z', 1),
	('2024-01-31', 'UTC', 1, '2024-02-29Z', 1), ('2024-01-31', 'UTC', 1, '2024-03-01Z', 1),
	('2024-01-31', 'UTC', 1, '2024-03-15Z', 1), ('2024-01-31', 'UTC', 1, '2024-03-15 12:00Z', 1),
	('2024-01-31', 'UTC', 1, '2024-03-15 12:00:01Z', 2), ('2024-01-31', 'UTC', 1, '2024-03-28Z', 2),
	('2024-01-31', 'UTC', 1, '2024-03-31Z', 2), ('2024-01-31', 'UTC', 1, '2024-04-15Z', 2),
	('2024-01-31', 'UTC', 1, '2024-04-16Z', 3), ('2024-01-31', 'UTC', 1, '2025-02-28Z', 13),
	('2024-01-31', 'UTC', 1, '2025-03-01Z', 13), ('2024-02-29', 'UTC', 2, '2025-02-28Z', 12),
	('2024-02-29', 'UTC', 2, '2025-03-01Z', 12), ('2024-02-29', 'UTC', 2, '2025-03-29Z', 13),
	('2024-02-29', 'UTC', 2, '2028-02-29Z', 48), ('2024-06-15', 'UTC', 1, '2024-06-14Z', 0),
	('2024-06-15', 'UTC', 1, '2024-06-01Z', 0), ('2024-06-15', 'UTC', 1, '2024-07-01 00:00Z', 1),
	('2024-01-01', 'UTC', 1, '2024-03-31Z', 3),
	('2024-01-31 23:30', 'America/New_York', 1, '2024-04-01 03:30Z', 2),
	('2024-02-01 00:30', 'Asia/Tokyo', 1, '2024-02-29 15:30Z', 1), ('2024-12-31', 'UTC', 1, '2025-01-01Z', 0),
	('2000-01-31', 'UTC', 1, '2999-12-31Z', 11999), ('1899-12-31', 'UTC', 1, '3000-01-01Z', 13200),
	('1899-12-31', 'Pacific/Pago_Pago', 1, '3000-01-01Z', 13200),
	('1899-12-31', 'Pacific/Kiritimati', 1, '3000-01-01Z', 13200)
) AS c (anchor, zone, price, period_end, months);
SELECT is(months_of(changes::jsonb), months, title) FROM (VALUES
	('{"months_elapsed": 0, "period_end": "2024-02-28Z"}', 0, 'months that are given are taken, be they 0'),
	('{"months_elapsed": 13200, "status": "expired"}', 13200, 'or as many as can be'),
	('{"status": "trialing", "months_elapsed": 3}', 0, 'those of a trial are 0'),
	('{"status": "pending_cancellation", "trial_end": "2024-02-29Z", "period_end": "2024-02-29Z"}', 0,
	 'also of one that was cancelled'),
	('{"status": "trialing", "period_end": "2024-04-30Z"}', 0, 'however long it is'),
	('{"status": "expired", "period_end": "2024-04-30Z"}', 3, 'those of an expired one are counted'),
	('{"status": "expired", "period_end": "2024-04-30Z", "months_elapsed": 0}', 0, 'even where they lead nowhere')
) AS c (changes, months, title);

DELETE FROM perennial.import_subscription;
SELECT put_row('{"subscription_id": 300, "period_start": "2024-02-28 11:00Z", "period_end": "2024-03-28 11:00Z"}'),
       put_row('{"subscription_id": 301, "price_id": 2, "anchor": "2020-02-29", "period_end": "2025-03-03Z"}') \gset
SELECT results_eq('SELECT * FROM perennial.import_subscriptions()', 'VALUES (2::bigint, 0::bigint)',
                  'periods that end beside the boundaries are imported');
SELECT results_eq('SELECT period_start, period_end, perennial.boundary(anchor, time_zone,
	months_elapsed + interval_months)
                   FROM perennial.subscription JOIN perennial.price USING (price_id)
                   WHERE subscription_id IN (300, 301) ORDER BY subscription_id',
	$$ VALUES ('2024-02-28 11:00Z'::timestamptz, '2024-03-28 11:00Z'::timestamptz, '2024-04-30Z'::timestamptz),
	          ('2024-01-31Z', '2025-03-03Z', '2026-02-28Z') $$,
	'what was sold is honoured; the next period ends at a boundary');

-- What is refused, and what stands right beside it

SELECT is(fate_of(changes::jsonb), fate,
          format(CASE fate WHEN 'imported' THEN 'a row with %s is imported' ELSE 'a row with %s is refused: %s' END,
                 regexp_replace(btrim(changes, '{}'), '\s+', ' ', 'g'), fate))
FROM (VALUES
	('{"subscription_id": null}', 'subscription_id is missing'),
	('{"subscription_id": 0}', 'subscription_id is not from 1 to 10^18'),
	('{"subscription_id": -1}', 'subscription_id is not from 1 to 10^18'),
	('{"subscription_id": 1000000000000000001}', 'subscription_id is not from 1 to 10^18'),
	('{"subscription_id": 1}', 'imported'),
	('{"subscription_id": 101, "account_id": 2}', 'there is a subscription with this id'),
	('{"subscription_id": 101, "account_id": 1}', 'there is a subscription with this id'),
	('{"account_id": null}', 'account_id is missing'), ('{"account_id": 4}', 'there is no account 4'),
	('{"account_id": 9223372036854775807}', 'there is no account 9223372036854775807'),
	('{"account_id": -8}', 'there is no account -8'), ('{"account_id": -7}', 'imported'),
	('{"price_id": null}', 'price_id is missing'), ('{"price_id": 9}', 'there is no price 9'),
	('{"next_price_id": 9}', 'there is no price 9'), ('{"next_price_id": 3}', 'next_price_id is in another currency'),
	('{"next_price_id": 1}', 'imported'),
	('{"quantity": null}', 'quantity is not 1 or more'), ('{"quantity": 0}', 'quantity is not 1 or more'),
	('{"quantity": -2147483648}', 'quantity is not 1 or more'),
	('{"next_quantity": 0}', 'next_quantity is not 1 or more'),
	('{"next_quantity": -1}', 'next_quantity is not 1 or more'),
	('{"price_id": 4, "quantity": 2}', 'quantity times price is more than an amount may be'),
	('{"price_id": 4}', 'imported'), ('{"price_id": 6, "quantity": 2147483647}', 'imported'),
	('{"price_id": 5, "quantity": 2147483647}', 'imported'),
	('{"price_id": 7, "quantity": 2147483647}', 'quantity times price is more than an amount may be'),
	('{"price_id": 4, "quantity": 2147483647}', 'quantity times price is more than an amount may be'),
	('{"next_price_id": 4, "quantity": 2}', 'quantity times price is more than an amount may be'),
	('{"next_price_id": 4, "quantity": 2, "next_quantity": 1}', 'imported'),
	('{"price_id": 4, "next_quantity": 2}', 'quantity times price is more than an amount may be'),
	('{"price_id": 4, "next_quantity": 2, "next_price_id": 1}', 'imported'),
	('{"price_id": 4, "quantity": 2, "next_quantity": 1}', 'quantity times price is more than an amount may be'),
	('{"status": null}', 'status is not trialing, active, pending_cancellation or expired'),
	('{"status": "paused"}', 'status is not trialing, active, pending_cancellation or expired'),
	('{"status": "Active"}', 'status is not trialing, active, pending_cancellation or expired'),
	('{"anchor": null}', 'anchor is missing or out of range'),
	('{"anchor": "1899-12-30 23:59:59"}', 'anchor is missing or out of range'),
	('{"anchor": "3000-01-02 00:00:01"}', 'anchor is missing or out of range'),
	('{"anchor": "1899-12-31"}', 'imported'), ('{"anchor": "3000-01-02", "status": "expired"}', 'imported'),
	('{"time_zone": null}', 'there is no time zone null'), ('{"time_zone": ""}', 'there is no time zone '),
	('{"time_zone": "Mars/Olympus"}', 'there is no time zone Mars/Olympus'),
	('{"time_zone": "+05"}', 'there is no time zone +05'),
	('{"time_zone": "utc"}', 'there is no time zone utc'),
	('{"period_start": null}', 'period_start or period_end is missing or out of range'),
	('{"period_end": null}', 'period_start or period_end is missing or out of range'),
	('{"period_start": "1899-12-31 23:59:59Z"}', 'period_start or period_end is missing or out of range'),
	('{"period_start": "-infinity"}', 'period_start or period_end is missing or out of range'),
	('{"period_end": "3000-01-01 00:00:01Z", "status": "expired"}',
	 'period_start or period_end is missing or out of range'),
	('{"period_start": "1900-01-01Z"}', 'imported'), ('{"period_end": "3000-01-01Z"}', 'imported'),
	('{"period_start": "2024-02-29Z"}', 'period_end is not after period_start'),
	('{"period_start": "infinity"}', 'period_end is not after period_start'),
	('{"period_start": "2024-02-28 23:59:59.999999Z"}', 'imported'),
	('{"months_elapsed": -1}', 'months_elapsed is not from 0 to 13200'),
	('{"months_elapsed": 13201}', 'months_elapsed is not from 0 to 13200'),
	('{"status": "trialing", "months_elapsed": 13201}', 'months_elapsed is not from 0 to 13200'),
	('{"status": "trialing", "trial_end": "2024-02-28Z"}', 'trial_end of a trial is not its period_end'),
	('{"status": "active", "trial_end": "2024-02-28Z"}', 'imported'),
	('{"status": "active", "trial_end": "2024-02-29Z", "period_end": "2024-02-29Z"}',
	 'active, but trial_end is not past'),
	('{"status": "pending_cancellation", "trial_end": "2024-02-29Z", "period_end": "2024-02-29Z"}', 'imported'),
	('{"status": "pending_cancellation", "trial_end": "2024-02-29Z", "period_end": "2024-02-29Z", "billed_amount": 5}',
	 'billed_amount, but no period that was paid is running'),
	('{"status": "active", "ended_at": "2024-02-28Z"}', 'ended_at or end_reason, but not expired'),
	('{"status": "trialing", "ended_at": "2024-02-28Z"}', 'ended_at or end_reason, but not expired'),
	('{"status": "pending_cancellation", "end_reason": ""}', 'ended_at or end_reason, but not expired'),
	('{"billed_amount": -1}', 'billed_amount is not from 0 to 10^15'),
	('{"billed_amount": 1000000000000001}', 'billed_amount is not from 0 to 10^15'),
	('{"billed_amount": 1000000000000000}', 'imported'), ('{"billed_amount": 0}', 'imported'),
	('{"status": "trialing", "billed_amount": 0}', 'billed_amount, but no period that was paid is running'),
	('{"status": "expired", "billed_amount": 5}', 'billed_amount, but no period that was paid is running'),
	('{"status": "pending_cancellation", "billed_amount": 5}', 'imported'),
	('{"period_end": "2024-03-31Z", "months_elapsed": 1}',
	 'the boundary after period_end, counted from anchor, is not later than it'),
	('{"status": "pending_cancellation", "period_end": "2024-04-01Z", "months_elapsed": 1}',
	 'the boundary after period_end, counted from anchor, is not later than it'),
	('{"period_end": "2024-03-30 23:59:59Z", "months_elapsed": 1}', 'imported'),
	('{"anchor": "2056-01-31"}', 'the boundary after period_end, counted from anchor, is more than a month too late'),
	('{"months_elapsed": 600}', 'the boundary after period_end, counted from anchor, is more than a month too late'),
	('{"months_elapsed": 600, "status": "expired"}', 'imported'),
	('{"period_end": "2024-03-31Z", "months_elapsed": 1, "price_id": 2}', 'imported'),
	('{"period_end": "2024-03-31Z", "months_elapsed": 1, "next_price_id": 2}', 'imported'),
	('{"period_end": "2024-03-31Z", "months_elapsed": 1, "price_id": 2, "next_price_id": 1}',
	 'the boundary after period_end, counted from anchor, is not later than it'),
	('{"status": "expired", "period_end": "2024-03-31Z", "months_elapsed": 1}', 'imported'),
	('{"status": "trialing", "period_end": "2024-03-31Z"}', 'imported'),
	('{"account_id": 4, "price_id": 9, "quantity": 0, "status": "paused"}',
	 'there is no account 4; there is no price 9; quantity is not 1 or more; '
	 'status is not trialing, active, pending_cancellation or expired'),
	('{"subscription_id": null, "account_id": null, "price_id": null, "quantity": null, "status": null, "anchor": null,
	   "time_zone": null, "period_start": null, "period_end": null}',
	 'subscription_id is missing; account_id is missing; price_id is missing; quantity is not 1 or more; '
	 'status is not trialing, active, pending_cancellation or expired; anchor is missing or out of range; '
	 'there is no time zone null; period_start or period_end is missing or out of range')
) AS c (changes, fate);
SELECT is(fate_of(jsonb_build_object('status', 'expired', name, value)), fate,
          format(CASE fate WHEN 'imported' THEN '%s = %s is imported' ELSE '%s = %s is refused: %s' END, name, value,
          fate))
FROM unnest('{billing_info_at,trial_end,cancel_requested_at,ended_at}'::text[]) AS name
CROSS JOIN (VALUES ('1899-12-31 23:59:59Z', 'a date is out of range'), ('1900-01-01Z', 'imported'),
	('3000-01-01Z', 'imported'),
                   ('3000-01-01 00:00:01Z', 'a date is out of range'), ('infinity', 'a date is out of range'),
                   ('-infinity', 'a date is out of range')) AS v (value, fate)
ORDER BY name, value;

-- Many rows at once

DELETE FROM perennial.import_subscription;
SELECT put_row(facts::jsonb) FROM (VALUES
	('{"subscription_id": 2001}'), ('{"subscription_id": 2002, "account_id": 4}'), ('{"subscription_id": 2003}'),
	('{"subscription_id": 2004, "status": "paused"}'), ('{"subscription_id": 2001, "account_id": 2}'),
	('{"subscription_id": 2005, "quantity": 0}'), ('{"subscription_id": 2006, "account_id": 3}'),
	('{"subscription_id": 2006}'),
	('{"subscription_id": null}'), ('{"subscription_id": null}')
) AS row (facts) \g /dev/null
SELECT min(line) AS first FROM perennial.import_subscription \gset
SELECT results_eq('SELECT * FROM perennial.import_subscriptions()', 'VALUES (3::bigint, 7::bigint)',
                  'good rows are imported from between bad ones');
SELECT results_eq('SELECT subscription_id, account_id FROM perennial.subscription
                   WHERE subscription_id BETWEEN 2001 AND 2999 ORDER BY 1',
                  'VALUES (2001::bigint, 1::bigint), (2003, 1), (2006, 3)',
                  'of two rows with one id the first is imported');
SELECT results_eq(format('SELECT line - %s, refused FROM perennial.import_subscription ORDER BY 1', :first),
	format($$ VALUES (1::bigint, 'there is no account 4'),
	                 (3, 'status is not trialing, active, pending_cancellation or expired'),
	                 (4, 'this id was given before, in line %s'), (5, 'quantity is not 1 or more'),
	                 (7, 'this id was given before, in line %s'), (8, 'subscription_id is missing'),
	                 (9, 'subscription_id is missing') $$, :first, :first + 6),
	'each of the others says why it stays');
SELECT results_eq('SELECT * FROM perennial.import_subscriptions()', 'VALUES (0::bigint, 7::bigint)',
	'a second call changes nothing');
SELECT is(refused, 'there is a subscription with this id', 'but for a reason that is no longer the same')
FROM perennial.import_subscription WHERE line = :first + 4;
UPDATE perennial.import_subscription SET subscription_id = 2010, status = 'active'
WHERE line IN (:first + 3, :first + 4);
UPDATE perennial.import_subscription SET quantity = 4 WHERE line = :first + 5;
SELECT results_eq('SELECT * FROM perennial.import_subscriptions()', 'VALUES (2::bigint, 5::bigint)',
	'rows that were mended are imported');
SELECT results_eq('SELECT subscription_id, account_id, quantity FROM perennial.subscription
	WHERE subscription_id IN (2005, 2010)
                   ORDER BY 1', 'VALUES (2005::bigint, 1::bigint, 4), (2010, 1, 1)', 'as they were mended');
SELECT is(months_elapsed, NULL, 'a row that is refused is given no months') FROM perennial.import_subscription LIMIT 1;
SELECT is_empty('SELECT * FROM perennial.broken_history', 'all histories are sound');

-- Whatever stands in a column, no row stops the rest and none gets past a constraint

CREATE FUNCTION stopped_by(name text, edges text[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', status, value, fate), '; ')
	FROM good, unnest(edges) AS value, fate_of(jsonb_build_object('status', status, name, value)) AS fate
	WHERE fate ~ '^[0-9A-Z]{5} '
$$;

SELECT is(stopped_by(name, edges::text[]), NULL, format('no %s stops an import', name)) FROM (VALUES
	('subscription_id', '{-9223372036854775808,9223372036854775807,1000000000000000000,1,0}'),
	('account_id', '{-9223372036854775808,9223372036854775807,-7,5000000000}'),
	('price_id', '{-2147483648,2147483647,0,1,2,3,4,5,6}'),
	('next_price_id', '{-2147483648,2147483647,0,1,2,3,4,5,6}'),
	('quantity', '{-2147483648,2147483647,0}'), ('next_quantity', '{-2147483648,2147483647,0}'),
	('time_zone', '{"",UTC0,05:00,EST5EDT,"a\\b''c",Pacific/Kiritimati,Pacific/Pago_Pago}'), ('end_reason', '{"",x}'),
	('billed_amount', '{-9223372036854775808,9223372036854775807,1000000000000000}'),
	('billing_info_at', '{-infinity,infinity,"4714-11-24 00:00Z BC","294276-12-31 23:59:59.999999Z",1900-01-01Z,
	 3000-01-01Z}'),
	('trial_end', '{-infinity,infinity,"4714-11-24 00:00Z BC","294276-12-31 23:59:59.999999Z",1900-01-01Z,
	 3000-01-01Z}'),
	('cancel_requested_at', '{-infinity,infinity,"294276-12-31 23:59:59.999999Z",1900-01-01Z,3000-01-01Z}'),
	('ended_at', '{-infinity,infinity,"294276-12-31 23:59:59.999999Z",1900-01-01Z,3000-01-01Z}'),
	('period_start', '{-infinity,infinity,"4714-11-24 00:00Z BC","294276-12-31 23:59:59.999999Z",1900-01-01Z,
	 3000-01-01Z}'),
	('anchor', '{-infinity,infinity,"4713-01-01 BC","294276-12-31 23:59:59.999999",1899-12-31,3000-01-02}'),
	('months_elapsed', '{-2147483648,-1,13201,2147483647}'),
	('period_end', '{-infinity,infinity,"4713-01-01 BC","294276-12-31 23:59:59.999999Z",1900-01-01Z,3000-01-01Z,
	                 "1900-01-01 00:00:01Z"}')
) AS c (name, edges);
INSERT INTO perennial.time_zone VALUES ('Atlantis/Capital');
SELECT is(stopped_by('time_zone', '{Atlantis/Capital}'), NULL, 'no zone that the server has lost stops an import');
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status)
VALUES (1, 3000, 1, 1, 'subscribed', '2020-01-01Z', 'x', 'active');
INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status, to_status,
	period_start, period_end, price_id, quantity, unit_amount, amount, currency)
VALUES (1, 1, 3001, 1, 2, 'expired', 'x', 'pending_cancellation', 'expired', '2020-01-01Z', '2024-02-29Z', 1, 1, 1000, 0,
        'EUR');
SELECT is(stopped_by('subscription_id', '{3000,3001}'), NULL, 'nor does the history of a subscription that is gone');
SELECT is(fate_of(jsonb_build_object('subscription_id', id)), 'there is a history of this id',
          format('%s that were left over are told', what))
FROM (VALUES (3000, 'events'), (3001, 'outcomes')) AS t (id, what);
DELETE FROM perennial.event WHERE subscription_id = 3000;
DELETE FROM perennial.outcome WHERE subscription_id = 3001;
SELECT is(fate_of(jsonb_build_object('subscription_id', id)), 'imported', format('without %s the row is imported', what))
FROM (VALUES (3000, 'them'), (3001, 'these')) AS t (id, what);

-- Whatever the session is set to

CREATE SCHEMA hostile;
CREATE TABLE hostile.import_subscription (LIKE perennial.import_subscription);
CREATE TEMPORARY TABLE subscription (LIKE perennial.subscription);
CREATE FUNCTION hostile.greatest_id(bigint, bigint) RETURNS boolean
LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
CREATE OPERATOR hostile.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.greatest_id);

DELETE FROM perennial.import_subscription;
SELECT put_row(jsonb_build_object('subscription_id', 4000 + n, 'anchor', '2024-01-31 23:30', 'period_start',
	'2020-01-01Z',
                                  'period_end', '2024-03-01Z'::timestamptz + n * interval '5 days', 'time_zone', zone,
                                  'billed_amount', n * 50 - 100, 'ended_at', CASE n WHEN 7 THEN '2024-03-01Z' END))
FROM generate_series(1, 12) AS n,
     LATERAL (SELECT (ARRAY['UTC', 'Asia/Tokyo', 'America/New_York', 'x'])[n % 4 + 1]) AS z (zone)
\g /dev/null

CREATE FUNCTION findings_under(name text, value text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting(name);
	found jsonb;
BEGIN
	PERFORM set_config(name, value, true);
	found := (SELECT jsonb_agg(to_jsonb(f) ORDER BY f.line) FROM perennial.import_finding f);
	PERFORM set_config(name, before, true);
	RETURN found;
END
$$;

SELECT findings_under('TimeZone', 'UTC') AS plainly \gset
SELECT is(findings_under(name, value), :'plainly'::jsonb, format('%s = %s changes no finding', name, value))
FROM (VALUES
	('TimeZone', 'Asia/Tokyo'), ('DateStyle', 'SQL, DMY'), ('IntervalStyle', 'sql_standard'), ('search_path', 'public')
) AS s (name, value);
CREATE FUNCTION import_under(name text, value text, OUT imported bigint, OUT refused bigint) LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting(name);
BEGIN
	PERFORM set_config(name, value, true);
	EXECUTE 'SELECT * FROM perennial.import_subscriptions()' INTO imported, refused;
	PERFORM set_config(name, before, true);
END
$$;
SELECT results_eq($$ SELECT * FROM import_under('search_path', 'pg_temp, hostile, pg_catalog, public') $$,
                  'VALUES (8::bigint, 4::bigint)', 'an import minds no hostile search path');

SELECT * FROM finish();
ROLLBACK;
