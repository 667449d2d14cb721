-- views_test: what was billed, what a run did, and in which state a run is.
\set ON_ERROR_STOP on
BEGIN;
SELECT plan(43);

-- billed

INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
	to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount, amount,
	currency)
VALUES
	(1, 7, 11, 1, 4, 'renewed', 'renews', 'active', 'active',
	 '2024-01-31', '2024-02-29', '2024-02-29', '2024-03-31', 5, 3, 1000, 3000, 'EUR'),
	(1, 7, 12, 1, 1, 'converted', 'trial-converts', 'trialing', 'active',
	 '2024-02-01', '2024-02-15', '2024-02-15', '2024-03-15', 6, 1, 500, 500, 'JPY'),
	(1, 7, 13, 1, 2, 'renewed', 'renews', 'active', 'active',
	 '2024-01-01', '2024-02-01', '2024-02-01', '2024-03-01', 7, 1, 0, 0, 'EUR'),
	(1, 7, 14, 1, 1, 'expired', 'cancelled', 'pending_cancellation', 'expired',
	 '2024-01-01', '2024-02-01', NULL, NULL, 5, 1, 1000, 0, 'EUR'),
	(1, 7, 15, 1, 1, 'trial_expired', 'trial-unbilled', 'trialing', 'expired',
	 '2024-01-01', '2024-02-01', NULL, NULL, 5, 1, 1000, 0, 'EUR');

INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status,
	period_start, period_end, price_id, quantity, unit_amount, amount, currency, run_id)
VALUES
	(1, 21, 1, 1, 'subscribed', '2024-02-10', 'app', 'active', '2024-02-10', '2024-03-10', 5, 2, 1000, 2000, 'EUR',
	 NULL),
	(1, 22, 1, 9, 'reactivated', '2024-02-11', 'app', 'active', '2024-02-11', '2024-03-11', 5, 1, 1000, 1000, 'EUR',
	 NULL),
	(1, 23, 1, 1, 'imported', '2024-02-12', 'import', 'active', '2024-02-01', '2024-03-01', 5, 1, 900, 900, 'EUR',
	 NULL),
	(1, 24, 1, 1, 'subscribed', '2024-02-13', 'app', 'active', '2024-02-13', '2024-03-13', 7, 1, 0, 0, 'EUR', NULL),
	(1, 25, 1, 1, 'trial_started', '2024-02-14', 'app', 'trialing', '2024-02-14', '2024-02-28', 5, 1, NULL, NULL,
	 NULL, NULL),
	(1, 11, 1, 5, 'cancelled', '2024-03-01', 'app', 'pending_cancellation', NULL, NULL, 5, 3, NULL, NULL, NULL, NULL),
	(1, 12, 1, 2, 'held', '2024-03-01', 'perennial run', 'active', NULL, NULL, 6, 1, NULL, NULL, NULL, 7);

SELECT results_eq(
	$$ SELECT billed_at, service_start, service_end, amount, currency::text, run_id, revision, kind, account_id,
	          price_id, quantity, unit_amount FROM perennial.billed WHERE subscription_id = 11 $$,
	$$ VALUES ('2024-02-29'::timestamptz, '2024-02-29'::timestamptz, '2024-03-31'::timestamptz, 3000::bigint, 'EUR',
	           7::bigint, 4, 'renewed', 1::bigint, 5, 3, 1000::bigint) $$,
	'a renewal is billed at its boundary for the period that opens');
SELECT results_eq(
	$$ SELECT billed_at, service_start, service_end, amount, currency::text, run_id, revision, kind, account_id,
	          price_id, quantity, unit_amount FROM perennial.billed WHERE subscription_id = 21 $$,
	$$ VALUES ('2024-02-10'::timestamptz, '2024-02-10'::timestamptz, '2024-03-10'::timestamptz, 2000::bigint, 'EUR',
	           NULL::bigint, 1, 'subscribed', 1::bigint, 5, 2, 1000::bigint) $$,
	'a first period is billed at the event for its own period');
SELECT is((SELECT amount FROM perennial.billed WHERE subscription_id = 12), 500::bigint, 'a conversion is billed');
SELECT is((SELECT amount FROM perennial.billed WHERE subscription_id = 22), 1000::bigint, 'a reactivation is billed');
SELECT is((SELECT kind FROM perennial.billed WHERE subscription_id = 23), 'imported',
          'an import with an amount shows its kind');
