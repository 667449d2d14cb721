-- queue_test: how consumers take jobs and give them back, and what a job tells them.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(170);

-- Everything that was ever taken, in the order in which it was handed out.
CREATE TABLE took AS SELECT 1::bigint AS nr, j.* FROM perennial.take_jobs(1, '1 minute') j WITH NO DATA;

CREATE FUNCTION take(n int, lease interval DEFAULT '10 minutes') RETURNS text LANGUAGE sql AS $$
	WITH t AS (
		INSERT INTO took SELECT (SELECT count(*) FROM took) + row_number() OVER (), j.*
			FROM perennial.take_jobs(n, lease) j
		RETURNING nr, job_id)
	SELECT coalesce(string_agg(job_id::text, ' ' ORDER BY nr), 'nothing') FROM t
$$;

-- The newest token of a job.
CREATE FUNCTION token_of(job bigint) RETURNS uuid LANGUAGE sql AS $$
	SELECT token FROM took WHERE job_id = job ORDER BY nr DESC LIMIT 1
$$;

CREATE FUNCTION state_of(job bigint) RETURNS text LANGUAGE sql AS $$
	SELECT state FROM perennial.notification_job WHERE job_id = job
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

CREATE FUNCTION complete(job bigint, token uuid) RETURNS text LANGUAGE sql AS $$
	SELECT answer(format('SELECT perennial.complete_job(9, %s, %L)', job, token))
$$;

CREATE FUNCTION fail_with(job bigint, token uuid, error text DEFAULT 'no such mailbox') RETURNS text LANGUAGE sql AS $$
	SELECT answer(format('SELECT perennial.fail_job(9, %s, %L, %L)', job, token, error))
$$;

-- Jobs whose outcome and account nobody knows; they are handed out like any other.
CREATE FUNCTION put_jobs(first bigint, last bigint, available interval, attempts int DEFAULT 0,
	state text DEFAULT 'ready')
	RETURNS void LANGUAGE sql AS $$
	INSERT INTO perennial.notification_job (bucket, job_id, subscription_id, account_id, kind, boundary, available_at,
		attempts, state)
	SELECT 9, job, job, 9, 'renewed', '2025-03-01', clock_timestamp() + available, attempts, state
	FROM generate_series(first, last) AS job
$$;

-- Which are taken, and in which order

SELECT put_jobs(1, 1, '-2 hours'), put_jobs(2, 2, '-5 hours'), put_jobs(3, 3, '-1 hour'), put_jobs(5, 6, '1 minute'),
       put_jobs(7, 7, '-9 hours', 1, 'done'), put_jobs(8, 8, '-9 hours', 10, 'dead'), put_jobs(4, 4, '-8 hours') \gset

SELECT is(take(2), '4 2', 'the oldest jobs are taken first, as many as were asked for');
SELECT is(take(10), '1 3', 'what is taken, done, dead or not yet available is not taken');
SELECT is(take(10), 'nothing', 'nothing is left then');
SELECT results_eq('SELECT job_id, state FROM perennial.notification_job ORDER BY 1',
	$$ VALUES (1::bigint, 'taken'), (2, 'taken'), (3, 'taken'), (4, 'taken'), (5, 'ready'), (6, 'ready'), (7, 'done'),
	          (8, 'dead') $$, 'what was handed out is taken, the rest is as it was');
SELECT is(count(DISTINCT token), 4::bigint, 'every job has a token of its own') FROM took;
SELECT is(count(*), 4::bigint, 'what is handed out is what the table holds')
FROM took t JOIN perennial.notification_job j USING (bucket, job_id, token, taken_until, kind, subscription_id,
	account_id)
WHERE t.attempt = j.attempts;
SELECT is(array_agg(DISTINCT attempt), '{1}', 'the first attempt is the first') FROM took;
SELECT ok(bool_and(taken_until BETWEEN now() + interval '10 minutes' AND clock_timestamp() + interval '10 minutes'),
          'a lease counts from the call') FROM took;

UPDATE perennial.notification_job SET available_at = '2025-01-01' WHERE job_id IN (5, 6);
SELECT is(take(1), '5', 'of jobs that are equally old, the one with the lowest id comes first');
SELECT is(take(1, '1 day'), '6', 'a lease lasts a day at most');
SELECT ok(bool_and(taken_until > clock_timestamp() + interval '23 hours 59 minutes'), 'and counts so long') FROM took
WHERE job_id = 6;

-- Complete

SELECT is(complete(1, token_of(2)), 'PR003 with a hint', 'the token of another job is refused');
SELECT is(complete(1, gen_random_uuid()), 'PR003 with a hint', 'a token that was never given is refused');
SELECT is(complete(5, token_of(5)), 'nothing to complain about', 'a job is completed with its token');
SELECT results_eq('SELECT state, finished_at BETWEEN now() AND clock_timestamp(), token, taken_until, attempts,
                          last_error
                   FROM perennial.notification_job WHERE job_id = 5',
	$$ VALUES ('done', true, NULL::uuid, NULL::timestamptz, 1, NULL::text) $$, 'it is done then, and says when');
SELECT is(complete(5, token_of(5)), 'PR003 with a hint', 'it is not completed twice');
SELECT is(fail_with(5, token_of(5)), 'PR003 with a hint', 'it does not fail afterwards');
SELECT is(state_of(5), 'done', 'it stays done');
SELECT is(take(10), 'nothing', 'what is done is not taken again');
SELECT is(complete(99, token_of(2)), 'PR001 with a hint', 'an unknown job cannot be completed');
SELECT is(answer(format('SELECT perennial.complete_job(8, 2, %L)', token_of(2))), 'PR001 with a hint',
          'the same id in another bucket is unknown');
