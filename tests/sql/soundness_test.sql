-- soundness_test: nothing is unsound in a world of customers, runs and operators; what was tampered with is named.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(196);

INSERT INTO perennial.time_zone (name) VALUES ('UTC'), ('America/New_York') ON CONFLICT DO NOTHING;
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'One');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
VALUES (1, 1, 'EUR', 1000, 1), (2, 1, 'EUR', 9000, 12), (3, 1, 'JPY', 500, 1), (4, 1, 'EUR', 0, 1);
SELECT perennial.put_account(1, 'online', 'Ada', 'ada@example.com', NULL, 'en'),
       perennial.put_account(2, 'online', 'Bob', 'bob@example.com', NULL, 'en'),
       perennial.put_account(256, 'online', 'Cay', 'cay@example.com', NULL, 'en') \gset

\ir business.inc

-- What customers do.

-- One that was inserted by hand.
CREATE FUNCTION insert_bare(name text, account bigint, id bigint, period_end timestamptz, price int DEFAULT 1,
	status perennial.status DEFAULT 'active') RETURNS void LANGUAGE sql AS $$
	INSERT INTO sub VALUES (name, account, id);
	INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed,
		period_start, period_end)
	VALUES (perennial.bucket_of(account), id, account, price, status, period_end AT TIME ZONE 'UTC' - interval '1 month',
	        1, period_end - interval '1 month', period_end);
$$;

CREATE FUNCTION import_one(name text, account bigint, id bigint) RETURNS void LANGUAGE sql AS $$
	INSERT INTO sub VALUES (name, account, id);
	INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, status, anchor, period_start,
		period_end, billed_amount)
	VALUES (id, account, 1, 'active', '2025-01-15', '2025-01-15Z', '2025-02-14Z', 900);
	SELECT perennial.import_subscriptions('2025-02-01Z');
$$;

-- What the foreign keys of a subscription would not let happen.
CREATE FUNCTION without_keys(step text) RETURNS void LANGUAGE plpgsql
	SET session_replication_role = replica AS $$
BEGIN
	EXECUTE 'SELECT ' || step;
END
$$;

CREATE FUNCTION change(name_ text, change text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE perennial.subscription SET %s WHERE subscription_id = %s', change,
	               (SELECT subscription_id FROM sub WHERE name = name_));
END
$$;

-- An operator lifts a hold.
CREATE FUNCTION release(name text) RETURNS void LANGUAGE sql AS $$
	WITH s AS (
		UPDATE perennial.subscription t SET hold_reason = NULL, held_at = NULL, revision = t.revision + 1
		FROM row_of(name) AS r WHERE (t.bucket, t.subscription_id) = (r.bucket, r.subscription_id)
		RETURNING t.*)
	INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
		period_start, period_end, price_id, next_price_id, quantity, next_quantity)
	SELECT bucket, subscription_id, account_id, revision, 'released', '2025-03-15Z', 'operator', status, status,
	       period_start, period_end, price_id, next_price_id, quantity, next_quantity FROM s;
$$;

