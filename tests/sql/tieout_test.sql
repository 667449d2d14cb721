-- tieout_test: the reports tie out in a sound world, and whatever is tampered with in it makes them fail, by name.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
-- To compile a report takes longer than to read it.
SET LOCAL jit = off;
SELECT plan(146);

INSERT INTO perennial.time_zone (name) VALUES ('UTC'), ('America/New_York') ON CONFLICT DO NOTHING;
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'One'), (2, 'two', 'Two');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
VALUES (1, 1, 'EUR', 1000, 1), (2, 2, 'EUR', 9000, 12), (3, 1, 'JPY', 500, 1), (4, 2, 'EUR', 700, 1);
SELECT perennial.put_account(1, 'online', 'Ada', 'ada@example.com', NULL, 'en'),
       perennial.put_account(2, 'online', 'Bob', 'bob@example.com', NULL, 'en') \gset

\ir business.inc

-- A year's first months.

CREATE FUNCTION live() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM begin_with('plain', 1, 'subscribe(1, 1, 2, ''America/New_York'', ''2025-01-31 05:00Z'')');
	PERFORM begin_with('yen', 2, 'start_trial(2, 3, 4, 7, ''UTC'', true, ''2025-03-01Z'')');
	PERFORM begin_with('tried', 2, 'start_trial(2, 1, 1, 7, ''UTC'', false, ''2025-02-20Z'')');
	PERFORM begin_with('ended', 2, 'subscribe(2, 1, 1, ''UTC'', ''2025-02-01Z'')');
	PERFORM call('ended', 'cancel', '''2025-02-05Z''');
	PERFORM begin_with('moved', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-02-10Z'')');
	PERFORM call('moved', 'cancel', '''2025-02-11Z''');
	PERFORM call('moved', 'withdraw_cancellation', '''2025-02-12Z''');
	PERFORM call('moved', 'schedule_change', '2, 3, ''2025-02-13Z''');
	PERFORM begin_with('back', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-01-05Z'')');
	PERFORM call('back', 'cancel', '''2025-01-06Z''');
	PERFORM begin_with('held', 2, 'subscribe(2, 1, 1, ''UTC'', ''2025-02-14Z'')');
	-- Inserted by hand.
	INSERT INTO sub VALUES ('bare', 1, 901);
	INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed,
		period_start, period_end)
	VALUES (1, 901, 1, 1, 'active', '2025-02-20', 12, '2025-02-20Z', '2026-02-20Z');
	INSERT INTO sub VALUES ('imported', 1, 950);
	INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, status, anchor, period_start,
		period_end, billed_amount)
	VALUES (950, 1, 1, 'active', '2025-01-15', '2025-01-15Z', '2025-02-14Z', 900);
	PERFORM perennial.import_subscriptions('2025-02-01Z');

	PERFORM hour_passes();
	INSERT INTO perennial.run (run_id, as_of) VALUES (1, '2025-03-15Z');
	PERFORM batch(1, 'plain renewed, yen converted, moved renewed, tried trial_expired');
	PERFORM batch(1, 'ended expired, back expired, held held, imported renewed, imported renewed');
	PERFORM finish_run(1, 'held');
	PERFORM hour_passes();

	PERFORM call('back', 'reactivate', '1, ''2025-03-20Z''');
	PERFORM begin_with('trial', 2, 'start_trial(2, 4, 1, 30, ''UTC'', true, ''2025-03-25Z'')');
	PERFORM call('trial', 'schedule_change', 'NULL, 2, ''2025-03-26Z''');

	PERFORM hour_passes();
	INSERT INTO perennial.run (run_id, as_of) VALUES (2, '2025-04-01Z');
	PERFORM batch(2, 'plain renewed');
	PERFORM finish_run(2, 'done');
END
$$;

-- What does not tie out, in order.
CREATE FUNCTION failing() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', t."check", t.currency), ', ' ORDER BY t.nth)
	FROM perennial.report_tieout('2025-02-01', '2025-04-01') WITH ORDINALITY
	     AS t ("check", currency, "left", "right", difference, result, nth)
	WHERE t.result <> 'PASS'
$$;

SELECT is(failing(), NULL, 'all ties out where there is nothing');
SELECT live() \gset
SELECT is(failing(), NULL, 'all ties out in a sound world');
SELECT results_eq(
	'SELECT "check", string_agg(currency, '' '' ORDER BY currency)
	 FROM perennial.report_tieout(''2025-02-01'', ''2025-04-01'') WHERE "check" !~ ''-'' GROUP BY 1 ORDER BY 1',
	$$ SELECT name, CASE name WHEN 'overdue' THEN 'EUR' ELSE 'EUR JPY' END FROM unnest(ARRAY[
		'billed deferred', 'billed detail', 'billed kinds', 'deferred closing', 'deferred opening', 'journal balance',
		'journal deferred', 'mrr closing', 'mrr opening', 'mrr plans', 'overdue', 'runs amount', 'runs outcomes', 'schedule amount',
		'schedules', 'subscriptions closing', 'subscriptions movements', 'subscriptions opening', 'subscriptions plans',
		'waterfall recognised', 'waterfall remaining'])
	   AS name $$, 'each report is held against another, in each currency');