SELECT is(answer(format('SELECT perennial.complete_job(70009, 2, %L)', token_of(2))), 'PR001 with a hint',
          'a bucket that no table could hold is unknown too');
SELECT is(complete(8, gen_random_uuid()), 'PR003 with a hint', 'a dead job cannot be completed');

-- Leases that run out

UPDATE perennial.notification_job SET taken_until = clock_timestamp() WHERE job_id IN (1, 2);
SELECT is(complete(2, token_of(2)), 'nothing to complain about',
          'a lease that ran out does no harm while nobody else took the job');
SELECT is(take(10), '1', 'a job whose lease ran out is handed out again');
SELECT is(attempt, 2, 'that is its second attempt') FROM took WHERE job_id = 1 ORDER BY nr DESC LIMIT 1;
SELECT is(count(DISTINCT token), 2::bigint, 'with a new token') FROM took WHERE job_id = 1;
SELECT is(last_error, 'the lease ran out', 'and the job says why') FROM perennial.notification_job WHERE job_id = 1;
SELECT is(complete(1, (SELECT token FROM took WHERE job_id = 1 ORDER BY nr LIMIT 1)), 'PR003 with a hint',
          'the old token completes it no more');
SELECT is(fail_with(1, (SELECT token FROM took WHERE job_id = 1 ORDER BY nr LIMIT 1)), 'PR003 with a hint',
          'nor does it fail it');
SELECT is(complete(1, token_of(1)), 'nothing to complain about', 'the new token does');
SELECT is((SELECT array_agg(job_id ORDER BY job_id) FROM perennial.notification_job WHERE state = 'taken'), '{3,4,6}',
          'a lease that still runs is left alone');

SELECT put_jobs(20, 20, '-1 minute', 9), put_jobs(21, 21, '-1 minute', 8) \gset
SELECT is(take(2), '20 21', 'a job is handed out a ninth and a tenth time');
UPDATE perennial.notification_job SET taken_until = clock_timestamp() - interval '1 second' WHERE job_id IN (20, 21);
SELECT is(take(10), '21', 'not an eleventh time, though its lease ran out');
SELECT results_eq('SELECT state, finished_at BETWEEN now() AND clock_timestamp(), token, taken_until, attempts,
                          last_error
                   FROM perennial.notification_job WHERE job_id = 20',
	$$ VALUES ('dead', true, NULL::uuid, NULL::timestamptz, 10, 'the lease ran out') $$, 'it is dead then');
SELECT is(finished_at, NULL, 'the other one has not finished') FROM perennial.notification_job WHERE job_id = 21;
SELECT is(complete(20, token_of(20)), 'PR003 with a hint', 'it is too late to complete a dead job');

-- Jobs that fail

SELECT put_jobs(31, 31, '-1 hour') \gset
SELECT is(take(1), '31', 'a job is taken that will fail');
SELECT is(fail_with(31, gen_random_uuid()), 'PR003 with a hint', 'only who has it can say that it failed');
SELECT is(fail_with(31, token_of(31)), 'nothing to complain about', 'a job fails');
SELECT results_eq('SELECT state, finished_at, token, taken_until, attempts, last_error
                   FROM perennial.notification_job WHERE job_id = 31',
	$$ VALUES ('ready', NULL::timestamptz, NULL::uuid, NULL::timestamptz, 1, 'no such mailbox') $$,
	'it is ready again and says what was wrong');
SELECT is(fail_with(31, token_of(31)), 'PR003 with a hint', 'it does not fail twice');
SELECT is(complete(31, token_of(31)), 'PR003 with a hint', 'it cannot be completed afterwards');
SELECT is(take(10), 'nothing', 'it is not handed out at once');
SELECT is(fail_with(99, token_of(31)), 'PR001 with a hint', 'an unknown job cannot fail');

-- One job for each number of attempts that were made before.
SELECT put_jobs(40 + attempt, 40 + attempt, '-1 hour', attempt - 1) FROM generate_series(1, 10) AS attempt \g /dev/null
SELECT is(take(10), '41 42 43 44 45 46 47 48 49 50', 'ten jobs are taken that failed before');
SELECT is(bool_and(fail_with(40 + n, token_of(40 + n), repeat('é', 5000)) = 'nothing to complain about'), true,
          'they fail')
FROM generate_series(1, 10) AS n;
SELECT ok(j.state = 'ready' AND j.finished_at IS NULL
          AND j.available_at BETWEEN now() + wait AND clock_timestamp() + wait,
          format('after attempt %s a job waits %s', n, wait))
FROM generate_series(1, 9) AS n
CROSS JOIN LATERAL (SELECT make_interval(mins => (ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256])[n]) AS wait) AS w
JOIN perennial.notification_job j ON j.job_id = 40 + n
ORDER BY n;
SELECT results_eq('SELECT state, finished_at BETWEEN now() AND clock_timestamp(), token, taken_until, attempts,
                   available_at < now() FROM perennial.notification_job WHERE job_id = 50',
	$$ VALUES ('dead', true, NULL::uuid, NULL::timestamptz, 10, true) $$, 'after the tenth it is dead');