SELECT is((SELECT amount FROM perennial.billed WHERE subscription_id = 13), 0::bigint,
          'a renewal of a free plan is billed with 0');
SELECT is((SELECT amount FROM perennial.billed WHERE subscription_id = 24), 0::bigint,
          'a free first period is billed with 0');
SELECT is((SELECT count(*) FROM perennial.billed WHERE subscription_id = 14), 0::bigint, 'an expiry is not billed');
SELECT is((SELECT count(*) FROM perennial.billed WHERE subscription_id = 15), 0::bigint,
          'the expiry of a trial is not billed');
SELECT is((SELECT count(*) FROM perennial.billed WHERE subscription_id = 25), 0::bigint,
          'the start of a trial is not billed');
SELECT is((SELECT count(*) FROM perennial.billed WHERE kind IN ('cancelled', 'held')), 0::bigint,
          'events without an amount are not billed');
SELECT is((SELECT count(*) FROM perennial.billed), 7::bigint, 'nothing is billed twice');
SELECT results_eq(
	$$ SELECT currency::text, sum(amount)::bigint FROM perennial.billed GROUP BY 1 ORDER BY 1 $$,
	$$ VALUES ('EUR', 6900::bigint), ('JPY', 500::bigint) $$, 'amounts billed add up a currency at a time');

-- run_total

INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held)
VALUES (1, 1, 7, 10, 0), (2, 2, 7, 10, 0), (1, 3, 8, 10, 0), (1, 4, 9, 5, 5);
INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
VALUES
	(1, 1, 7, 'renewed', 'EUR', 3, 3000), (2, 2, 7, 'renewed', 'EUR', 4, 4000), (2, 2, 7, 'renewed', 'JPY', 1, 700),
	(1, 1, 7, 'expired', 'EUR', 2, 0), (1, 1, 7, 'converted', 'EUR', 1, 50),
	(1, 3, 8, 'renewed', 'EUR', 2147483647, 9223372036854775807);
INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held) VALUES (2, 5, 8, 10, 0);
INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
VALUES (2, 5, 8, 'renewed', 'EUR', 2147483647, 9223372036854775807);

SELECT results_eq(
	$$ SELECT subscriptions, amount FROM perennial.run_total
	   WHERE run_id = 7 AND kind = 'renewed' AND currency = 'EUR' $$,
	$$ VALUES (7::bigint, 7000::numeric) $$, 'a total is the sum over all batches of the run');
SELECT is((SELECT amount FROM perennial.run_total WHERE run_id = 7 AND kind = 'renewed' AND currency = 'JPY'),
          700::numeric,
          'currencies are never added together');
SELECT results_eq(
	$$ SELECT kind, currency::text, subscriptions FROM perennial.run_total WHERE run_id = 7 ORDER BY 1, 2 $$,
	$$ VALUES ('converted', 'EUR', 1::bigint), ('expired', 'EUR', 2::bigint), ('renewed', 'EUR', 7::bigint),
	          ('renewed', 'JPY', 1::bigint) $$,
	'there is one total for each kind and currency');
SELECT is((SELECT amount FROM perennial.run_total WHERE run_id = 8), 18446744073709551614::numeric,
          'a sum of amounts may pass a bigint');
SELECT is((SELECT subscriptions FROM perennial.run_total WHERE run_id = 8), 4294967294::bigint,
          'a count of outcomes may pass an integer');
SELECT is((SELECT count(*) FROM perennial.run_total WHERE run_id = 9), 0::bigint,
          'a run that only held rows has no totals');
SELECT is((SELECT sum(amount) FROM perennial.run_total WHERE run_id = 10), NULL::numeric,
          'a run without batches has no totals');

-- run_state.  The ids are high: other tests on the same server may have runs under way.

INSERT INTO perennial.run (run_id, as_of, started_at, finished_at, result, exit_code, host, pid, version,
	invocation_id)