SELECT is_empty('SELECT * FROM perennial.report_tieout(''2025-02-01'', ''2025-04-01'')
                 WHERE "left" <> "right" OR difference <> 0 OR result <> ''PASS''', 'and both sides are the same');
SELECT set_eq(
	'SELECT "check" FROM perennial.report_tieout(''2025-02-01'', ''2025-04-01'')
	 WHERE "check" ~ ''-'' AND currency IS NULL',
	$$ SELECT DISTINCT (regexp_matches(pg_get_viewdef('perennial.unsound'::regclass),
	                                  '''([a-z]+(-[a-z]+)+)''::text', 'g'))[1] $$,
	'and every invariant of unsound is there');
SELECT is(count(*), 21::bigint, 'once each') FROM perennial.report_tieout('2025-02-01', '2025-04-01')
WHERE "check" ~ '-';

-- Tampered with.  @ stands for the one subscription; what was done is taken back.
CREATE FUNCTION tampered(name_ text, statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	s perennial.subscription := row_of(name_);
BEGIN
	EXECUTE replace(statements, '@', format('bucket = %s AND subscription_id = %s', s.bucket, s.subscription_id));
	result := failing();
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN result;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

SELECT is(tampered(name, statements), checks, title) FROM (VALUES
	-- Amounts and currencies.
	('plain', 'the amount of an outcome', 'runs amount EUR, amount-differs, history-broken, total-differs',
	 $$ UPDATE perennial.outcome SET amount = amount + 1 WHERE @ AND run_id = 2 $$),
	('plain', 'the amount of an outcome, and the total of its batch', 'amount-differs, history-broken',
	 $$ UPDATE perennial.outcome SET amount = amount + 1 WHERE @ AND run_id = 2;
	    UPDATE perennial.batch_total SET amount = amount + 1 WHERE run_id = 2 $$),
	('plain', 'the amount of an outcome with its unit amount', 'runs amount EUR, price-differs, total-differs',
	 $$ UPDATE perennial.outcome SET unit_amount = 1001, amount = 2002 WHERE @ AND run_id = 2 $$),
	('plain', 'the amount of an outcome with its unit amount, and the total', 'price-differs',
	 $$ UPDATE perennial.outcome SET unit_amount = 1001, amount = 2002 WHERE @ AND run_id = 2;
	    UPDATE perennial.batch_total SET amount = 2002 WHERE run_id = 2 $$),
	('plain', 'the amount of an outcome with its quantity, and the total', 'mrr closing EUR, mrr plans EUR, history-broken',
	 $$ UPDATE perennial.outcome SET quantity = 3, amount = 3000 WHERE @ AND run_id = 2;
	    UPDATE perennial.batch_total SET amount = 3000 WHERE run_id = 2 $$),
	('plain', 'two amounts that make each other up', 'amount-differs, history-broken, total-differs',
	 $$ UPDATE perennial.outcome SET amount = amount + 1 WHERE @ AND run_id = 2;
	    UPDATE perennial.outcome SET amount = amount - 1 WHERE @ AND run_id = 1 $$),
	('plain', 'the amount of an event', 'amount-differs, history-broken',
	 $$ UPDATE perennial.event SET amount = amount + 1 WHERE @ AND revision = 1 $$),
	('moved', 'the amount of an event with its unit amount', 'price-differs',
	 $$ UPDATE perennial.event SET unit_amount = 1001, amount = 1001 WHERE @ AND revision = 1 $$),
	('back', 'the amount of a reactivation', 'amount-differs, history-broken',
	 $$ UPDATE perennial.event SET amount = amount - 1 WHERE @ AND kind = 'reactivated' $$),
	('moved', 'an amount that is gone from an event', 'history-broken',
	 $$ UPDATE perennial.event SET unit_amount = NULL, amount = NULL, currency = NULL WHERE @ AND revision = 1 $$),
	('moved', 'an amount that was given to a cancellation',
	 'billed kinds EUR, deferred closing EUR, schedule amount EUR, waterfall remaining EUR, journal deferred EUR, '
	 'billed-overlap, history-broken',
	 $$ UPDATE perennial.event SET unit_amount = 1000, amount = 1000, currency = 'EUR'
	    WHERE @ AND kind = 'cancelled' $$),
	('plain', 'the currency of an outcome',
	 'runs outcomes EUR, runs outcomes JPY, runs amount EUR, runs amount JPY, price-differs, total-differs',
	 $$ UPDATE perennial.outcome SET currency = 'JPY' WHERE @ AND run_id = 2 $$),
	('plain', 'the currency of an outcome, and of its batch''s total', 'price-differs',
	 $$ UPDATE perennial.outcome SET currency = 'JPY' WHERE @ AND run_id = 2;
	    UPDATE perennial.batch_total SET currency = 'JPY' WHERE run_id = 2 $$),
	('moved', 'the currency of an event', 'price-differs',
	 $$ UPDATE perennial.event SET currency = 'JPY' WHERE @ AND revision = 1 $$),
	('imported', 'the currency of an import', 'price-differs',
	 $$ UPDATE perennial.event SET currency = 'JPY' WHERE @ AND revision = 1 $$),
	('plain', 'the currency of an outcome, which is none',
	 'runs outcomes ABC, runs outcomes EUR, runs amount ABC, runs amount EUR, price-differs, total-differs',
	 $$ UPDATE perennial.outcome SET currency = 'ABC' WHERE @ AND run_id = 2 $$),

	-- The catalogue.
	('plain', 'a unit amount in the catalogue', 'price-differs',
	 $$ UPDATE perennial.price SET unit_amount = 999 WHERE price_id = 1 $$),
	('yen', 'a currency in the catalogue', 'price-differs',
	 $$ UPDATE perennial.price SET currency = 'EUR' WHERE price_id = 3 $$),
	('plain', 'a price that is gone', 'mrr closing EUR, mrr plans EUR, price-differs',
	 $$ SET LOCAL session_replication_role = replica; DELETE FROM perennial.price WHERE price_id = 1 $$),

	-- Entries that are missing, or were invented.
	('plain', 'an outcome that is gone, the last',
	 'runs outcomes EUR, runs amount EUR, claimed-differs, history-broken, job-unfounded, total-differs',
	 $$ DELETE FROM perennial.outcome WHERE @ AND run_id = 2 $$),
	('plain', 'an outcome that is gone, with its job',
	 'runs outcomes EUR, runs amount EUR, billed-gap, claimed-differs, history-broken, job-missing, total-differs',
	 $$ DELETE FROM perennial.outcome WHERE @ AND run_id = 1;
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-02-28 05:00Z' $$),
	('ended', 'an expiry that is gone, with its job',
	 'runs outcomes EUR, claimed-differs, history-broken, total-differs',
	 $$ DELETE FROM perennial.outcome WHERE @; DELETE FROM perennial.notification_job WHERE @ AND kind = 'expired' $$),
	('plain', 'a first event that is gone', 'history-broken, job-unfounded',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 1 $$),
	('yen', 'a first event that is gone, with its job', 'history-broken',
	 $$ DELETE FROM perennial.event WHERE @; DELETE FROM perennial.notification_job WHERE @ AND event_id > 0 $$),
	('imported', 'an import that is gone', 'history-broken',
	 $$ DELETE FROM perennial.event WHERE @ $$),
	('moved', 'an event that is gone from the middle', 'history-broken, job-unfounded',
	 $$ DELETE FROM perennial.event WHERE @ AND kind = 'withdrawn' $$),
	('moved', 'a scheduled change that is gone from the middle', 'subscriptions plans EUR, mrr closing EUR, mrr plans EUR, history-broken',
	 $$ DELETE FROM perennial.event WHERE @ AND kind = 'change_scheduled' $$),
	('back', 'a last event that is gone', 'history-broken, job-unfounded',
	 $$ DELETE FROM perennial.event WHERE @ AND kind = 'reactivated' $$),
	('trial', 'a last event that is gone, of which nobody heard', 'history-broken',
	 $$ DELETE FROM perennial.event WHERE @ AND kind = 'change_scheduled' $$),
	('held', 'a hold whose event is gone', 'claimed-differs, held-differs, history-broken',
	 $$ DELETE FROM perennial.event WHERE @ AND kind = 'held' $$),
	('yen', 'a history that is gone',
	 'runs outcomes JPY, runs amount JPY, claimed-differs, history-broken, total-differs',
	 $$ DELETE FROM perennial.event WHERE @; DELETE FROM perennial.outcome WHERE @;
	    DELETE FROM perennial.notification_job WHERE @ $$),
	('yen', 'a subscription that is gone', 'history-broken',
	 $$ DELETE FROM perennial.subscription WHERE @ $$),
	('yen', 'a subscription that is gone with all that is known of it',
	 'runs outcomes JPY, runs amount JPY, claimed-differs, total-differs',
	 $$ DELETE FROM perennial.event WHERE @; DELETE FROM perennial.outcome WHERE @;
	    DELETE FROM perennial.notification_job WHERE @; DELETE FROM perennial.subscription WHERE @ $$),
	('plain', 'an event that was invented', 'history-broken, job-missing',
	 $$ INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status,
	    to_status, period_start, period_end, price_id, quantity)
	    SELECT bucket, subscription_id, account_id, revision + 1, 'cancelled', '2025-03-31 05:00Z', 'x', status,
	    'pending_cancellation', period_start, period_end, price_id, quantity FROM perennial.subscription WHERE @ $$),
	('plain', 'an outcome that was invented',
	 'runs outcomes EUR, history-broken, job-missing, not-due-touched, total-differs',
	 $$ INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
	    to_status, period_start, period_end, price_id, quantity, unit_amount, amount, currency)
	    SELECT bucket, 2, subscription_id, account_id, revision + 1, 'expired', 'x', 'pending_cancellation', 'expired',
	    period_start, period_end, price_id, quantity, 1000, 0, 'EUR' FROM perennial.subscription WHERE @ $$),
	('plain', 'a period that was closed twice, without the key',
	 'runs outcomes EUR, runs amount EUR, schedules EUR, '
	 'billed-overlap, history-broken, outcome-doubled, total-differs',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT outcome_pkey;
	    INSERT INTO perennial.outcome SELECT * FROM perennial.outcome WHERE @ AND run_id = 2 $$),

	-- Jobs.
	('plain', 'the job of an outcome that is gone', 'job-missing',
	 $$ DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('back', 'the job of an event that is gone', 'job-missing',
	 $$ DELETE FROM perennial.notification_job WHERE @ AND kind = 'reactivated' $$),
	('plain', 'a second job, without the key', 'job-doubled',
	 $$ ALTER TABLE perennial.notification_job
	    DROP CONSTRAINT notification_job_bucket_subscription_id_kind_boundary_event_key;
	    INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
	    SELECT bucket, subscription_id, account_id, kind, boundary FROM perennial.notification_job
	    WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a job of another account', 'job-astray',
	 $$ UPDATE perennial.notification_job SET account_id = 256 WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a job of another kind', 'job-missing, job-unfounded',
	 $$ UPDATE perennial.notification_job SET kind = 'expired' WHERE @ AND boundary = '2025-03-31 04:00Z' $$),

	-- Ends that were moved.
	('plain', 'the end of the period that an outcome closed',
	 'billed-gap, history-broken, job-missing, job-unfounded, not-due-touched',
	 $$ UPDATE perennial.outcome
	    SET period_end = period_end + interval '1 day', next_period_start = next_period_start + interval '1 day'
	    WHERE @ AND run_id = 2 $$),
	('ended', 'the end of the period that an expiry closed',
	 'history-broken, job-missing, job-unfounded, not-due-touched',
	 $$ UPDATE perennial.outcome SET period_end = '2025-04-01Z' WHERE @ $$),
	('plain', 'the start of the period that an outcome closed', 'history-broken',
	 $$ UPDATE perennial.outcome SET period_start = period_start + interval '1 day' WHERE @ AND run_id = 2 $$),
	('plain', 'the start of the period that an outcome closed, into the one before it',
	 'history-broken, outcome-overlap',
	 $$ UPDATE perennial.outcome SET period_start = period_start - interval '1 second' WHERE @ AND run_id = 2 $$),
	('plain', 'the end of a first period', 'billed-overlap, history-broken, job-missing, job-unfounded',
	 $$ UPDATE perennial.event SET period_end = period_end + interval '1 day' WHERE @ AND revision = 1 $$),
	('moved', 'the end of the period in an event', 'history-broken, job-missing, job-unfounded',
	 $$ UPDATE perennial.event SET period_end = period_end + interval '1 day' WHERE @ AND kind = 'withdrawn' $$),
	('back', 'the end of a period that a reactivation opened', 'history-broken, job-missing, job-unfounded',
	 $$ UPDATE perennial.event SET period_end = period_end + interval '1 day' WHERE @ AND kind = 'reactivated' $$),
	('plain', 'the end of the period of a subscription', 'boundary-differs, history-broken',
	 $$ UPDATE perennial.subscription SET period_end = period_end + interval '1 day' WHERE @ $$),
	('plain', 'the end of the service of a last outcome', 'history-broken',
	 $$ UPDATE perennial.outcome SET next_period_end = next_period_end + interval '1 day' WHERE @ AND run_id = 2 $$),
	('plain', 'the end of the service of an earlier outcome, later', 'billed-overlap, history-broken',
	 $$ UPDATE perennial.outcome SET next_period_end = next_period_end + interval '1 day' WHERE @ AND run_id = 1 $$),
	('plain', 'the end of the service of an earlier outcome, earlier', 'billed-gap, history-broken',
	 $$ UPDATE perennial.outcome SET next_period_end = next_period_end - interval '1 day' WHERE @ AND run_id = 1 $$),
	('plain', 'the end of the service of a last outcome, and of the subscription', 'boundary-differs',
	 $$ UPDATE perennial.outcome SET next_period_end = next_period_end + interval '1 day' WHERE @ AND run_id = 2;
	    UPDATE perennial.subscription SET period_end = period_end + interval '1 day' WHERE @ $$),
	('back', 'the start of a period that a reactivation opened', 'history-broken, start-differs',
	 $$ UPDATE perennial.event SET period_start = period_start + interval '1 day' WHERE @ AND kind = 'reactivated' $$),
	('back', 'the date of a reactivation, earlier', 'start-differs',
	 $$ UPDATE perennial.event SET at = '2025-02-20Z' WHERE @ AND kind = 'reactivated' $$),
	('back', 'the start of a period that a reactivation opened, also in the subscription', 'start-differs',
	 $$ UPDATE perennial.event SET period_start = period_start + interval '1 day' WHERE @ AND kind = 'reactivated';
	    UPDATE perennial.subscription SET period_start = period_start + interval '1 day' WHERE @ $$),

	-- What the table says, behind the history.
	('plain', 'a status: cancelled', 'history-broken',
	 $$ UPDATE perennial.subscription SET status = 'pending_cancellation' WHERE @ $$),
	('plain', 'a status: expired', 'history-broken',
	 $$ UPDATE perennial.subscription SET status = 'expired' WHERE @ $$),
	('ended', 'a status: active again', 'due-left, history-broken',
	 $$ UPDATE perennial.subscription SET status = 'active', ended_at = NULL, end_reason = NULL WHERE @ $$),
	('trial', 'a status: a trial that is active', 'history-broken',
	 $$ UPDATE perennial.subscription SET status = 'active' WHERE @ $$),
	('plain', 'a price', 'history-broken',
	 $$ UPDATE perennial.subscription SET price_id = 4 WHERE @ $$),
	('plain', 'a quantity', 'history-broken',
	 $$ UPDATE perennial.subscription SET quantity = 3 WHERE @ $$),
	('plain', 'a scheduled price', 'history-broken',
	 $$ UPDATE perennial.subscription SET next_price_id = 4 WHERE @ $$),
	('trial', 'a scheduled quantity', 'history-broken',
	 $$ UPDATE perennial.subscription SET next_quantity = 3 WHERE @ $$),
	('plain', 'a hold', 'history-broken',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator', held_at = now() WHERE @ $$),
	('held', 'a hold that is gone', 'due-left, history-broken',
	 $$ UPDATE perennial.subscription SET hold_reason = NULL, held_at = NULL WHERE @ $$),
	('held', 'the reason of a hold', 'history-broken',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('held', 'a run that renewed what was on hold', 'held-touched',
	 $$ SELECT batch(2, 'held renewed') $$),
	('plain', 'an anchor', 'boundary-differs',
	 $$ UPDATE perennial.subscription SET anchor = '2025-01-29' WHERE @ $$),
	('plain', 'a revision', 'history-broken',
	 $$ UPDATE perennial.subscription SET revision = revision + 1 WHERE @ $$),

	-- Batches.
	('plain', 'a batch that is gone, whose outcomes are there',
	 'runs outcomes EUR, runs amount EUR, claimed-differs, total-differs',
	 $$ DELETE FROM perennial.batch_total WHERE run_id = 2; DELETE FROM perennial.batch WHERE run_id = 2 $$),
	('plain', 'a batch whose outcomes and jobs are gone',
	 'runs outcomes EUR, runs amount EUR, claimed-differs, history-broken, total-differs',
	 $$ DELETE FROM perennial.outcome WHERE run_id = 2;
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z' $$),
	('plain', 'a batch that is gone with all it wrote', 'history-broken',
	 $$ DELETE FROM perennial.outcome WHERE run_id = 2;
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z';
	    DELETE FROM perennial.batch_total WHERE run_id = 2; DELETE FROM perennial.batch WHERE run_id = 2 $$),
	('plain', 'a batch that was undone, of a run that left nothing', 'due-left',
	 $$ DELETE FROM perennial.outcome WHERE run_id = 2;
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z';
	    DELETE FROM perennial.batch_total WHERE run_id = 2; DELETE FROM perennial.batch WHERE run_id = 2;
	    UPDATE perennial.subscription SET period_start = '2025-02-28 05:00Z', period_end = '2025-03-31 04:00Z',
	    months_elapsed = 2, revision = 2 WHERE @ $$),
	('plain', 'the amount of a total', 'runs amount EUR, total-differs',
	 $$ UPDATE perennial.batch_total SET amount = amount + 1 WHERE run_id = 2 $$),
	('plain', 'the number in a total', 'runs outcomes EUR, total-differs',
	 $$ UPDATE perennial.batch_total SET subscriptions = subscriptions + 1 WHERE run_id = 2 $$),
	('plain', 'the currency of a total',
	 'runs outcomes EUR, runs outcomes JPY, runs amount EUR, runs amount JPY, total-differs',
	 $$ UPDATE perennial.batch_total SET currency = 'JPY' WHERE run_id = 2 $$),
	('plain', 'the kind of a total', 'total-differs',
	 $$ UPDATE perennial.batch_total SET kind = 'converted' WHERE run_id = 2 $$),
	('plain', 'the number of claimed', 'claimed-differs',
	 $$ UPDATE perennial.batch SET claimed = claimed + 1 WHERE run_id = 2 $$),
	('held', 'the number of held', 'held-differs',
	 $$ UPDATE perennial.batch SET held = 0 WHERE held > 0 $$),
	('plain', 'the number of continued', 'continued-differs',
	 $$ UPDATE perennial.batch SET continued = 1 WHERE run_id = 2 $$),
	('plain', 'a run that is gone', 'run-unknown',
	 $$ DELETE FROM perennial.run WHERE run_id = 2 $$),
	('plain', 'the instant as of which a run was, before the boundary', 'not-due-touched',
	 $$ UPDATE perennial.run SET as_of = '2025-03-31 03:59Z' WHERE run_id = 2 $$),

	-- Outcomes.
	('moved', 'an outcome that moved to another run', 'claimed-differs, total-differs',
	 $$ UPDATE perennial.outcome SET run_id = 2 WHERE @ $$),
	('plain', 'the kind of a renewal', 'subscriptions movements EUR, history-broken, job-missing, job-unfounded, total-differs',
	 $$ UPDATE perennial.outcome SET kind = 'converted' WHERE @ AND run_id = 2 $$),
	('tried', 'the kind of an expiry', 'history-broken, job-missing, job-unfounded, total-differs',
	 $$ UPDATE perennial.outcome SET kind = 'expired' WHERE @ $$),
	('tried', 'the kind of an expiry, with its job and total', 'history-broken',
	 $$ UPDATE perennial.outcome SET kind = 'expired' WHERE @;
	    UPDATE perennial.notification_job SET kind = 'expired' WHERE @ AND kind = 'trial_expired';
	    UPDATE perennial.batch_total SET kind = 'expired' WHERE kind = 'trial_expired' $$),
	('plain', 'the price of an outcome', 'subscriptions plans EUR, mrr closing EUR, mrr plans EUR, history-broken, price-differs',
	 $$ UPDATE perennial.outcome SET price_id = 4 WHERE @ AND run_id = 2 $$),
	('plain', 'the quantity of an outcome', 'mrr closing EUR, mrr plans EUR, amount-differs, history-broken',
	 $$ UPDATE perennial.outcome SET quantity = 3 WHERE @ AND run_id = 2 $$),
	('plain', 'the account of an outcome', 'history-broken, job-astray',
	 $$ UPDATE perennial.outcome SET account_id = 256 WHERE @ AND run_id = 2 $$),
	('plain', 'the revision of an outcome', 'history-broken',
	 $$ UPDATE perennial.outcome SET revision = 9 WHERE @ AND run_id = 2 $$),
	('yen', 'the price of a trial', 'history-broken',
	 $$ UPDATE perennial.event SET price_id = 1 WHERE @ $$),
	('plain', 'a first period that was imported', 'job-unfounded',
	 $$ UPDATE perennial.event SET kind = 'imported' WHERE @ AND revision = 1 $$),
	('moved', 'all of a run that is another run''s', 'claimed-differs',
	 $$ UPDATE perennial.outcome SET run_id = 2; UPDATE perennial.event SET run_id = 2 WHERE run_id = 1;
	    UPDATE perennial.batch SET run_id = 2; UPDATE perennial.batch_total SET run_id = 2 $$),
	('plain', 'the date of a first period, later',
	 'deferred closing EUR, schedule amount EUR, waterfall remaining EUR, journal deferred EUR, start-differs',
	 $$ UPDATE perennial.event SET at = '2025-02-02Z' WHERE @ AND revision = 1 $$)
) AS t (name, title, checks, statements);

-- What nothing finds, and why.
SELECT is(tampered(name, statements), NULL, format('nothing finds %s: %s', title, reason)) FROM (VALUES
	('trial', 'a unit amount that nobody was billed yet', 'no entry says what the price was',
	 $$ UPDATE perennial.price SET unit_amount = 701 WHERE price_id = 4 $$),
	('plain', 'an interval in the catalogue', 'no entry says for how many months it pays',
	 $$ UPDATE perennial.price SET interval_months = 3 WHERE price_id = 1 $$),
	('plain', 'the plan of a price in the catalogue', 'no entry says what it was a price of',
	 $$ UPDATE perennial.price SET plan_id = 2 WHERE price_id = 1 $$),
	('plain', 'when an outcome was decided', 'no check holds it against its batch',
	 $$ UPDATE perennial.outcome SET decided_at = decided_at + interval '1 day' WHERE @ AND run_id = 2 $$),
	('plain', 'when an outcome was decided: before its run', 'no check holds it against the run',
	 $$ UPDATE perennial.outcome SET decided_at = decided_at - interval '1 day' WHERE @ AND run_id = 2 $$),
	('plain', 'the rule of an outcome', 'the words are free',
	 $$ UPDATE perennial.outcome SET rule = 'x' WHERE @ AND run_id = 2 $$),
	('ended', 'the date of a cancellation', 'entries are in order of revision',
	 $$ UPDATE perennial.event SET at = '2025-01-02Z' WHERE @ AND kind = 'cancelled' $$),
	('imported', 'an amount that was billed elsewhere', 'the former books are not here',
	 $$ UPDATE perennial.event SET amount = amount + 1 WHERE @ AND kind = 'imported' $$),
	('plain', 'a first period that was imported, once its job was pruned', 'an import needs nothing before it',
	 $$ UPDATE perennial.event SET kind = 'imported' WHERE @ AND revision = 1;
	    INSERT INTO perennial.pruning (finished_before) VALUES (now());
	    DELETE FROM perennial.notification_job WHERE @ AND kind = 'subscribed' $$),
	('bare', 'one without history', 'there is nothing to compare it with',
	 $$ UPDATE perennial.subscription SET price_id = 4, quantity = 7, period_end = '2026-03-01Z' WHERE @ $$),
	('bare', 'one without history that is gone', 'there is no trace of it',
	 $$ DELETE FROM perennial.subscription WHERE @ $$),
	('trial', 'one that no run has touched, gone with all that is known of it', 'there is no trace of it',
	 $$ DELETE FROM perennial.event WHERE @; DELETE FROM perennial.notification_job WHERE @;
	    DELETE FROM perennial.subscription WHERE @ $$),
	('trial', 'billing information', 'events do not say when it was given',
	 $$ UPDATE perennial.subscription SET billing_info_at = NULL WHERE @ $$),
	('ended', 'what the subscription says of its end', 'reports take it from the history',
	 $$ UPDATE perennial.subscription SET ended_at = '2025-03-02Z', end_reason = 'trial_ended' WHERE @ $$),
	('plain', 'a batch that was undone, with its run', 'it is as if it had not been, and the next run does it',
	 $$ DELETE FROM perennial.outcome WHERE run_id = 2;
	    DELETE FROM perennial.notification_job WHERE @ AND boundary = '2025-03-31 04:00Z';
	    DELETE FROM perennial.batch_total WHERE run_id = 2; DELETE FROM perennial.batch WHERE run_id = 2;
	    DELETE FROM perennial.run WHERE run_id = 2;
	    UPDATE perennial.subscription SET period_start = '2025-02-28 05:00Z', period_end = '2025-03-31 04:00Z',
	    months_elapsed = 2, revision = 2 WHERE @ $$)
) AS t (name, title, reason, statements);

-- Reports that are wrong.  A column is replaced by an expression, where the condition holds, or rows are left out.
CREATE FUNCTION skewed(report text, "column" text, expression text, kept text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	f pg_proc;
	arguments text;
	columns text;
BEGIN
	SELECT * INTO f FROM pg_proc WHERE proname = report AND pronamespace = 'perennial'::regnamespace;
	SELECT string_agg('$' || n, ', ' ORDER BY n) INTO arguments FROM generate_series(1, f.pronargs) AS n;
	SELECT string_agg(CASE name WHEN "column" THEN expression ELSE quote_ident(name) END, ', ' ORDER BY nth)
	INTO columns
	FROM unnest(f.proargnames, f.proargmodes) WITH ORDINALITY AS p (name, mode, nth) WHERE mode = 't';
	EXECUTE regexp_replace(pg_get_functiondef(f.oid), '\m' || report || '\M', 'right_report', 'g');
	EXECUTE format('CREATE OR REPLACE FUNCTION perennial.%I(%s) RETURNS %s LANGUAGE sql STABLE AS %L', report,
	               pg_get_function_arguments(f.oid), pg_get_function_result(f.oid),
	               format('SELECT %s FROM perennial.right_report(%s) WHERE %s', columns, arguments, kept));
	result := failing();
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN result;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

SELECT is(skewed('report_' || report, "column", expression, kept), checks,
          format('report_%s is wrong: %s', report, title))
FROM (VALUES
	('nothing', 'billed', 'amount', 'amount', 'true', NULL),
	('an amount', 'billed', 'amount_minor', 'amount_minor + 1', 'true',
	 'billed detail EUR, billed detail JPY, billed kinds EUR, billed kinds JPY, billed deferred EUR, '
	 'billed deferred JPY'),
	('a currency is left out', 'billed', '', '', 'currency <> ''JPY''', 'billed detail JPY, billed deferred JPY'),
	('an amount', 'billed_detail', 'amount_minor', 'amount_minor + 1', 'true',
	 'billed detail EUR, billed detail JPY'),
	('a kind is left out', 'billed_detail', '', '', 'kind <> ''reactivated''', 'billed detail EUR'),
	('the opening', 'subscriptions', 'opening', 'opening + 1', 'true',
	 'subscriptions opening EUR, subscriptions opening JPY, subscriptions plans EUR, subscriptions plans JPY'),
	('the closing', 'subscriptions', 'closing', 'closing - 1', 'true',
	 'subscriptions closing EUR, subscriptions closing JPY, subscriptions plans EUR, subscriptions plans JPY'),
	('trials are left out', 'subscriptions', '', '', 'segment <> ''trial''',
	 'subscriptions closing EUR, subscriptions movements EUR, subscriptions movements JPY, subscriptions plans EUR'),
	('new and reactivated change places', 'subscriptions', 'new', 'reactivated', 'true',
	 'subscriptions movements EUR, subscriptions movements JPY'),
	('the opening', 'mrr', 'opening_minor', 'opening_minor + 1', 'true', 'mrr opening EUR, mrr opening JPY, mrr plans EUR, mrr plans JPY'),
	('the closing', 'mrr', 'closing_minor', 'closing_minor - 1', 'true', 'mrr closing EUR, mrr closing JPY, mrr plans EUR, mrr plans JPY'),
	('the opening', 'deferred', 'opening_minor', 'opening_minor + 1', 'true',
	 'deferred opening EUR, deferred opening JPY'),
	('what is imported', 'deferred', 'imported_minor', 'imported_minor + 1', 'true',
	 'schedule amount EUR, schedule amount JPY'),
	('what is billed', 'deferred', 'billed_minor', 'billed_minor + 1', 'true',
	 'billed deferred EUR, billed deferred JPY, schedule amount EUR, schedule amount JPY'),
	('what is recognised', 'deferred', 'recognised_minor', 'recognised_minor + 1', 'true',
	 'waterfall recognised EUR, waterfall recognised JPY'),
	('the closing', 'deferred', 'closing_minor', 'closing_minor + 1', 'true',
	 'deferred closing EUR, deferred closing JPY, waterfall remaining EUR, waterfall remaining JPY, '
	 'journal deferred EUR, journal deferred JPY'),
	('what is recognised', 'schedule', 'recognised_minor', 'recognised_minor + 1', 'true',
	 'schedules EUR, schedules JPY, schedule amount EUR, schedule amount JPY'),
	('a month is left out', 'schedule', '', '', 'period <> ''2025-03''',
	 'schedules EUR, schedules JPY, schedule amount EUR, schedule amount JPY'),
	('what is recognised', 'waterfall', 'recognised_minor', 'recognised_minor + 1', 'true',
	 'waterfall recognised EUR, waterfall recognised JPY'),
	('what remains', 'waterfall', 'remaining_minor', 'remaining_minor + 1', 'true',
	 'waterfall remaining EUR, waterfall remaining JPY'),
	('a month is left out', 'waterfall', '', '', 'period <> ''2025-03''',
	 'waterfall recognised EUR, waterfall recognised JPY, waterfall remaining EUR, waterfall remaining JPY'),
	('debits', 'journal', 'debit_minor', 'debit_minor + 1', 'true',
	 'journal balance EUR, journal balance JPY, journal deferred EUR, journal deferred JPY'),
	('a side is left out', 'journal', '', '', 'account <> ''r''', 'journal balance EUR, journal balance JPY'),
	('an entry is left out', 'journal', '', '', 'kind <> ''recognised''',
	 'journal deferred EUR, journal deferred JPY'),
	('how many there are', 'overdue', 'subscriptions', 'subscriptions + 1', 'true', 'overdue EUR'),
	('holds are left out', 'overdue', '', '', 'reason = ''not processed''', 'overdue EUR'),
	('what is renewed', 'billed', 'renewed_minor', 'renewed_minor + 1', 'true', 'billed kinds EUR, billed kinds JPY'),
	('the segment', 'subscriptions', 'segment', 'CASE segment WHEN ''paid'' THEN ''trial'' ELSE ''paid'' END',
	 'true', 'subscriptions plans EUR, subscriptions plans JPY'),
	('the plan', 'mrr', 'plan_code', '''one''', 'true', 'mrr plans EUR')
) AS t (title, report, "column", expression, kept, checks);
SELECT is(failing(), NULL, 'all ties out as before');

SELECT * FROM finish();
ROLLBACK;