SELECT is(count(*), 10::bigint, 'a long error is cut to 1000 characters') FROM perennial.notification_job
WHERE job_id BETWEEN 41 AND 50 AND last_error = repeat('é', 1000);
SELECT is(take(10), 'nothing', 'a dead job is not handed out');

SELECT put_jobs(60, 60, '-1 hour') \gset
CREATE TABLE walk (attempt int, took text, answer text);
DO $$
BEGIN
	FOR i IN 1 .. 12 LOOP
		INSERT INTO walk (attempt, took) SELECT i, take(1);
		UPDATE walk SET answer = fail_with(60, token_of(60)) WHERE attempt = i;
		UPDATE perennial.notification_job SET available_at = '2025-01-01' WHERE job_id = 60;
	END LOOP;
END
$$;
SELECT is(string_agg(took, ' ' ORDER BY attempt), '60 60 60 60 60 60 60 60 60 60 nothing nothing',
          'a job has ten attempts') FROM walk;
SELECT is(array_agg(attempt ORDER BY nr), '{1,2,3,4,5,6,7,8,9,10}', 'which are counted') FROM took WHERE job_id = 60;
SELECT is(count(DISTINCT idempotency_key), 1::bigint, 'and have one key') FROM took WHERE job_id = 60;
SELECT is(count(DISTINCT token), 10::bigint, 'but ten tokens') FROM took WHERE job_id = 60;

-- Revive

CREATE FUNCTION revive(job bigint, bucket int DEFAULT 9) RETURNS text LANGUAGE sql AS $$
	SELECT answer(format('SELECT perennial.revive_job(%L, %L)', bucket, job))
$$;

UPDATE perennial.notification_job SET available_at = 'infinity' WHERE job_id BETWEEN 31 AND 49;
SELECT put_jobs(71, 71, '-1 hour') \gset
SELECT is(take(1), '71', 'a job is out');
SELECT is(revive(job), 'PR001 with a hint', format('a job that is %s is not revived', state_of(job)))
FROM unnest('{5,31,71}'::bigint[]) AS job;
SELECT is(revive(99), 'PR001 with a hint', 'an unknown job is not revived');
SELECT is(revive(60, 8), 'PR001 with a hint', 'nor one of another bucket');
SELECT is(revive(60), 'nothing to complain about', 'a dead job is revived');
SELECT results_eq('SELECT state, available_at BETWEEN now() AND clock_timestamp(), finished_at, attempts
                   FROM perennial.notification_job WHERE job_id = 60',
	$$ VALUES ('ready', true, NULL::timestamptz, 0) $$, 'it is ready, with no attempt made');
SELECT is(revive(60), 'PR001 with a hint', 'it is not revived twice');
SELECT is(state_of(50), 'dead', 'the other dead ones stay dead');
SELECT is(take(10), '60', 'it is handed out again');
SELECT is((SELECT attempt FROM took WHERE job_id = 60 ORDER BY nr DESC LIMIT 1), 1, 'for a first time');

-- Arguments

SELECT put_jobs(81, 81, '-1 hour') \gset
CREATE TABLE before AS SELECT * FROM perennial.notification_job;
SELECT is(answer('SELECT perennial.' || call), '22023 with a hint', format('%s is refused', call)) FROM (VALUES
	('take_jobs(NULL, ''1 minute'')'), ('take_jobs(1, NULL)'), ('take_jobs(0, ''1 minute'')'),
	('take_jobs(-1, ''1 minute'')'), ('take_jobs(10001, ''1 minute'')'), ('take_jobs(2147483647, ''1 minute'')'),
	('take_jobs(1, ''-1 second'')'), ('take_jobs(1, ''0'')'), ('take_jobs(1, ''1 day 1 microsecond'')'),
	('take_jobs(1, ''1 month'')'), ('take_jobs(1, ''-1 month'')'),
	-- A year is 360 days where leases are compared, and more where they are added.
	('take_jobs(1, ''1 year -359 days'')'), ('take_jobs(1, ''-1 year 361 days'')'),
	('take_jobs(1, ''1 year -365 days'')'),
	('take_jobs(1, ''1 month -26 days'')'), ('take_jobs(1, ''1 month -31 days'')'),
	('complete_job(NULL, 71, gen_random_uuid())'), ('complete_job(9, NULL, gen_random_uuid())'),
	('complete_job(9, 71, NULL)'), ('fail_job(NULL, 71, gen_random_uuid(), ''x'')'),
	('fail_job(9, NULL, gen_random_uuid(), ''x'')'), ('fail_job(9, 71, NULL, ''x'')'),
	('revive_job(NULL, 50)'), ('revive_job(9, NULL)')
) AS wrong (call);
SELECT is(answer(format('SELECT perennial.take_jobs(1, %L)', lease)), '22023 with a hint',
          format('a lease of %s is refused', lease))
FROM unnest('{100000000 years,-100000000 years}'::text[]) AS lease;
SELECT is(fail_with(71, token_of(71), NULL), '22023 with a hint', 'an error that is null is refused');
SELECT is_empty('TABLE before EXCEPT TABLE perennial.notification_job', 'what was refused changed nothing');
SELECT is(fail_with(71, token_of(71), ''), 'nothing to complain about', 'an empty error is an error');
SELECT is(take(10000), '81', 'n may be ten thousand');
SELECT put_jobs(82, 82, '-1 hour') \gset
SELECT is(take(1, '1 microsecond'), '82', 'a lease may be as short as an instant');