VALUES
	(910001, now(), now() - interval '1 hour', now() - interval '59 minutes', 'done', 0, 'host', 4711, '1.0', 'abc'),
	(910002, now(), now() - interval '1 hour', now(), 'failed', 75, NULL, NULL, NULL, NULL),
	(910003, now(), now(), NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(910004, now(), now() - interval '4 minutes 59 seconds', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(910005, now(), now() - interval '5 minutes 1 second', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(910006, now(), now() - interval '1 hour', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(910007, now(), now() - interval '1 hour', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(910008, now(), now() - interval '2 hours', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(91000, now(), now() - interval '1 hour', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(910009, '2999-12-31', now() - interval '1 hour', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO perennial.batch (bucket, run_id, claimed, held, committed_at)
VALUES
	(4, 910002, 1, 0, now() - interval '1 hour'),
	(4, 910007, 1, 0, now() - interval '50 minutes'), (5, 910007, 1, 0, now() - interval '1 minute'),
	(6, 910007, 1, 0, now() - interval '30 minutes'),
	(4, 910008, 1, 0, now() - interval '1 hour');

CREATE FUNCTION state_of(run bigint) RETURNS text LANGUAGE sql AS $$
	SELECT state FROM perennial.run_state WHERE run_id = run
$$;

SELECT is(state_of(910001), 'finished', 'a run with an end is finished');
SELECT is(state_of(910002), 'finished', 'a run that ended badly is finished too');
SELECT is(state_of(910003), 'running', 'a run that has just started is running');
SELECT is(state_of(910004), 'running', 'a run that started less than five minutes ago is running');
SELECT is(state_of(910005), 'died', 'a run that started more than five minutes ago and did nothing since died');
SELECT is(state_of(910006), 'died', 'a run that started an hour ago without end or backend died');
SELECT is(state_of(910007), 'running', 'a run whose last batch is recent is running');
SELECT is(state_of(910008), 'died', 'a run whose last batch is an hour old died');
SELECT is(state_of(910009), 'died', 'as_of is no sign of life');

SET LOCAL application_name = 'perennial run=910006';
SELECT pg_stat_clear_snapshot() \gset
SELECT is(state_of(910006), 'running', 'a run whose backend is there is running, however long it has been quiet');
SELECT is(state_of(910005), 'died', 'the backend of another run is no sign of life');
SELECT is(state_of(91000), 'died', 'a run whose number begins that of a backend is another run');
SELECT is(state_of(910001), 'finished', 'a finished run is finished while others run');
SET LOCAL ROLE perennial_reader;
SELECT is((SELECT state FROM perennial.run_state WHERE run_id = 910006), 'running', 'a reader sees the backend too');
RESET ROLE;
SET LOCAL application_name = 'perennial run=910001';
SELECT pg_stat_clear_snapshot() \gset
SELECT is(state_of(910001), 'finished', 'a run with an end is finished while its session stays open');

-- Runs are counted in each database: the same number in another one is another run.
\! PGAPPNAME='perennial run=910008' psql -X -d postgres -c 'SELECT pg_sleep(30)' >/dev/null 2>&1 &
DO $$
BEGIN
	FOR i IN 1 .. 200 LOOP
		PERFORM pg_stat_clear_snapshot();
		EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'perennial run=910008');
		PERFORM pg_sleep(0.05);
	END LOOP;
END
$$;
SELECT is((SELECT count(*) FROM pg_stat_activity WHERE application_name = 'perennial run=910008'), 1::bigint,
          'a run with the same number is under way in another database');
SELECT is(state_of(910008), 'died', 'the backend of another database''s run is no sign of life');
SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'perennial run=910008' \gset

SELECT is((SELECT last_sign_at FROM perennial.run_state WHERE run_id = 910003), now(),
          'a run''s first sign of life is its start');
SELECT is((SELECT last_sign_at FROM perennial.run_state WHERE run_id = 910007), now() - interval '1 minute',
          'the last sign of life is the newest batch');
SELECT is((SELECT last_sign_at FROM perennial.run_state WHERE run_id = 910001), now() - interval '59 minutes',
          'the last sign of life of a finished run is its end');
SELECT is((SELECT count(*) FROM perennial.run_state), (SELECT count(*) FROM perennial.run),
          'every run has one state');
SELECT results_eq(
	$$ SELECT result, exit_code, host, pid, version, invocation_id FROM perennial.run_state WHERE run_id = 910001 $$,
	$$ VALUES ('done', 0, 'host', 4711, '1.0', 'abc') $$, 'the state shows what the run''s row says');
SELECT is((SELECT finished_at FROM perennial.run WHERE run_id = 910006), NULL,
          'looking at a run that died writes nothing');

SELECT * FROM finish();
ROLLBACK;