-- An operator prunes: whatever was finished an age ago, and that was all but the jobs of some.
CREATE FUNCTION prune(age interval, but text[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO perennial.pruning (finished_before) VALUES (now() - age);
	DELETE FROM perennial.notification_job j USING sub
	WHERE j.subscription_id = sub.subscription_id AND sub.name <> ALL (but);
$$;

-- What is found.

-- All that is unsound, and how often; with the name of a subscription that is not the one expected, or with the run and
-- the bucket where it is no subscription.  Null where all is sound.
CREATE FUNCTION found(expected text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat(whose, invariant, CASE WHEN times > 1 THEN ' x' || times END), ', '
	                  ORDER BY invariant COLLATE "C", whose COLLATE "C")
	FROM (SELECT u.invariant, w.whose, count(*) AS times
	      FROM perennial.unsound u
	      LEFT JOIN sub s USING (subscription_id)
	      CROSS JOIN LATERAL (SELECT CASE
	      	WHEN u.subscription_id IS NULL THEN format('run %s bucket %s ', u.run_id, u.bucket)
	      	WHEN u.bucket = perennial.bucket_of(s.account_id) THEN nullif(s.name, expected) || ' '
	      	ELSE format('%s in bucket %s ', u.subscription_id, u.bucket) END AS whose) AS w
	      GROUP BY u.invariant, w.whose) AS f
$$;

-- What is unsound after a step, which stays.
CREATE FUNCTION after(step text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || step;
	RETURN found();
END
$$;

SELECT is(found(), NULL, 'nothing is unsound where there is nothing');
SELECT is(after(step), NULL, format('all is sound after %s', regexp_replace(btrim(step), '\s+', ' ', 'g'))) FROM (VALUES
	-- Customers come.
	($$ begin_with('plain', 1, 'subscribe(1, 1, 2, ''America/New_York'', ''2025-01-31 05:00Z'')') $$),
	($$ begin_with('behind', 2, 'subscribe(2, 1, 1, ''UTC'', ''2025-01-10Z'')') $$),
	($$ begin_with('paying', 1, 'start_trial(1, 3, 4, 7, ''UTC'', true, ''2025-03-01Z'')') $$),
	($$ begin_with('tried', 2, 'start_trial(2, 1, 1, 7, ''UTC'', false, ''2025-02-01Z'')') $$),
	($$ begin_with('free', 2, 'subscribe(2, 4, 3, ''UTC'', ''2025-02-05Z'')') $$),
	($$ begin_with('ended', 2, 'subscribe(2, 1, 1, ''UTC'', ''2025-02-01Z'')') $$),
	($$ call('ended', 'cancel', '''2025-02-05Z''') $$),
	($$ begin_with('kept', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-02-10Z'')') $$),
	($$ call('kept', 'cancel', '''2025-02-11Z''') $$),
	($$ call('kept', 'withdraw_cancellation', '''2025-02-12Z''') $$),
	($$ call('kept', 'schedule_change', '2, 3, ''2025-02-13Z''') $$),
	($$ begin_with('again', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-01-05Z'')') $$),
	($$ call('again', 'cancel', '''2025-01-06Z''') $$),
	($$ begin_with('far', 256, 'subscribe(256, 1, 1, ''UTC'', ''2024-10-12Z'')') $$),
	($$ begin_with('fallen', 256, 'subscribe(256, 1, 1, ''UTC'', ''2024-11-12Z'')') $$),
	($$ begin_with('lifted', 1, 'subscribe(1, 1, 1, ''UTC'', ''2024-12-14Z'')') $$),
	($$ begin_with('onhold', 2, 'subscribe(2, 1, 1, ''UTC'', ''2024-12-14Z'')') $$),
	($$ begin_with('halfway', 2, 'subscribe(2, 1, 1, ''UTC'', ''2025-01-14Z'')') $$),
	($$ begin_with('later', 2, 'subscribe(2, 2, 1, ''UTC'', ''2025-01-14Z'')') $$),
	($$ import_one('imported', 1, 950) $$),
	($$ insert_bare('old', 1, 900, '2025-03-05Z') $$),
	($$ insert_bare('bare', 1, 901, '2026-01-01Z') $$),
	($$ insert_bare('gone', 2, 902, '2025-01-01Z', status => 'expired') $$),
	($$ insert_bare('unpriced', 1, 903, '2025-03-05Z') $$),
	($$ without_keys($k$ change('unpriced', 'price_id = 99') $k$) $$),
	($$ without_keys($k$ call('unpriced', 'cancel', '''2025-02-11Z''') $k$) $$),
	($$ begin_with('unzoned', 2, 'subscribe(2, 2, 1, ''UTC'', ''2025-01-14Z'')') $$),
	($$ without_keys($k$ change('unzoned', 'time_zone = ''Nowhere/Land''') $k$) $$),
	($$ hour_passes() $$),

	-- A run finds much to do; customers and an operator act between its batches.
	($$ start_run(1, '2025-03-15Z') $$),
	($$ batch(1, 'plain renewed, kept renewed, paying converted, imported renewed, imported renewed') $$),
	($$ batch(1, 'old renewed, again expired, lifted held') $$),
	($$ without_keys($k$ batch(1, 'unpriced expired') $k$) $$),
	($$ batch(1, 'behind renewed, behind renewed, tried trial_expired, free renewed, ended expired, onhold held') $$),
	($$ batch(1, 'halfway renewed, halfway held') $$),
	($$ batch(1, 'far renewed, far renewed, fallen renewed', continued => 2) $$),
	($$ call('again', 'reactivate', '1, ''2025-02-06Z''') $$),
	($$ call('fallen', 'cancel', '''2025-03-15Z''') $$),
	($$ release('lifted') $$),
	($$ batch(1, 'far renewed, far renewed, far renewed, fallen expired, again renewed, lifted renewed, lifted renewed,
	    lifted renewed') $$),
	($$ finish_run(1, 'held') $$),
	($$ hour_passes() $$),

	-- Customers act, on holds too, and the next run has little to do.
	($$ call('onhold', 'cancel', '''2025-03-20Z''') $$),
	($$ hour_passes() $$),
	($$ start_run(2, '2025-04-01Z') $$),
	($$ batch(2, 'plain renewed') $$),
	($$ finish_run(2) $$),
	($$ hour_passes() $$),

	-- Jobs are pruned, but those of the last hour and one that nobody took; older ones had been before.
	($$ prune('90 minutes', '{plain, behind}') $$),
	($$ prune('1 day', '{plain, behind}') $$),

	-- What is due since then, though it ended long ago.
	($$ call('tried', 'reactivate', '1, ''2025-02-10Z''') $$),
	($$ call('ended', 'reactivate', '2, ''2025-09-02Z''') $$),
	($$ insert_bare('latecomer', 2, 904, '2025-02-20Z'), start_run(3, '2025-04-30Z'),
	    batch(3, 'latecomer renewed', continued => 1) $$),

	-- Runs that leave something: at a limit, for one subscription, under way.
	($$ batch(3, 'behind renewed') $$),
	($$ finish_run(3, 'limit', 'limit') $$),
	($$ start_run(4, '2025-04-30Z', (row_of('paying')).subscription_id) $$),
	($$ batch(4, 'paying renewed') $$),
	($$ finish_run(4) $$),
	($$ start_run(5, '2025-04-30Z') $$),
	($$ batch(5, 'old renewed') $$)
) AS s (step);
SELECT ok(NOT EXISTS (SELECT FROM pending), 'every step was in a batch');
SELECT results_eq('SELECT run_id, result, left_due > 0 FROM perennial.run ORDER BY run_id',
	$$ VALUES (1::bigint, 'held', false), (2, 'done', false), (3, 'limit', true), (4, 'done', false), (5, NULL, NULL) $$,
	'two runs left nothing, one was for one subscription');
SELECT ok(due(5) > 3, 'much is due');

-- Tampered with.  @ stands for the one subscription; what was done is taken back.
CREATE FUNCTION tampered(name_ text, statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	s perennial.subscription := row_of(name_);
BEGIN
	EXECUTE replace(statements, '@', format('bucket = %s AND subscription_id = %s', s.bucket, s.subscription_id));
	result := found(name_);
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN result;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

SELECT is(tampered(name, statements), names, format('%s: %s', title, coalesce(names, 'nothing is unsound')))
FROM (VALUES
	-- Outcomes.
	('plain', 'a period that was closed twice, without the key',
	 'billed-overlap, history-broken x2, outcome-doubled, run 2 bucket 1 total-differs',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT outcome_pkey;
	    INSERT INTO perennial.outcome SELECT * FROM perennial.outcome WHERE @ AND run_id = 2 $$),
	('plain', 'a period that was closed twice, from different starts, without the key',
	 'billed-overlap, history-broken x3, outcome-doubled, run 2 bucket 1 total-differs',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT outcome_pkey;
	    INSERT INTO perennial.outcome SELECT * FROM perennial.outcome WHERE @ AND run_id = 2;
	    UPDATE perennial.outcome SET period_start = period_end WHERE @ AND run_id = 2 $$),
	('plain', 'a closed period that begins in another', 'history-broken, outcome-overlap',
	 $$ UPDATE perennial.outcome SET period_start = period_start - interval '1 second' WHERE @ AND run_id = 2 $$),

	-- Jobs.
	('plain', 'the job of an outcome that was deleted', 'job-missing',
	 $$ DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('tried', 'the job of an event that was deleted', 'job-missing',
	 $$ DELETE FROM perennial.notification_job WHERE @ AND kind = 'reactivated' $$),
	('behind', 'the job of an older outcome, which may have been pruned', NULL,
	 $$ DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-02-10Z' $$),
	('plain', 'the job of what was recorded when the pruned ones had to be finished', 'job-missing',
	 $$ INSERT INTO perennial.pruning (finished_before) VALUES (now() - interval '1 hour');
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'the job of what was recorded before that', NULL,
	 $$ INSERT INTO perennial.pruning (finished_before) VALUES (now() - interval '1 hour' + interval '1 microsecond');
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a second job, without the key', 'job-doubled',
	 $$ ALTER TABLE perennial.notification_job
	    DROP CONSTRAINT notification_job_bucket_subscription_id_kind_boundary_event_key;
	    INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
	    SELECT bucket, subscription_id, account_id, kind, boundary FROM perennial.notification_job
	    WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a job of another kind', 'job-missing, job-unfounded',
	 $$ UPDATE perennial.notification_job SET kind = 'expired' WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a job about another boundary', 'job-missing, job-unfounded',
	 $$ UPDATE perennial.notification_job SET boundary = '2025-03-31Z' WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('tried', 'a job about another event', 'job-missing, job-unfounded',
	 $$ UPDATE perennial.notification_job SET event_id = event_id + 1000 WHERE @ $$),
	('tried', 'the job of an event about another boundary', 'job-missing, job-unfounded',
	 $$ UPDATE perennial.notification_job SET boundary = boundary + interval '1 day' WHERE @ $$),
	('plain', 'a job of another subscription', 'job-missing, kept job-unfounded',
	 $$ UPDATE perennial.notification_job SET subscription_id = (row_of('kept')).subscription_id
	    WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a job of another account', 'job-astray',
	 $$ UPDATE perennial.notification_job SET account_id = 256 WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('imported', 'a job about what was imported', 'job-unfounded',
	 $$ INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, event_id)
	    SELECT bucket, subscription_id, account_id, 'subscribed', period_end, event_id FROM perennial.event
	    WHERE @ AND kind = 'imported' $$),

	-- Histories.
	('bare', 'a revision that no entry made', 'history-broken',
	 $$ UPDATE perennial.subscription SET revision = 9 WHERE @ $$),
	('plain', 'an event that is gone', 'history-broken, job-unfounded',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 1 $$),

	-- What was billed.
	('again', 'a reactivation within the period that was paid', 'billed-overlap, history-broken, start-differs',
	 $$ UPDATE perennial.event SET period_start = '2025-02-04Z' WHERE @ AND kind = 'reactivated' $$),
	('plain', 'a first period that covers those that follow', 'billed-overlap x2, history-broken, job-unfounded',
	 $$ UPDATE perennial.event SET period_end = '2025-12-01Z' WHERE @ AND revision = 1 $$),
	('plain', 'a period that was left out', 'billed-gap, history-broken x2, job-unfounded, run 1 bucket 1 total-differs',
	 $$ DELETE FROM perennial.outcome WHERE @ AND revision = 2 $$),
	('imported', 'what was billed elsewhere is not looked at', 'history-broken',
	 $$ UPDATE perennial.event SET period_end = '2025-02-13Z' WHERE @ AND revision = 1 $$),

	-- What is due.
	('bare', 'one that is due since the last run that left nothing', 'due-left',
	 $$ UPDATE perennial.subscription SET period_start = '2025-03-01Z', period_end = '2025-04-01Z' WHERE @ $$),
	('bare', 'one that was not due then', NULL,
	 $$ UPDATE perennial.subscription SET period_start = '2025-03-01Z', period_end = '2025-04-01 00:00:00.000001Z'
	    WHERE @ $$),
	('bare', 'one that is due, but expired', NULL,
	 $$ UPDATE perennial.subscription SET status = 'expired', period_start = '2025-03-01Z', period_end = '2025-04-01Z'
	    WHERE @ $$),
	('bare', 'one that is due, but on hold', NULL,
	 $$ UPDATE perennial.subscription SET hold_reason = 'x', period_start = '2025-03-01Z', period_end = '2025-04-01Z'
	    WHERE @ $$),
	('onhold', 'one that was due, whose hold is gone without an event', 'due-left, history-broken',
	 $$ UPDATE perennial.subscription SET hold_reason = NULL WHERE @ $$),
	('onhold', 'one that was released since', NULL,
	 $$ SELECT release('onhold') $$),
	('tried', 'one whose event is older than the run', 'due-left',
	 $$ UPDATE perennial.event SET recorded_at = now() - interval '61 minutes' WHERE @ AND kind = 'reactivated' $$),
	('tried', 'one whose event is as old as the run', NULL,
	 $$ UPDATE perennial.event SET recorded_at = now() - interval '1 hour' WHERE @ AND kind = 'reactivated' $$),
	('latecomer', 'one whose outcome is older than the run', 'due-left',
	 $$ UPDATE perennial.outcome SET decided_at = now() - interval '61 minutes' WHERE @ $$),
	('latecomer', 'one whose outcome is as old as the run', NULL,
	 $$ UPDATE perennial.outcome SET decided_at = now() - interval '1 hour' WHERE @ $$),

	-- Which runs left nothing.
	('bare', 'a run that left what it could not lock', NULL,
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'done', left_due = 3, failed = 0 WHERE run_id = 5 $$),
	('bare', 'a run that did not count what it left', NULL,
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'done', failed = 0 WHERE run_id = 5 $$),
	('bare', 'a run in which rows failed', NULL,
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'done', left_due = 0, failed = 1 WHERE run_id = 5 $$),
	('bare', 'a run that was stopped', NULL,
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'done', left_due = 0, failed = 0, stopped_by = 'SIGTERM'
	    WHERE run_id = 5 $$),
	('bare', 'a run that failed', NULL,
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'failed', left_due = 0, failed = 0 WHERE run_id = 5 $$),
	('bare', 'a run that is not finished', NULL,
	 $$ UPDATE perennial.run SET left_due = 0, failed = 0 WHERE run_id = 5 $$),
	('free', 'a run that says it left nothing, and left what had come before',
	 'again due-left, far due-left, imported due-left, lifted due-left, due-left',
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'done', left_due = 0, failed = 0 WHERE run_id = 5 $$),
	('free', 'one that says so, and put others on hold',
	 'again due-left, far due-left, imported due-left, lifted due-left, due-left',
	 $$ UPDATE perennial.run SET finished_at = now(), result = 'held', left_due = 0, failed = 0 WHERE run_id = 5 $$),

	-- What batches count.
	('plain', 'a total with one more', 'run 2 bucket 1 total-differs',
	 $$ UPDATE perennial.batch_total SET subscriptions = subscriptions + 1 WHERE run_id = 2 $$),
	('plain', 'a total of another amount', 'run 2 bucket 1 total-differs',
	 $$ UPDATE perennial.batch_total SET amount = amount + 1 WHERE run_id = 2 $$),
	('plain', 'a total of another kind', 'run 2 bucket 1 total-differs x2',
	 $$ UPDATE perennial.batch_total SET kind = 'expired' WHERE run_id = 2 $$),
	('plain', 'a total in another currency', 'run 2 bucket 1 total-differs x2',
	 $$ UPDATE perennial.batch_total SET currency = 'JPY' WHERE run_id = 2 $$),
	('plain', 'a total of another run', 'run 1 bucket 1 total-differs, run 2 bucket 1 total-differs',
	 $$ UPDATE perennial.batch_total SET run_id = 1 WHERE run_id = 2 $$),
	('plain', 'a total that is gone', 'run 2 bucket 1 total-differs',
	 $$ DELETE FROM perennial.batch_total WHERE run_id = 2 $$),
	('plain', 'a batch that is gone', 'run 2 bucket 1 claimed-differs, run 2 bucket 1 total-differs',
	 $$ DELETE FROM perennial.batch_total WHERE run_id = 2; DELETE FROM perennial.batch WHERE run_id = 2 $$),
	('plain', 'a batch that was written twice', 'run 2 bucket 1 claimed-differs',
	 $$ INSERT INTO perennial.batch (bucket, run_id, claimed, held)
	    SELECT bucket, run_id, claimed, held FROM perennial.batch WHERE run_id = 2 $$),
	('plain', 'a batch of another bucket', 'run 2 bucket 7 claimed-differs',
	 $$ INSERT INTO perennial.batch (bucket, run_id, claimed, held) VALUES (7, 2, 1, 0) $$),
	('behind', 'a batch with one claimed too few', 'run 1 bucket 2 claimed-differs',
	 $$ UPDATE perennial.batch SET claimed = claimed - 1 WHERE run_id = 1 AND bucket = 2 AND claimed > 2 $$),
	('far', 'as many claimed as continued claims explain', NULL,
	 $$ UPDATE perennial.batch SET claimed = claimed + 1 WHERE run_id = 1 AND continued = 2 $$),
	('far', 'more claimed than continued claims explain', 'run 1 bucket 1 claimed-differs',
	 $$ UPDATE perennial.batch SET claimed = claimed + 2 WHERE run_id = 1 AND continued = 2 $$),
	('far', 'as few claimed as if no claim had followed on one that was continued', NULL,
	 $$ UPDATE perennial.batch SET claimed = claimed - 1
	    WHERE batch_id = (SELECT max(batch_id) FROM perennial.batch WHERE run_id = 1) $$),
	('far', 'fewer claimed than that', 'run 1 bucket 1 claimed-differs',
	 $$ UPDATE perennial.batch SET claimed = claimed - 2
	    WHERE batch_id = (SELECT max(batch_id) FROM perennial.batch WHERE run_id = 1) $$),
	('far', 'a batch that does not say that claims were continued', 'run 1 bucket 1 claimed-differs',
	 $$ UPDATE perennial.batch SET continued = 0 WHERE run_id = 1 $$),
	('plain', 'a batch that says so where none was', 'run 2 bucket 1 continued-differs',
	 $$ UPDATE perennial.batch SET continued = 1 WHERE run_id = 2 $$),
	('onhold', 'a batch with one held too many', 'run 2 bucket 1 held-differs',
	 $$ UPDATE perennial.batch SET held = held + 1 WHERE run_id = 2 $$),
	('onhold', 'batches without their holds', 'run 1 bucket 2 held-differs',
	 $$ UPDATE perennial.batch SET held = 0 WHERE run_id = 1 AND bucket = 2 $$),

	-- Runs.
	('plain', 'a run that is gone', 'run 2 bucket 1 run-unknown',
	 $$ DELETE FROM perennial.run WHERE run_id = 2 $$),
	('plain', 'an outcome of an unknown run',
	 'run 2 bucket 1 claimed-differs, run 77 bucket 1 claimed-differs, run 77 bucket 1 run-unknown, '
	 'run 2 bucket 1 total-differs, run 77 bucket 1 total-differs',
	 $$ UPDATE perennial.outcome SET run_id = 77 WHERE @ AND run_id = 2 $$),
	('onhold', 'a hold of an unknown run',
	 'run 1 bucket 2 claimed-differs, run 77 bucket 2 claimed-differs, run 1 bucket 2 held-differs, '
	 'run 77 bucket 2 held-differs, run 77 bucket 2 run-unknown',
	 $$ UPDATE perennial.event SET run_id = 77 WHERE @ AND run_id = 1 $$),
	('plain', 'a batch of an unknown run', 'run 77 bucket 1 claimed-differs, run 77 bucket 1 run-unknown',
	 $$ INSERT INTO perennial.batch (bucket, run_id, claimed, held) VALUES (1, 77, 1, 0) $$),

	-- What was not to be touched.
	('plain', 'a run as of the very boundary', NULL,
	 $$ UPDATE perennial.run SET as_of = '2025-03-31 04:00Z' WHERE run_id = 2 $$),
	('plain', 'a run as of an instant before the boundary', 'not-due-touched',
	 $$ UPDATE perennial.run SET as_of = '2025-03-31 03:59:59.999999Z' WHERE run_id = 2 $$),
	('onhold', 'a hold of what was not due', 'history-broken x2, not-due-touched',
	 $$ UPDATE perennial.event SET period_end = '2025-03-15 00:00:00.000001Z' WHERE @ AND kind = 'held' $$),
	('lifted', 'one that was never released', 'held-touched x3, history-broken x2',
	 $$ DELETE FROM perennial.event WHERE @ AND kind = 'released' $$),
	('lifted', 'one that was put on hold again instead', 'run 1 bucket 1 held-differs, held-touched x4',
	 $$ UPDATE perennial.event SET kind = 'held', run_id = 1 WHERE @ AND kind = 'released' $$),
	('lifted', 'one that a person put on hold again instead', 'held-touched x3',
	 $$ UPDATE perennial.event SET kind = 'held' WHERE @ AND kind = 'released' $$),
	('lifted', 'one that was released too late', 'held-touched x3, history-broken x2',
	 $$ UPDATE perennial.event SET revision = 6 WHERE @ AND kind = 'released';
	    UPDATE perennial.outcome SET revision = revision - 1 WHERE @ $$),

	-- Prices.
	('plain', 'another unit amount', 'history-broken x2, price-differs',
	 $$ UPDATE perennial.outcome SET unit_amount = 500, quantity = 4 WHERE @ AND run_id = 2 $$),
	('plain', 'another currency', 'price-differs, run 2 bucket 1 total-differs x2',
	 $$ UPDATE perennial.outcome SET currency = 'USD' WHERE @ AND run_id = 2 $$),
	('plain', 'another price', 'history-broken x2, price-differs',
	 $$ UPDATE perennial.outcome SET price_id = 2 WHERE @ AND run_id = 2 $$),
	('plain', 'a price that is not there', 'history-broken x2, price-differs',
	 $$ UPDATE perennial.outcome SET price_id = 98 WHERE @ AND run_id = 2 $$),
	('plain', 'a renewal without a price', 'history-broken x2, price-differs, run 2 bucket 1 total-differs x2',
	 $$ UPDATE perennial.outcome SET price_id = 98, unit_amount = 0, amount = 0, currency = 'XXX'
	    WHERE @ AND run_id = 2 $$),
	('plain', 'a first period in another currency', 'price-differs',
	 $$ UPDATE perennial.event SET currency = 'USD' WHERE @ AND revision = 1 $$),
	('imported', 'what was billed elsewhere, in another currency', 'price-differs',
	 $$ UPDATE perennial.event SET currency = 'USD' WHERE @ AND revision = 1 $$),
	('later', 'a price that was changed', 'ended price-differs, kept price-differs, unzoned price-differs, price-differs',
	 $$ UPDATE perennial.price SET unit_amount = 9001 WHERE price_id = 2 $$),
	('unpriced', 'an end with a unit amount of no price', 'price-differs',
	 $$ UPDATE perennial.outcome SET unit_amount = 1000 WHERE @ $$),
	('unpriced', 'an end in the currency of no price', 'price-differs, run 1 bucket 1 total-differs x2',
	 $$ UPDATE perennial.outcome SET currency = 'EUR' WHERE @ $$),
	('fallen', 'an end without its price', 'price-differs, run 1 bucket 1 total-differs x2',
	 $$ UPDATE perennial.outcome SET unit_amount = 0, currency = 'XXX' WHERE @ AND kind = 'expired' $$),
	('plain', 'an amount that is too high', 'amount-differs, history-broken, run 2 bucket 1 total-differs',
	 $$ UPDATE perennial.outcome SET amount = amount + 1 WHERE @ AND run_id = 2 $$),
	('plain', 'a first amount that is too high', 'amount-differs, history-broken',
	 $$ UPDATE perennial.event SET amount = amount + 1 WHERE @ AND revision = 1 $$),
	('fallen', 'an end that bills, past the table''s check',
	 'amount-differs, history-broken, run 1 bucket 1 total-differs',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT opens_or_ends;
	    UPDATE perennial.outcome SET amount = unit_amount * quantity WHERE @ AND kind = 'expired' $$),
	('plain', 'amounts beyond a bigint', 'amount-differs, history-broken x3, price-differs',
	 $$ UPDATE perennial.outcome SET unit_amount = 9000000000000000000, quantity = 2000000000 WHERE @ AND run_id = 2 $$),

	-- Boundaries.
	('plain', 'another anchor', 'boundary-differs', $$ UPDATE perennial.subscription SET anchor = '2025-01-29' WHERE @ $$),
	('plain', 'another number of months', 'boundary-differs',
	 $$ UPDATE perennial.subscription SET months_elapsed = months_elapsed + 1 WHERE @ $$),
	('plain', 'another end', 'boundary-differs, history-broken',
	 $$ UPDATE perennial.subscription SET period_end = period_end + interval '1 hour' WHERE @ $$),
	('plain', 'another period, which nothing opened', 'history-broken',
	 $$ UPDATE perennial.subscription
	    SET period_start = period_start + interval '1 hour', period_end = period_end + interval '1 hour' WHERE @ $$),
	('plain', 'another zone', 'boundary-differs', $$ UPDATE perennial.subscription SET time_zone = 'UTC' WHERE @ $$),
	('later', 'a first period with another anchor', 'boundary-differs',
	 $$ UPDATE perennial.subscription SET anchor = '2025-01-13' WHERE @ $$),
	('tried', 'a reactivation with another anchor', 'boundary-differs',
	 $$ UPDATE perennial.subscription SET anchor = '2025-02-11' WHERE @ $$),
	('fallen', 'an expired one with another anchor', NULL,
	 $$ UPDATE perennial.subscription SET anchor = '2025-01-30' WHERE @ $$),
	('bare', 'one that was inserted by hand, with another anchor', NULL,
	 $$ UPDATE perennial.subscription SET anchor = '2025-01-30' WHERE @ $$)
) AS t (name, title, names, statements);
SELECT alike(tampered('kept', 'DELETE FROM perennial.pruning'), '%, far job-missing x6, %, job-missing x4',
             'jobs are missed that nobody pruned');
SELECT is(found(), NULL, 'all is as sound as before');

-- What is said of it: the run, and the words.  # stands for the subscription.
CREATE FUNCTION said(name_ text, invariant_ text, statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	s perennial.subscription := row_of(name_);
BEGIN
	EXECUTE replace(statements, '@', format('bucket = %s AND subscription_id = %s', s.bucket, s.subscription_id));
	SELECT string_agg(concat(CASE WHEN subscription_id = s.subscription_id THEN '# ' END, 'run ' || run_id, ': ', detail),
	                  ', ' ORDER BY run_id) INTO result
	FROM perennial.unsound WHERE bucket = s.bucket AND invariant = invariant_;
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN result;
END
$$;

SELECT is(said(name, invariant, statements), words, format('%s says what is wrong', invariant)) FROM (VALUES
	('outcome-doubled', 'plain',
	 '# run 2: the period that ended at 2025-03-31T04:00:00Z was closed twice',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT outcome_pkey;
	    INSERT INTO perennial.outcome SELECT * FROM perennial.outcome WHERE @ AND run_id = 2 $$),
	('outcome-overlap', 'plain',
	 '# run 2: the period that ended at 2025-03-31T04:00:00Z begins within the one before it',
	 $$ UPDATE perennial.outcome SET period_start = '2025-02-20Z' WHERE @ AND run_id = 2 $$),
	('job-missing', 'plain',
	 '# run 2: there is no job renewed about the period that ended at 2025-03-31T04:00:00Z',
	 $$ DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('job-missing', 'tried',
	 '# : there is no job reactivated about event 4711',
	 $$ UPDATE perennial.event SET event_id = 4711 WHERE @ AND kind = 'reactivated' $$),
	('job-doubled', 'plain',
	 '# run 2: there is more than one job renewed about the period that ended at 2025-03-31T04:00:00Z',
	 $$ ALTER TABLE perennial.notification_job
	    DROP CONSTRAINT notification_job_bucket_subscription_id_kind_boundary_event_key;
	    INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
	    SELECT bucket, subscription_id, account_id, kind, boundary FROM perennial.notification_job
	    WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('job-unfounded', 'plain',
	 '# : nothing happened that needs the job expired about the period that ended at 2025-03-31T04:00:00Z',
	 $$ UPDATE perennial.notification_job SET kind = 'expired' WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('job-astray', 'plain',
	 '# run 2: another account has the job renewed about the period that ended at 2025-03-31T04:00:00Z',
	 $$ UPDATE perennial.notification_job SET account_id = 256 WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('history-broken', 'bare',
	 '# : revision 9: its history is missing',
	 $$ UPDATE perennial.subscription SET revision = 9 WHERE @ $$),
	('billed-overlap', 'again',
	 '# : a period is billed from 2025-02-04T00:00:00Z, and what was before it until 2025-02-05T00:00:00Z',
	 $$ UPDATE perennial.event SET period_start = '2025-02-04Z' WHERE @ AND kind = 'reactivated' $$),
	('billed-gap', 'plain',
	 '# run 2: a period is billed from 2025-03-31T04:00:00Z, and what was before it until 2025-02-28T05:00:00Z',
	 $$ DELETE FROM perennial.outcome WHERE @ AND revision = 2 $$),
	('due-left', 'bare',
	 '# run 2: due since 2025-04-01T00:00:00Z, but the run left nothing, and nothing has happened since it started',
	 $$ UPDATE perennial.subscription SET period_start = '2025-03-01Z', period_end = '2025-04-01Z' WHERE @ $$),
	('total-differs', 'plain',
	 'run 2: renewed in EUR: batches count 3, and there are 1',
	 $$ UPDATE perennial.batch_total SET subscriptions = 3 WHERE run_id = 2 $$),
	('total-differs', 'plain',
	 'run 2: renewed in EUR: batches count another amount',
	 $$ UPDATE perennial.batch_total SET amount = amount + 1 WHERE run_id = 2 $$),
	('run-unknown', 'plain',
	 'run 2: 1 batches and 1 outcomes and holds are of a run that is not there',
	 $$ DELETE FROM perennial.run WHERE run_id = 2 $$),
	('held-differs', 'onhold',
	 'run 1: batches count 0 held, and there are 2',
	 $$ UPDATE perennial.batch SET held = 0 WHERE run_id = 1 AND bucket = 2 $$),
	('claimed-differs', 'far',
	 'run 1: batches count 16 claimed, of them 2 continued, and the history has 13',
	 $$ UPDATE perennial.batch SET claimed = claimed + 2 WHERE run_id = 1 AND continued = 2 $$),
	('continued-differs', 'plain',
	 'run 2: batches count 1 continued, and 0 outcomes left what was still due',
	 $$ UPDATE perennial.batch SET continued = 1 WHERE run_id = 2 $$),
	('not-due-touched', 'plain',
	 '# run 2: renewed, though its period ended at 2025-03-31T04:00:00Z, by a run as of 2025-03-31T00:00:00Z',
	 $$ UPDATE perennial.run SET as_of = '2025-03-31Z' WHERE run_id = 2 $$),
	('not-due-touched', 'onhold',
	 '# run 1: held, though its period ended at 2025-03-16T00:00:00Z, by a run as of 2025-03-15T00:00:00Z',
	 $$ UPDATE perennial.event SET period_end = '2025-03-16Z' WHERE @ AND kind = 'held' $$),
	('held-touched', 'halfway',
	 '# run 1: renewed with revision 4, though on hold since revision 3',
	 $$ UPDATE perennial.outcome SET revision = 4 WHERE @ $$),
	('price-differs', 'plain',
	 '# run 2: renewed with revision 3 has another unit amount or currency than price 1',
	 $$ UPDATE perennial.outcome SET currency = 'USD' WHERE @ AND run_id = 2 $$),
	('amount-differs', 'plain',
	 '# run 2: renewed with revision 3 has another amount than quantity times unit amount',
	 $$ UPDATE perennial.outcome SET amount = amount + 1 WHERE @ AND run_id = 2 $$),
	('boundary-differs', 'plain',
	 '# : its period ends at 2025-04-30T04:00:00Z, which is not 3 months after its anchor',
	 $$ UPDATE perennial.subscription SET anchor = '2025-01-29' WHERE @ $$)
) AS t (invariant, name, words, statements);

-- Who reads it, and who notes a pruning.

CREATE FUNCTION refusal(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	named text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN NULL;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS named = CONSTRAINT_NAME;
		RETURN concat_ws(' ', SQLSTATE, nullif(named, ''));
END
$$;

SELECT is(refusal(role, statement), error, title) FROM (VALUES
	('perennial_reader', 'SELECT * FROM perennial.unsound', NULL, 'a reader can look'),
	('perennial_reader', 'SELECT * FROM perennial.pruning', NULL, 'a reader sees what was pruned'),
	('perennial_reader', 'INSERT INTO perennial.pruning (finished_before) VALUES (now())', '42501',
	 'a reader notes no pruning'),
	('perennial_batch', 'INSERT INTO perennial.pruning (finished_before) VALUES (now())', '42501',
	 'nor does a run'),
	('perennial_app', 'INSERT INTO perennial.pruning (finished_before) VALUES (now())', '42501',
	 'nor an application'),
	('perennial_operator', 'INSERT INTO perennial.pruning (finished_before) VALUES (now())', NULL,
	 'an operator does'),
	('perennial_operator', 'INSERT INTO perennial.pruning (finished_before, actor) VALUES (now(), ''ada'')', '42501',
	 'but not in the name of another'),
	('perennial_operator', 'INSERT INTO perennial.pruning (finished_before, pruned_at) VALUES (now(), now())', '42501',
	 'and not of another time'),
	('perennial_operator', 'INSERT INTO perennial.pruning (finished_before) VALUES (now() + interval ''1 microsecond'')',
	 '23514 pruned_past', 'nor of jobs that are not finished yet'),
	('perennial_operator', 'INSERT INTO perennial.pruning (finished_before) VALUES (''infinity'')',
	 '23514 pruned_past', 'at any time to come'),
	('perennial_operator', 'INSERT INTO perennial.pruning (finished_before) VALUES (NULL)', '23502',
	 'or at no time'),
	('perennial_operator', 'UPDATE perennial.pruning SET finished_before = now()', '42501', 'an operator changes no note'),
	('perennial_operator', 'DELETE FROM perennial.pruning', '42501', 'and deletes none')
) AS t (role, statement, error, title);
SELECT results_eq(
	'SELECT pruned_at, actor COLLATE "C", finished_before FROM perennial.pruning ORDER BY finished_before',
	'SELECT now(), session_user::text COLLATE "C", now() - age
	 FROM (VALUES (interval ''1 day''), (''90 minutes'')) AS v (age)',
	'a note says when, who and what');

SELECT * FROM finish();
ROLLBACK;