-- What a job says

DELETE FROM perennial.notification_job;
DELETE FROM took;
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'pro', 'Pro "plan"'), (2, 'team', 'Équipe');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
VALUES (1, 1, 'EUR', 1234, 1), (2, 2, 'JPY', 500, 12), (3, 2, 'KWD', 1234, 1), (4, 1, 'EUR', 5, 1),
	(5, 1, 'EUR', 0, 1);

CREATE TABLE sub (name text PRIMARY KEY, account_id bigint, subscription_id bigint);

SELECT perennial.put_account(1, 'online', 'Ada', 'ada@example.com', NULL, 'en'),
       perennial.put_account(2, 'corporate', 'Big', 'bill@example.com', 'rep@example.com', 'fr_FR'),
       perennial.put_account(3, 'online', 'Old name', 'old@example.com', 'rep3@example.com', 'de'),
       perennial.put_account(4, 'online', 'Eve', 'eve@example.com', NULL, 'en') \gset
INSERT INTO sub
SELECT name, account, perennial.subscribe(account, price, quantity, zone, at) FROM (VALUES
	-- Its boundary falls into the gap of March 9.
	('gap', 1, 1, 3, 'America/New_York', '2025-02-09 07:30Z'::timestamptz),
	('yen', 2, 2, 7, 'Asia/Tokyo', '2024-02-29 00:00:00.25Z'),
	('dinar', 3, 3, 2, 'Asia/Kathmandu', '2025-05-31 12:00Z'),
	('cents', 1, 4, 1, 'UTC', '2025-01-01Z'),
	('free', 1, 5, 1, 'UTC', '2025-01-01Z'),
	('lost', 4, 1, 1, 'Europe/Paris', '2025-01-01Z')
) AS s (name, account, price, quantity, zone, at);
INSERT INTO sub VALUES
	('trial', 3, perennial.start_trial(3, 2, 1, 14, 'Europe/Paris', false, '2025-03-20 09:00Z')),
	('converts', 2, perennial.start_trial(2, 3, 4, 7, 'UTC', true, '2025-03-20Z'));

CREATE FUNCTION key_of(sub_ text) RETURNS TABLE (account_id bigint, subscription_id bigint) LANGUAGE sql AS $$
	SELECT account_id, subscription_id FROM sub WHERE name = sub_
$$;

SELECT perennial.cancel(account_id, subscription_id, '2025-06-02Z'),
       perennial.withdraw_cancellation(account_id, subscription_id, '2025-06-03Z') FROM key_of('dinar') \gset
SELECT perennial.cancel(account_id, subscription_id, '2024-03-01Z') FROM key_of('yen') \gset

-- As a run writes them.  An outcome is about a period that need not be the present one.
INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
	to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount, amount,
	currency)
SELECT perennial.bucket_of(k.account_id), 1, k.subscription_id, k.account_id, revision, kind, 'rule',
	from_::perennial.status,
       CASE WHEN next_end IS NULL THEN 'expired' ELSE 'active' END::perennial.status, start, end_,
       CASE WHEN next_end IS NOT NULL THEN end_ END, next_end, price, quantity, unit, amount, currency
FROM (VALUES
	('gap', 2, 'renewed', 'active', '2025-02-09 07:30Z'::timestamptz, '2025-03-09 07:30Z'::timestamptz,
	 '2025-04-09 06:30Z'::timestamptz, 1, 3, 1234, 3702, 'EUR'),
	('gap', 3, 'renewed', 'active', '2025-03-09 07:30Z', '2025-04-09 06:30Z', '2025-05-09 06:30Z', 4, 2, 5, 10, 'EUR'),
	('yen', 3, 'expired', 'pending_cancellation', '2024-02-29 00:00:00.25Z', '2025-02-28 00:00:00.25Z', NULL, 2, 7,
	 500, 0, 'JPY'),
	('trial', 2, 'trial_expired', 'trialing', '2025-03-20 09:00Z', '2025-04-03 08:00Z', NULL, 2, 1, 500, 0, 'JPY'),
	('converts', 2, 'converted', 'trialing', '2025-03-20Z', '2025-03-27Z', '2025-04-27Z', 3, 4, 1234, 4936, 'KWD')
) AS o (name, revision, kind, from_, start, end_, next_end, price, quantity, unit, amount, currency)
CROSS JOIN LATERAL key_of(name) AS k;
INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
SELECT bucket, subscription_id, account_id, kind, period_end FROM perennial.outcome;
UPDATE perennial.subscription s SET status = 'expired', ended_at = period_end, revision = 3
FROM key_of('yen') k WHERE s.subscription_id = k.subscription_id;
SELECT perennial.reactivate(account_id, subscription_id, 2, '2025-05-01Z') FROM key_of('yen') \gset

-- What happened since then: the names are those of today, the amounts those of then.
UPDATE perennial.plan SET name = 'Pro' WHERE plan_id = 1;
UPDATE perennial.price SET unit_amount = 6 WHERE price_id = 4;
SELECT perennial.put_account(3, 'corporate', 'New name', 'new@example.com', 'rep3@example.com', 'de_AT') \gset
SET LOCAL session_replication_role = replica;
UPDATE perennial.subscription s SET time_zone = 'Atlantis/Capital'
FROM key_of('lost') k WHERE s.subscription_id = k.subscription_id;
SET LOCAL session_replication_role = origin;
-- Jobs about what nobody knows: the subscription, the account, the outcome, the event.
INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, event_id)
SELECT b, subscription, account, kind, boundary, event FROM (VALUES
	(9::smallint, 9001::bigint, 9::bigint, 'renewed', '2025-01-01Z'::timestamptz, 0),
	(9::smallint, 9001, 9, 'renewed', '2025-02-01Z', 0), (9::smallint, 9001, 9, 'expired', '2025-02-01Z', 0),
	(9::smallint, 9001, 9, 'renewed', '2025-02-01 00:00:00.000001Z', 0),
	(9::smallint, 9001, 9, 'cancellation_confirmed', '2025-02-01Z', 1000001),
	(9::smallint, 9001, 9, 'cancellation_confirmed', '2025-02-01Z', 1000002),
	(9::smallint, 9002, 9, 'renewed', '2025-02-01Z', 0), (8::smallint, 9002, 8, 'renewed', '2025-02-01Z', 0)
) AS j (b, subscription, account, kind, boundary, event)
UNION ALL SELECT perennial.bucket_of(account_id), subscription_id, account_id, 'renewed', '2020-01-01Z', 0
FROM key_of('gap');

CREATE FUNCTION forget_attempts() RETURNS void LANGUAGE sql AS $$
	UPDATE perennial.notification_job SET state = 'ready', available_at = now(), attempts = 0, token = NULL,
		taken_until = NULL
$$;

SELECT count(*) AS jobs, count(DISTINCT kind) AS kinds FROM perennial.notification_job \gset
SELECT is(:kinds, 9, 'there is a job of every kind');
SELECT take(1000) \g /dev/null
SELECT is(count(*), :jobs::bigint, 'a job that cannot say much, or has lost its zone, stops no other') FROM took;

CREATE FUNCTION said(sub_ text, kind_ text, boundary_ timestamptz DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT t.payload - 'subscription_id' FROM took t JOIN sub s USING (subscription_id)
	WHERE s.name = sub_ AND t.kind = kind_
	  AND (boundary_ IS NULL OR t.payload ->> 'boundary' = perennial.utc_text(boundary_))
$$;

SELECT is(said(name, kind, boundary), expected::jsonb || jsonb_build_object('kind', kind),
          format('what a job says: %s', title))
FROM (VALUES
	('gap', 'subscribed', NULL::timestamptz, 'a first period, in cents, to a boundary in a gap', '{
		"plan_code": "pro", "plan_name": "Pro", "interval_months": 1, "quantity": 3, "currency": "EUR",
		"unit_amount_minor": 1234, "unit_amount": "12.34", "amount_minor": 3702, "amount": "37.02",
		"time_zone": "America/New_York", "boundary": "2025-03-09T07:30:00Z", "boundary_local": "2025-03-09T03:30:00",
		"period_start": "2025-02-09T07:30:00Z", "period_start_local": "2025-02-09T02:30:00",
		"period_end": "2025-03-09T07:30:00Z", "period_end_local": "2025-03-09T03:30:00"}'),
	('gap', 'renewed', '2025-03-09 07:30Z', 'a renewal, from the boundary on', '{
		"plan_code": "pro", "plan_name": "Pro", "interval_months": 1, "quantity": 3, "currency": "EUR",
		"unit_amount_minor": 1234, "unit_amount": "12.34", "amount_minor": 3702, "amount": "37.02",
		"time_zone": "America/New_York", "boundary": "2025-03-09T07:30:00Z", "boundary_local": "2025-03-09T03:30:00",
		"period_start": "2025-03-09T07:30:00Z", "period_start_local": "2025-03-09T03:30:00",
		"period_end": "2025-04-09T06:30:00Z", "period_end_local": "2025-04-09T02:30:00"}'),
	('gap', 'renewed', '2025-04-09 06:30Z', 'the next renewal, at another price and quantity', '{
		"plan_code": "pro", "plan_name": "Pro", "interval_months": 1, "quantity": 2, "currency": "EUR",
		"unit_amount_minor": 5, "unit_amount": "0.05", "amount_minor": 10, "amount": "0.10",
		"time_zone": "America/New_York", "boundary": "2025-04-09T06:30:00Z", "boundary_local": "2025-04-09T02:30:00",
		"period_start": "2025-04-09T06:30:00Z", "period_start_local": "2025-04-09T02:30:00",
		"period_end": "2025-05-09T06:30:00Z", "period_end_local": "2025-05-09T02:30:00"}'),
	('yen', 'cancellation_confirmed', NULL, 'a cancellation, with the expiry and the price, and no amount', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 12, "quantity": 7, "currency": "JPY",
		"unit_amount_minor": 500, "unit_amount": "500", "time_zone": "Asia/Tokyo",
		"boundary": "2025-02-28T00:00:00.25Z", "boundary_local": "2025-02-28T09:00:00",
		"period_start": "2024-02-29T00:00:00.25Z", "period_start_local": "2024-02-29T09:00:00",
		"period_end": "2025-02-28T00:00:00.25Z", "period_end_local": "2025-02-28T09:00:00",
		"expires_at": "2025-02-28T00:00:00.25Z", "expires_at_local": "2025-02-28T09:00:00"}'),
	('yen', 'expired', NULL, 'an expiry, with the period that ended and its price, and no amount', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 12, "quantity": 7, "currency": "JPY",
		"unit_amount_minor": 500, "unit_amount": "500", "time_zone": "Asia/Tokyo",
		"boundary": "2025-02-28T00:00:00.25Z", "boundary_local": "2025-02-28T09:00:00",
		"period_start": "2024-02-29T00:00:00.25Z", "period_start_local": "2024-02-29T09:00:00",
		"period_end": "2025-02-28T00:00:00.25Z", "period_end_local": "2025-02-28T09:00:00",
		"expires_at": "2025-02-28T00:00:00.25Z", "expires_at_local": "2025-02-28T09:00:00"}'),
	('yen', 'reactivated', NULL, 'a reactivation, in a currency without decimals', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 12, "quantity": 7, "currency": "JPY",
		"unit_amount_minor": 500, "unit_amount": "500", "amount_minor": 3500, "amount": "3500",
		"time_zone": "Asia/Tokyo",
		"boundary": "2026-05-01T00:00:00Z", "boundary_local": "2026-05-01T09:00:00",
		"period_start": "2025-05-01T00:00:00Z", "period_start_local": "2025-05-01T09:00:00",
		"period_end": "2026-05-01T00:00:00Z", "period_end_local": "2026-05-01T09:00:00"}'),
	('dinar', 'cancellation_withdrawn', NULL, 'a withdrawal, with the price, no amount and no expiry', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 1, "quantity": 2, "currency": "KWD",
		"unit_amount_minor": 1234, "unit_amount": "1.234", "time_zone": "Asia/Kathmandu",
		"boundary": "2025-06-30T12:00:00Z", "boundary_local": "2025-06-30T17:45:00",
		"period_start": "2025-05-31T12:00:00Z", "period_start_local": "2025-05-31T17:45:00",
		"period_end": "2025-06-30T12:00:00Z", "period_end_local": "2025-06-30T17:45:00"}'),
	('trial', 'trial_started', NULL, 'a trial, with its price and no amount, over a change of the clocks', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 12, "quantity": 1, "currency": "JPY",
		"unit_amount_minor": 500, "unit_amount": "500", "time_zone": "Europe/Paris",
		"boundary": "2025-04-03T08:00:00Z", "boundary_local": "2025-04-03T10:00:00",
		"period_start": "2025-03-20T09:00:00Z", "period_start_local": "2025-03-20T10:00:00",
		"period_end": "2025-04-03T08:00:00Z", "period_end_local": "2025-04-03T10:00:00"}'),
	('trial', 'trial_expired', NULL, 'the end of a trial, with its price and no amount', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 12, "quantity": 1, "currency": "JPY",
		"unit_amount_minor": 500, "unit_amount": "500", "time_zone": "Europe/Paris",
		"boundary": "2025-04-03T08:00:00Z", "boundary_local": "2025-04-03T10:00:00",
		"period_start": "2025-03-20T09:00:00Z", "period_start_local": "2025-03-20T10:00:00",
		"period_end": "2025-04-03T08:00:00Z", "period_end_local": "2025-04-03T10:00:00",
		"expires_at": "2025-04-03T08:00:00Z", "expires_at_local": "2025-04-03T10:00:00"}'),
	('converts', 'converted', NULL, 'a conversion, in a currency with three decimals', '{
		"plan_code": "team", "plan_name": "Équipe", "interval_months": 1, "quantity": 4, "currency": "KWD",
		"unit_amount_minor": 1234, "unit_amount": "1.234", "amount_minor": 4936, "amount": "4.936", "time_zone": "UTC",
		"boundary": "2025-03-27T00:00:00Z", "boundary_local": "2025-03-27T00:00:00",
		"period_start": "2025-03-27T00:00:00Z", "period_start_local": "2025-03-27T00:00:00",
		"period_end": "2025-04-27T00:00:00Z", "period_end_local": "2025-04-27T00:00:00"}'),
	('lost', 'subscribed', NULL, 'where the server has lost the zone, no local times', '{
		"plan_code": "pro", "plan_name": "Pro", "interval_months": 1, "quantity": 1, "currency": "EUR",
		"unit_amount_minor": 1234, "unit_amount": "12.34", "amount_minor": 1234, "amount": "12.34",
		"time_zone": "Atlantis/Capital", "boundary": "2025-02-01T00:00:00Z",
		"period_start": "2025-01-01T00:00:00Z", "period_end": "2025-02-01T00:00:00Z"}')
) AS t (name, kind, boundary, title, expected);

SELECT is(said(name, 'subscribed') ->> 'amount', amount, format('%s is said as %s', name, amount))
FROM (VALUES ('cents', '0.05'), ('free', '0.00'), ('yen', '3500'), ('dinar', '2.468')) AS t (name, amount);
SELECT results_eq('SELECT DISTINCT kind FROM took WHERE payload ? ''amount'' AND payload ? ''amount_minor'' ORDER BY 1',
	'VALUES (''converted''), (''reactivated''), (''renewed''), (''subscribed'')',
	'there is an amount where something is billed');
SELECT results_eq('SELECT DISTINCT kind FROM took WHERE payload ?| ''{amount,amount_minor}'' ORDER BY 1',
	'VALUES (''converted''), (''reactivated''), (''renewed''), (''subscribed'')', 'and nowhere else');
SELECT is_empty('SELECT * FROM took WHERE NOT payload ?& ''{currency,unit_amount,unit_amount_minor}''',
	'every kind says what one unit costs');
SELECT is_empty('SELECT * FROM took WHERE payload ->> ''subscription_id'' <> subscription_id::text',
                'what a job says is about its own subscription');
SELECT is(count(*), 9::bigint, 'a job whose outcome, event or subscription is missing is handed out without a payload')
FROM took WHERE payload IS NULL;

-- To whom

SELECT results_eq(
	format('SELECT DISTINCT recipient, t.name, address, locale FROM took t JOIN sub s USING (subscription_id)
		WHERE s.name = %L', name),
	format('VALUES (%L, %L, %L, %L)', recipient, called, address, locale), title)
FROM (VALUES
	('gap', 'billing_contact', 'Ada', 'ada@example.com', 'en',
	 'a job of an online account goes to its billing contact'),
	('yen', 'representative', 'Big', 'rep@example.com', 'fr_FR',
	 'one of a corporate account goes to its representative'),
	('dinar', 'representative', 'New name', 'rep3@example.com', 'de_AT',
	 'recipient and locale are those of the moment')
) AS t (name, recipient, called, address, locale, title);
SELECT results_eq('SELECT DISTINCT recipient, name, address, locale FROM took WHERE account_id IN (8, 9)',
	'VALUES (NULL::text, NULL::text, NULL::text, NULL::text)',
	'a job whose account is missing is handed out without recipient and address');

-- By what senders recognize it

SELECT is(count(DISTINCT idempotency_key), :jobs::bigint, 'no two jobs have the same key') FROM took;
SELECT is(idempotency_key, concat('2:', subscription_id, ':expired:2025-02-28T00:00:00.25Z:0'),
          'a key says what the job is about')
FROM took WHERE kind = 'expired' AND account_id = 2;
SELECT forget_attempts() \gset
SELECT perennial.put_account(1, 'corporate', 'Ada Ltd', NULL, 'ltd@example.com', 'pt_BR') \gset
UPDATE perennial.plan SET name = 'Renamed';
SELECT take(1000) \g /dev/null
SELECT is(count(DISTINCT idempotency_key), :jobs::bigint, 'a key is the same at every attempt') FROM took;
SELECT is(array_agg(DISTINCT address), '{ada@example.com,ltd@example.com}',
          'though the address is that of each attempt')
FROM took WHERE account_id = 1;

-- Whatever the session is set to

CREATE SCHEMA hostile;
CREATE TABLE hostile.account (LIKE perennial.account);
CREATE TABLE hostile.notification_job (LIKE perennial.notification_job);
CREATE TEMPORARY TABLE plan (LIKE perennial.plan);
CREATE TEMPORARY TABLE notification_job (LIKE perennial.notification_job);
CREATE FUNCTION hostile.refuse() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'hostile'; END $$;
CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT hostile.refuse()::timestamptz';
CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT hostile.refuse()::uuid';
CREATE FUNCTION hostile.to_char(timestamp, text) RETURNS text LANGUAGE sql AS 'SELECT hostile.refuse()';
CREATE FUNCTION hostile.left(text, int) RETURNS text LANGUAGE sql AS 'SELECT hostile.refuse()';
CREATE FUNCTION hostile.less(interval, interval) RETURNS boolean LANGUAGE sql AS 'SELECT hostile.refuse()::boolean';
CREATE FUNCTION hostile.differs(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT hostile.refuse()::boolean';
CREATE OPERATOR hostile.<= (LEFTARG = interval, RIGHTARG = interval, FUNCTION = hostile.less);
CREATE OPERATOR hostile.<> (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = hostile.differs);

-- All that is told of all jobs, taken for a first time in a session with this setting; and an answer with it.
CREATE FUNCTION taken_under(name text, value text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting(name);
	jobs jsonb;
BEGIN
	PERFORM forget_attempts();
	PERFORM set_config(name, value, true);
	SELECT jsonb_agg(to_jsonb(j) - 'token' - 'taken_until') INTO jobs FROM perennial.take_jobs(1000, '10 minutes') j;
	PERFORM set_config(name, before, true);
	RETURN jobs;
END
$$;

CREATE FUNCTION answer_under(name text, value text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting(name);
	answered text;
BEGIN
	PERFORM set_config(name, value, true);
	answered := answer(statement);
	PERFORM set_config(name, before, true);
	RETURN answered;
END
$$;

SELECT taken_under('TimeZone', 'UTC') AS plainly \gset
SELECT is(jsonb_array_length(:'plainly'), :jobs, 'every job is taken in a session of the usual kind');
SELECT is(taken_under(name, value), :'plainly'::jsonb, format('%s = %s changes nothing of what is told', name, value))
FROM (VALUES
	('TimeZone', 'Asia/Tokyo'), ('TimeZone', 'America/New_York'), ('DateStyle', 'SQL, DMY'), ('DateStyle', 'German'),
	('IntervalStyle', 'sql_standard'), ('IntervalStyle', 'iso_8601'), ('standard_conforming_strings', 'off'),
	('search_path', 'hostile, pg_catalog, public'), ('search_path', 'pg_temp, hostile, pg_catalog, public'),
	('search_path', 'public')
) AS s (name, value)
UNION ALL
-- Those that the server's machine has.
SELECT is(taken_under(name, (SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate <> ''
                             ORDER BY collcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8'), collcollate LIMIT 1)),
          :'plainly'::jsonb, format('another %s changes nothing of what is told', name))
FROM unnest('{lc_numeric,lc_time,lc_monetary,lc_messages}'::text[]) AS name;

SELECT job_id AS one, lead(job_id) OVER (ORDER BY job_id) AS other FROM perennial.notification_job WHERE bucket = 9
ORDER BY 1 LIMIT 1 \gset
SELECT token AS token FROM perennial.notification_job WHERE job_id = :one \gset
SELECT token AS other_token FROM perennial.notification_job WHERE job_id = :other \gset
SELECT is(answer_under('search_path', 'pg_temp, hostile, pg_catalog, public', 'SELECT perennial.' || call),
          'nothing to complain about', format('%s minds no hostile search path', split_part(call, '(', 1)))
FROM (VALUES (format('complete_job(9, %s, %L)', :one, :'token')),
	(format('fail_job(9, %s, %L, ''x'')', :other, :'other_token'))
) AS c (call);
UPDATE perennial.notification_job SET state = 'dead' WHERE job_id = :one;
SELECT is(answer_under('search_path', 'pg_temp, hostile, pg_catalog, public',
          format('SELECT perennial.revive_job(9, %s)', :one)),
          'nothing to complain about', 'revive_job minds no hostile search path');

-- An application has no right to the tables, and needs none.
SELECT forget_attempts() \gset
SET LOCAL ROLE perennial_app;
SELECT is(count(*), :jobs::bigint, 'an application takes jobs') FROM perennial.take_jobs(1000, '1 minute');
RESET ROLE;

-- Leases in a session whose clocks are about to change

-- A zone that is an hour ahead of UTC in summer.  Its clocks go back, or forward, in twelve hours from now.
SELECT format('STD0DST,%s/2,%s/%s', (day + 180) % 365, day, extract(hour FROM change) + 1) AS back,
       format('STD0DST,%s/%s,%s/2', day, extract(hour FROM change), (day + 180) % 365) AS forward
FROM (SELECT now() AT TIME ZONE 'UTC' + interval '12 hours' AS change) AS c,
     LATERAL (SELECT extract(doy FROM change) - 1 AS day) AS d \gset
CREATE FUNCTION hours_under(zone text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	hours int;
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	hours := extract(epoch FROM now() + interval '1 day' - now()) / 3600;
	PERFORM set_config('TimeZone', 'UTC', true);
	RETURN hours;
END
$$;
SELECT is(hours_under(:'back'), 25, 'there is a zone in which the next day has 25 hours');
SELECT is(hours_under(:'forward'), 23, 'and one in which it has 23');
CREATE FUNCTION lease_under(zone text, lease interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before timestamptz := clock_timestamp();
	answered text;
BEGIN
	PERFORM forget_attempts();
	answered := answer_under('TimeZone', zone, format('SELECT take(1, %L)', lease));
	RETURN (SELECT CASE WHEN taken_until BETWEEN before + interval '24 hours' AND clock_timestamp() + interval '24 hours'
	                    THEN '24 hours' ELSE answered || ', ' || (taken_until - before) END
	        FROM took ORDER BY nr DESC LIMIT 1);
END
$$;
SELECT is(lease_under(zone, lease), '24 hours', format('%s is 24 hours in a session with the zone %s', lease, kind))
FROM (VALUES ('that goes back', :'back'), ('that goes forward', :'forward'), ('America/New_York', 'America/New_York'),
	('Australia/Lord_Howe', 'Australia/Lord_Howe')) AS z (kind, zone)
CROSS JOIN unnest('{1 day,24 hours}'::interval[]) AS lease;
-- Where a month is one of the calendar, it is too long at one time, and none at all at another.
SELECT forget_attempts(), answer('SELECT take(1, ''1 month -29 days'')') \gset
SELECT is_empty('SELECT * FROM perennial.notification_job WHERE taken_until > clock_timestamp() + interval ''24 hours''',
                'however long a month is, no lease is longer than a day');

-- Out of many

DELETE FROM perennial.notification_job;
INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, state, available_at,
	taken_until)
SELECT n % 256, n, n, 'renewed', '2025-01-01Z', CASE WHEN n % 10 = 0 THEN 'ready' ELSE 'done' END,
       now() - make_interval(secs => n), NULL
FROM generate_series(1, 30000) AS n;
ANALYZE perennial.notification_job;
SELECT pg_stat_get_xact_numscans('perennial.notification_job_ready'::regclass) AS ready_scans,
       pg_stat_get_xact_numscans('perennial.notification_job'::regclass) AS whole_scans \gset
SELECT is(count(*), 20::bigint, 'twenty jobs are taken out of many') FROM perennial.take_jobs(20, '1 minute');
SELECT is(pg_stat_get_xact_numscans('perennial.notification_job_ready'::regclass), :ready_scans::bigint + 1,
          'they are found through the index of what is ready');
SELECT is(pg_stat_get_xact_numscans('perennial.notification_job'::regclass), :whole_scans::bigint,
          'the table is not read as a whole');

-- What was out when its consumer died is swept up a thousand at a time.
UPDATE perennial.notification_job SET state = 'taken', taken_until = now() - make_interval(secs => 1),
	available_at = 'infinity'
WHERE state = 'done' AND subscription_id <= 2000;
SELECT count(*) AS out FROM perennial.notification_job WHERE state = 'taken' AND taken_until < now() \gset
SELECT count(*) FROM perennial.take_jobs(1, '1 minute') \g /dev/null
SELECT is(count(*), :out::bigint - 1000, 'a thousand leases that ran out are cleared away by one call')
FROM perennial.notification_job WHERE state = 'taken' AND taken_until < now();

SELECT * FROM finish();
ROLLBACK;
