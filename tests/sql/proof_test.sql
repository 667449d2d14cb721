-- proof_test: every history tells how its subscription came to be what it is; one that was tampered with shows it.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(209);

INSERT INTO perennial.time_zone (name) VALUES ('UTC'), ('America/New_York') ON CONFLICT DO NOTHING;
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'One');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
VALUES (1, 1, 'EUR', 1000, 1), (2, 1, 'EUR', 9000, 12), (3, 1, 'JPY', 500, 1), (4, 1, 'EUR', 0, 1);
SELECT perennial.put_account(1, 'online', 'Ada', 'ada@example.com', NULL, 'en'),
       perennial.put_account(2, 'online', 'Bob', 'bob@example.com', NULL, 'en'),
       perennial.put_account(256, 'online', 'Cay', 'cay@example.com', NULL, 'en') \gset
SELECT is(perennial.bucket_of(256), perennial.bucket_of(1), 'two of the accounts are in one bucket');

CREATE TABLE sub (name text PRIMARY KEY, account_id bigint, subscription_id bigint);

CREATE FUNCTION row_of(name_ text) RETURNS perennial.subscription LANGUAGE sql AS $$
	SELECT s FROM perennial.subscription s JOIN sub USING (account_id, subscription_id) WHERE name = name_
$$;

-- One step of a run: the outcome and what it makes of the subscription.
CREATE FUNCTION run_step(name text, kind text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	s perennial.subscription := row_of(name);
	opens boolean := kind IN ('renewed', 'converted');
	p perennial.price;
	base timestamp := CASE kind WHEN 'converted' THEN s.period_end AT TIME ZONE s.time_zone ELSE s.anchor END;
	sold int := CASE WHEN opens THEN coalesce(s.next_price_id, s.price_id) ELSE s.price_id END;
	units int := CASE WHEN opens THEN coalesce(s.next_quantity, s.quantity) ELSE s.quantity END;
	months int;
	next_end timestamptz;
BEGIN
	SELECT * INTO p FROM perennial.price WHERE price_id = sold;
	months := CASE kind WHEN 'converted' THEN 0 ELSE s.months_elapsed END + p.interval_months;
	next_end := CASE WHEN opens THEN perennial.boundary(base, s.time_zone, months) END;
	INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
		to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount,
		amount, currency)
	VALUES (s.bucket, 1, s.subscription_id, s.account_id, s.revision + 1, kind, 'rule of ' || kind, s.status,
	        CASE WHEN opens THEN 'active' ELSE 'expired' END::perennial.status, s.period_start, s.period_end,
	        CASE WHEN opens THEN s.period_end END, next_end, sold, units, p.unit_amount,
	        CASE WHEN opens THEN p.unit_amount * units ELSE 0 END, p.currency);
	UPDATE perennial.subscription t
	SET revision = s.revision + 1, status = CASE WHEN opens THEN 'active' ELSE 'expired' END::perennial.status,
	    price_id = sold, quantity = units, next_price_id = CASE WHEN NOT opens THEN s.next_price_id END,
	    next_quantity = CASE WHEN NOT opens THEN s.next_quantity END, anchor = base,
	    months_elapsed = CASE WHEN opens THEN months ELSE s.months_elapsed END,
	    period_start = CASE WHEN opens THEN s.period_end ELSE s.period_start END,
	    period_end = coalesce(next_end, s.period_end),
	    ended_at = CASE WHEN NOT opens THEN s.period_end END, end_reason = CASE WHEN NOT opens THEN kind END
	WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id;
END
$$;

-- A run or an operator holds or releases one.
CREATE FUNCTION hold_step(name text, reason_ text, run bigint DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	s perennial.subscription := row_of(name);
BEGIN
	UPDATE perennial.subscription t
	SET revision = t.revision + 1, hold_reason = reason_, held_at = CASE WHEN reason_ IS NOT NULL THEN now() END
	WHERE t.bucket = s.bucket AND t.subscription_id = s.subscription_id
	RETURNING * INTO s;
	INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status,
		to_status, period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason, run_id)
	VALUES (s.bucket, s.subscription_id, s.account_id, s.revision, CASE WHEN reason_ IS NULL THEN 'released'
		ELSE 'held' END,
	        '2025-12-01Z', 'perennial run', s.status, s.status, s.period_start, s.period_end, s.price_id,
	        s.next_price_id,
	        s.quantity, s.next_quantity, reason_, run);
END
$$;

CREATE FUNCTION import_step(name_ text, account bigint, facts jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, next_price_id, quantity, status,
		anchor, period_start, period_end, billed_amount)
	SELECT r.subscription_id, account, 1, r.next_price_id, 2, r.status, '2025-01-15', '2025-01-15Z', '2025-02-14Z',
	       r.billed_amount
	FROM jsonb_populate_record(NULL::perennial.import_subscription, facts) AS r;
	SELECT perennial.import_subscriptions('2025-02-01Z');
	INSERT INTO sub VALUES (name_, account, (facts ->> 'subscription_id')::bigint);
$$;

CREATE TABLE fault (code text, fault text);
INSERT INTO fault VALUES
	('gap', 'an entry before it is missing, or has the same revision'),
	('possible', 'no entry of this kind leads from this status to that one'),
	('began', 'it begins what had begun before'),
	('from', 'its from_status is not what the entry before it left'),
	('account', 'its account is not that of the entry before it'),
	('closed', 'it closed another period than the one that was running'),
	('moved', 'it moved the period'),
	('price', 'its price is not what the entry before it left'),
	('quantity', 'its quantity is not what the entry before it left'),
	('change', 'its scheduled change is not what the entry before it left'),
	('amount', 'its amount is not quantity times unit_amount'),
	('billed', 'it has an amount, but bills nothing'),
	('gone', 'its subscription is gone'),
	('missing', 'its history is missing'),
	('s.revision', 'the subscription has another revision'),
	('s.account', 'the subscription has another account'),
	('s.status', 'the subscription has another status'),
	('s.period', 'the subscription has another period'),
	('s.sold', 'the subscription has another price or quantity'),
	('s.change', 'the subscription has another change scheduled'),
	('s.hold', 'the subscription is on hold or not, against its history');

-- All that is broken: the revision and what is wrong there; null where every history is sound.  Which subscription
-- it is stands where it is not the one expected.
CREATE FUNCTION broken(expected text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat(CASE WHEN (name = expected AND bucket = perennial.bucket_of(account_id)) IS NOT TRUE
	                              THEN concat(name, ' ', subscription_id, ' ') END, revision, ' ',
	                              coalesce(code, fault)),
	                  ', ' ORDER BY name, subscription_id, revision, fault COLLATE "C")
	FROM perennial.broken_history LEFT JOIN sub USING (subscription_id) LEFT JOIN fault USING (fault)
$$;

-- What is broken after a step, which stays.
CREATE FUNCTION after(step text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || step;
	RETURN broken();
END
$$;

CREATE FUNCTION call(name_ text, function text, arguments text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT format('SELECT perennial.%s(%s, %s, %s)', function, account_id, subscription_id, arguments)
	         FROM sub WHERE name = name_);
END
$$;

CREATE FUNCTION begin_with(name text, account bigint, call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
BEGIN
	EXECUTE 'SELECT perennial.' || call INTO id;
	INSERT INTO sub VALUES (name, account, id);
END
$$;

-- Sound histories

SELECT is(broken(), NULL, 'where there is no history, none is broken');
-- As they were inserted by hand, without an event: at revision 0.
INSERT INTO sub VALUES ('bare', 1, 900), ('old', 2, 901), ('older', 2, 902), ('waiting', 1, 903), ('lapsed', 2, 904),
	('tried', 1, 905), ('kept', 2, 906), ('leaving', 1, 907);
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, next_price_id, status, anchor,
	months_elapsed, period_start, period_end, trial_end)
SELECT perennial.bucket_of(account_id), subscription_id, account_id, 1, CASE WHEN name IN ('kept', 'leaving') THEN 2 END,
       CASE name WHEN 'lapsed' THEN 'pending_cancellation' WHEN 'tried' THEN 'trialing' WHEN 'kept' THEN 'trialing'
                 ELSE 'active' END::perennial.status,
       '2025-01-01', 1, '2025-01-01Z', '2025-02-01Z', '2025-02-01Z'
FROM sub;
SELECT is(broken(), NULL, 'a subscription at revision 0, without history, has nothing to prove');

SELECT is(after(step), NULL, format('the history is sound after %s', btrim(step))) FROM (VALUES
	($$ begin_with('changed', 1, 'subscribe(1, 1, 2, ''America/New_York'', ''2025-01-31 05:00Z'')') $$),
	($$ call('changed', 'schedule_change', '2, 3, ''2025-02-01Z''') $$),
	($$ run_step('changed', 'renewed') $$),
	($$ call('changed', 'cancel', '''2025-03-01Z''') $$),
	($$ call('changed', 'withdraw_cancellation', '''2025-03-02Z''') $$),
	($$ run_step('changed', 'renewed') $$),
	($$ call('changed', 'schedule_change', '1, NULL, ''2026-05-02Z''') $$),
	($$ call('changed', 'schedule_change', 'NULL, 5, ''2026-05-03Z''') $$),
	($$ begin_with('trial', 2, 'start_trial(2, 1, 1, 14, ''UTC'', false, ''2025-01-01Z'')') $$),
	($$ call('trial', 'set_billing_info', '''2025-01-02Z''') $$),
	($$ call('trial', 'clear_billing_info', '''2025-01-03Z''') $$),
	($$ call('trial', 'cancel', '''2025-01-04Z''') $$),
	($$ call('trial', 'withdraw_cancellation', '''2025-01-05Z''') $$),
	($$ run_step('trial', 'trial_expired') $$),
	($$ call('trial', 'reactivate', '2, ''2025-02-20Z''') $$),
	($$ begin_with('paying', 1, 'start_trial(1, 3, 4, 7, ''America/New_York'', true, ''2025-03-05Z'')') $$),
	($$ call('paying', 'schedule_change', 'NULL, 6, ''2025-03-06Z''') $$),
	($$ run_step('paying', 'converted') $$),
	($$ run_step('paying', 'renewed') $$),
	($$ run_step('paying', 'renewed') $$),
	($$ begin_with('ended', 2, 'subscribe(2, 1, 1, ''UTC'', ''2025-05-31Z'')') $$),
	($$ call('ended', 'schedule_change', '2, 7, ''2025-06-01Z''') $$),
	($$ call('ended', 'cancel', '''2025-06-02Z''') $$),
	($$ run_step('ended', 'expired') $$),
	($$ begin_with('back', 2, 'subscribe(2, 1, 3, ''UTC'', ''2025-05-31Z'')') $$),
	($$ call('back', 'schedule_change', '2, 7, ''2025-06-01Z''') $$),
	($$ call('back', 'cancel', '''2025-06-02Z''') $$),
	($$ run_step('back', 'expired') $$),
	($$ call('back', 'reactivate', '4, ''2025-09-02Z''') $$),
	($$ run_step('back', 'renewed') $$),
	($$ begin_with('held', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-05-31Z'')') $$),
	($$ call('held', 'schedule_change', '2, 7, ''2025-06-01Z''') $$),
	($$ hold_step('held', 'operator', 3) $$),
	($$ hold_step('held', NULL) $$),
	($$ run_step('held', 'renewed') $$),
	($$ hold_step('held', 'catch_up_limit') $$),
	($$ begin_with('released', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-05-31Z'')') $$),
	($$ hold_step('released', 'operator') $$),
	($$ hold_step('released', NULL) $$),
	($$ import_step('imported', 1, '{"subscription_id": 950, "status": "active", "billed_amount": 1900}') $$),
	($$ run_step('imported', 'renewed') $$),
	($$ import_step('brought', 2, '{"subscription_id": 951, "status": "expired", "next_price_id": 2}') $$),
	($$ call('brought', 'reactivate', '1, ''2025-07-01Z''') $$),
	($$ run_step('old', 'renewed') $$),  -- its first period came before any history
	($$ call('old', 'cancel', '''2025-02-03Z''') $$),
	($$ call('older', 'cancel', '''2025-01-03Z''') $$),
	($$ hold_step('waiting', 'catch_up_limit', 1) $$),
	($$ run_step('lapsed', 'expired') $$),
	($$ run_step('tried', 'trial_expired') $$),
	($$ run_step('kept', 'converted') $$),
	($$ call('leaving', 'cancel', '''2025-01-03Z''') $$),
	($$ call('leaving', 'schedule_change', '2, 2, ''2025-01-04Z''') $$),
	($$ begin_with('calm', 1, 'subscribe(1, 1, 1, ''UTC'', ''2025-05-31Z'')') $$)
) AS s (step);

-- The story

SELECT results_eq('SELECT h.revision, h.kind, h.at, h.from_status::text, h.to_status::text, h.period_start,
	h.period_end, h.price_id,
                          h.next_price_id, h.quantity, h.next_quantity, h.amount, h.rule
                   FROM perennial.history h JOIN sub USING (subscription_id) WHERE name = ''changed'' ORDER BY 1',
	$$ VALUES
	(1, 'subscribed', '2025-01-31 05:00Z'::timestamptz, NULL, 'active', '2025-01-31 05:00Z'::timestamptz,
	 '2025-02-28 05:00Z'::timestamptz, 1, NULL::int, 2, NULL::int, 2000::bigint, NULL),
	(2, 'change_scheduled', '2025-02-01Z', 'active', 'active', '2025-01-31 05:00Z', '2025-02-28 05:00Z', 1, 2, 2, 3,
	 NULL, NULL),
	(3, 'renewed', '2025-02-28 05:00Z', 'active', 'active', '2025-02-28 05:00Z', '2026-02-28 05:00Z', 2, NULL, 3, NULL,
	 27000,
	 'rule of renewed'),
	(4, 'cancelled', '2025-03-01Z', 'active', 'pending_cancellation', '2025-02-28 05:00Z', '2026-02-28 05:00Z', 2,
	 NULL, 3, NULL,
	 NULL, NULL),
	(5, 'withdrawn', '2025-03-02Z', 'pending_cancellation', 'active', '2025-02-28 05:00Z', '2026-02-28 05:00Z', 2,
	 NULL, 3, NULL,
	 NULL, NULL),
	(6, 'renewed', '2026-02-28 05:00Z', 'active', 'active', '2026-02-28 05:00Z', '2027-02-28 05:00Z', 2, NULL, 3, NULL,
	 27000,
	 'rule of renewed'),
	(7, 'change_scheduled', '2026-05-02Z', 'active', 'active', '2026-02-28 05:00Z', '2027-02-28 05:00Z', 2, 1, 3, NULL,
	 NULL, NULL),
	(8, 'change_scheduled', '2026-05-03Z', 'active', 'active', '2026-02-28 05:00Z', '2027-02-28 05:00Z', 2, NULL, 3, 5,
	 NULL, NULL) $$,
	'a history tells what happened, in order of revision, and what it left');
SELECT results_eq('SELECT h.kind, h.period_start, h.period_end, h.amount, h.currency::text, h.actor, h.run_id,
	h.recorded_at
                   FROM perennial.history h JOIN sub USING (subscription_id) WHERE name = ''ended''
                   AND rule IS NOT NULL',
	$$ VALUES ('expired', '2025-05-31Z'::timestamptz, '2025-06-30Z'::timestamptz, 0::bigint, 'EUR', 'perennial run',
		1::bigint,
	           now()) $$, 'an expiry leaves the period that ended');
SELECT results_eq('SELECT h.kind, h.closed_start, h.closed_end, h.unit_amount
                   FROM perennial.history h JOIN sub USING (subscription_id) WHERE name = ''back'' ORDER BY h.revision',
	$$ VALUES ('subscribed', NULL::timestamptz, NULL::timestamptz, 1000::bigint),
	          ('change_scheduled', NULL, NULL, NULL), ('cancelled', NULL, NULL, NULL),
	          ('expired', '2025-05-31Z', '2025-06-30Z', 1000), ('reactivated', NULL, NULL, 0),
	          ('renewed', '2025-09-02Z', '2025-10-02Z', 0) $$,
	'an outcome says which period it closed, and what is billed says what one unit costs');
SELECT results_eq('SELECT h.kind, h.reason, h.actor, h.run_id FROM perennial.history h JOIN sub USING (subscription_id)
                   WHERE name = ''held'' AND revision IN (3, 4) ORDER BY revision',
	$$ VALUES ('held', 'operator', 'perennial run', 3::bigint), ('released', NULL, 'perennial run', NULL) $$,
	'an event keeps its reason, and whose it was');
SELECT is(count(*), (SELECT count(*) FROM perennial.event) + (SELECT count(*) FROM perennial.outcome),
          'a history has all events and outcomes, each once') FROM perennial.history;
SELECT is_empty('SELECT * FROM perennial.history h JOIN perennial.subscription s USING (subscription_id)
                 WHERE h.bucket <> s.bucket OR h.account_id <> s.account_id', 'and knows whose they are');

-- What was billed

SELECT results_eq('SELECT name, b.kind, b.amount, b.currency::text, b.billed_at, b.service_start, b.service_end
                   FROM perennial.billed b JOIN sub USING (subscription_id) ORDER BY name, revision',
	$$ VALUES
	('back', 'subscribed', 3000::bigint, 'EUR', '2025-05-31Z'::timestamptz, '2025-05-31Z'::timestamptz,
	 '2025-06-30Z'::timestamptz),
	('back', 'reactivated', 0, 'EUR', '2025-09-02Z', '2025-09-02Z', '2025-10-02Z'),
	('back', 'renewed', 0, 'EUR', '2025-10-02Z', '2025-10-02Z', '2025-11-02Z'),
	('brought', 'reactivated', 2000, 'EUR', '2025-07-01Z', '2025-07-01Z', '2025-08-01Z'),
	('calm', 'subscribed', 1000, 'EUR', '2025-05-31Z', '2025-05-31Z', '2025-06-30Z'),
	('changed', 'subscribed', 2000, 'EUR', '2025-01-31 05:00Z', '2025-01-31 05:00Z', '2025-02-28 05:00Z'),
	('changed', 'renewed', 27000, 'EUR', '2025-02-28 05:00Z', '2025-02-28 05:00Z', '2026-02-28 05:00Z'),
	('changed', 'renewed', 27000, 'EUR', '2026-02-28 05:00Z', '2026-02-28 05:00Z', '2027-02-28 05:00Z'),
	('ended', 'subscribed', 1000, 'EUR', '2025-05-31Z', '2025-05-31Z', '2025-06-30Z'),
	('held', 'subscribed', 1000, 'EUR', '2025-05-31Z', '2025-05-31Z', '2025-06-30Z'),
	('held', 'renewed', 63000, 'EUR', '2025-06-30Z', '2025-06-30Z', '2026-06-30Z'),
	('imported', 'imported', 1900, 'EUR', '2025-02-01Z', '2025-01-15Z', '2025-02-14Z'),
	('imported', 'renewed', 2000, 'EUR', '2025-02-14Z', '2025-02-14Z', '2025-03-15Z'),
	('kept', 'converted', 9000, 'EUR', '2025-02-01Z', '2025-02-01Z', '2026-02-01Z'),
	('old', 'renewed', 1000, 'EUR', '2025-02-01Z', '2025-02-01Z', '2025-03-01Z'),
	('paying', 'converted', 3000, 'JPY', '2025-03-11 23:00Z', '2025-03-11 23:00Z', '2025-04-11 23:00Z'),
	('paying', 'renewed', 3000, 'JPY', '2025-04-11 23:00Z', '2025-04-11 23:00Z', '2025-05-11 23:00Z'),
	('paying', 'renewed', 3000, 'JPY', '2025-05-11 23:00Z', '2025-05-11 23:00Z', '2025-06-11 23:00Z'),
	('released', 'subscribed', 1000, 'EUR', '2025-05-31Z', '2025-05-31Z', '2025-06-30Z'),
	('trial', 'reactivated', 9000, 'EUR', '2025-02-20Z', '2025-02-20Z', '2026-02-20Z') $$,
	'first periods, renewals, conversions and reactivations are billed, each for its own period');

-- Tampered with.  @ stands for the one subscription; what was done is taken back.
CREATE FUNCTION tampered(name_ text, statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
	s perennial.subscription := row_of(name_);
BEGIN
	EXECUTE replace(statements, '@', format('bucket = %s AND subscription_id = %s', s.bucket, s.subscription_id));
	found := broken(name_);
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN found;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

SELECT is(tampered(name, statements), faults, format('%s: %s', title, coalesce(faults, 'nothing is known')))
FROM (VALUES
	-- Entries that are missing.
	('changed', 'an event that was deleted', '5 gap, 5 from',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 4 $$),
	('changed', 'the first event that was deleted', '2 gap',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 1 $$),
	('imported', 'the import that was deleted', '2 gap',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 1 $$),
	('old', 'the first outcome that was deleted', '2 gap',
	 $$ DELETE FROM perennial.outcome WHERE @ AND revision = 1 $$),
	('changed', 'the last event that was deleted', '7 s.change, 7 s.revision',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 8 $$),
	('changed', 'an outcome that was deleted', '4 gap, 4 moved, 4 price, 4 quantity, 4 change',
	 $$ DELETE FROM perennial.outcome WHERE @ AND revision = 3 $$),
	('paying', 'the last outcome that was deleted', '4 s.period, 4 s.revision',
	 $$ DELETE FROM perennial.outcome WHERE @ AND revision = 5 $$),
	('calm', 'a history that is gone', '1 missing',
	 $$ DELETE FROM perennial.event WHERE @ $$),
	('changed', 'a long history that is gone', '8 missing',
	 $$ DELETE FROM perennial.event WHERE @; DELETE FROM perennial.outcome WHERE @ $$),
	('lapsed', 'the only outcome that was deleted', '1 missing',
	 $$ DELETE FROM perennial.outcome WHERE @ $$),
	('changed', 'all outcomes that were deleted', '4 gap, 4 moved, 4 price, 4 quantity, 4 change, 7 gap, 7 moved',
	 $$ DELETE FROM perennial.outcome WHERE @ $$),
	('changed', 'all events that were deleted', '3 gap, 6 gap, 6 s.change, 6 s.revision',
	 $$ DELETE FROM perennial.event WHERE @ $$),
	('changed', 'a history in another bucket',
	 '8 missing, changed ' || (row_of('changed')).subscription_id || ' 8 gone',
	 $$ WITH o AS (UPDATE perennial.outcome SET bucket = 7 WHERE @)
	    UPDATE perennial.event SET bucket = 7 WHERE @ $$),
	('released', 'an event in another bucket',
	 format('released %1$s 2 gap, released %1$s 2 gone, 3 gap', (row_of('released')).subscription_id),
	 $$ UPDATE perennial.event SET bucket = 7 WHERE @ AND revision = 2 $$),

	-- Revisions.
	('calm', 'a revision that was raised', '1 s.revision',
	 $$ UPDATE perennial.subscription SET revision = 2 WHERE @ $$),
	('changed', 'a revision that was lowered', '8 s.revision',
	 $$ UPDATE perennial.subscription SET revision = revision - 1 WHERE @ $$),
	('calm', 'an event with another revision', '2 gap, 2 s.revision',
	 $$ UPDATE perennial.event SET revision = 2 WHERE @ $$),
	('calm', 'a beginning at revision 0', '0 gap, 0 s.revision',
	 $$ UPDATE perennial.event SET revision = 0 WHERE @ $$),
	('calm', 'a beginning at revision 2, and the subscription with it', '2 gap',
	 $$ UPDATE perennial.event SET revision = 2 WHERE @; UPDATE perennial.subscription SET revision = 2 WHERE @ $$),
	('changed', 'an outcome with the revision of an event', '7 gap, 7 gap, 7 closed, 7 moved, 7 price',
	 $$ UPDATE perennial.outcome SET revision = 7 WHERE @ AND revision = 6 $$),
	('changed', 'an outcome with the revision after its own',
	 '4 gap, 4 gap, 4 closed, 4 moved, 4 from, 4 price, 4 quantity, 4 change, 5 from',
	 $$ UPDATE perennial.outcome SET revision = 4 WHERE @ AND revision = 3 $$),
	('calm', 'an event that nobody caused', '2 s.revision, 2 s.status',
	 $$ INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor,
	    from_status, to_status, period_start, period_end, price_id, quantity) SELECT bucket,
	    subscription_id, account_id, 2, 'cancelled', '2025-06-01Z', 'x', status,
	    'pending_cancellation', period_start, period_end, price_id, quantity FROM
	    perennial.subscription WHERE @ $$),

	-- Statuses, and what leads from one to another.
	('changed', 'a changed to_status', '4 possible, 5 from',
	 $$ UPDATE perennial.event SET to_status = 'active' WHERE @ AND revision = 4 $$),
	('changed', 'a changed from_status', '5 from, 5 possible',
	 $$ UPDATE perennial.event SET from_status = 'active' WHERE @ AND revision = 5 $$),
	('changed', 'a cancellation from where it leads to', '4 from, 4 possible',
	 $$ UPDATE perennial.event SET from_status = to_status WHERE @ AND revision = 4 $$),
	('trial', 'a cancellation of one that had expired', '4 from, 4 possible',
	 $$ UPDATE perennial.event SET from_status = 'expired' WHERE @ AND revision = 4 $$),
	('trial', 'a withdrawal that leads elsewhere', '5 possible, 6 from',
	 $$ UPDATE perennial.event SET to_status = 'expired' WHERE @ AND revision = 5 $$),
	-- Both are possible; what comes next tells which it was.
	('trial', 'a withdrawal that leads out of the trial', '6 from',
	 $$ UPDATE perennial.event SET to_status = 'active' WHERE @ AND revision = 5 $$),
	('trial', 'a cancellation of what was no trial any more', '4 from',
	 $$ UPDATE perennial.event SET from_status = 'active' WHERE @ AND revision = 4 $$),
	('changed', 'a from_status that was removed', '4 possible',
	 $$ UPDATE perennial.event SET from_status = NULL WHERE @ AND revision = 4 $$),
	('changed', 'a from_status that was removed where status stays', '2 possible',
	 $$ UPDATE perennial.event SET from_status = NULL WHERE @ AND revision = 2 $$),
	('changed', 'a beginning from something', '1 possible',
	 $$ UPDATE perennial.event SET from_status = 'expired' WHERE @ AND revision = 1 $$),
	('trial', 'a trial that begins from something', '1 possible',
	 $$ UPDATE perennial.event SET from_status = 'trialing' WHERE @ AND revision = 1 $$),
	('imported', 'an import from something', '1 possible',
	 $$ UPDATE perennial.event SET from_status = 'active' WHERE @ AND revision = 1 $$),
	('trial', 'a trial that begins as none', '1 possible, 2 from',
	 $$ UPDATE perennial.event SET to_status = 'active' WHERE @ AND revision = 1 $$),
	('calm', 'a changed to_status of the last entry', '1 possible, 1 s.status',
	 $$ UPDATE perennial.event SET to_status = 'trialing' WHERE @ $$),
	('changed', 'a changed from_status of an outcome', '6 from, 6 possible',
	 $$ UPDATE perennial.outcome SET from_status = 'trialing' WHERE @ AND revision = 6 $$),
	('changed', 'a renewal of a trial, past the table''s check', '6 from, 6 possible, 7 from',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT opens_or_ends;
	    UPDATE perennial.outcome SET from_status = 'trialing', to_status = 'trialing' WHERE @ AND revision = 6 $$),
	('paying', 'a conversion that leads elsewhere, past the table''s check', '3 possible, 4 from',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT opens_or_ends;
	    UPDATE perennial.outcome SET to_status = 'trialing' WHERE @ AND revision = 3 $$),
	('paying', 'a renewal that leads elsewhere, past the table''s check', '4 possible, 5 from',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT opens_or_ends;
	    UPDATE perennial.outcome SET to_status = 'pending_cancellation' WHERE @ AND revision = 4 $$),
	('ended', 'an expiry that leads elsewhere, past the table''s check', '4 possible, 4 s.status',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT opens_or_ends;
	    UPDATE perennial.outcome SET to_status = 'active' WHERE @ $$),
	('trial', 'a trial that ended elsewhere, past the table''s check', '6 possible, 7 from',
	 $$ ALTER TABLE perennial.outcome DROP CONSTRAINT opens_or_ends;
	    UPDATE perennial.outcome SET to_status = 'active' WHERE @ $$),
	('paying', 'a conversion of what was no trial', '3 from, 3 possible',
	 $$ UPDATE perennial.outcome SET from_status = 'active' WHERE @ AND revision = 3 $$),
	('ended', 'an expiry that nobody asked for', '4 from, 4 possible',
	 $$ UPDATE perennial.outcome SET from_status = 'active' WHERE @ $$),
	('trial', 'a trial that expired though it was cancelled', '6 from, 6 possible',
	 $$ UPDATE perennial.outcome SET from_status = 'pending_cancellation' WHERE @ $$),
	('trial', 'a reactivation of what had not expired', '7 from, 7 possible',
	 $$ UPDATE perennial.event SET from_status = 'active' WHERE @ AND revision = 7 $$),
	('trial', 'a reactivation into a trial', '7 possible, 7 s.status',
	 $$ UPDATE perennial.event SET to_status = 'trialing' WHERE @ AND revision = 7 $$),
	('changed', 'a scheduled change that changes the status', '2 possible, 3 from',
	 $$ UPDATE perennial.event SET to_status = 'pending_cancellation' WHERE @ AND revision = 2 $$),
	('held', 'a hold that changes the status', '3 possible, 4 from',
	 $$ UPDATE perennial.event SET to_status = 'pending_cancellation' WHERE @ AND revision = 3 $$),
	('ended', 'a cancellation that was undone', '3 possible, 4 from',
	 $$ UPDATE perennial.event SET to_status = 'active' WHERE @ AND revision = 3 $$),
	('older', 'a first entry that leads nowhere', '1 possible, 1 s.status',
	 $$ UPDATE perennial.event SET to_status = 'active' WHERE @ $$),
	('calm', 'a status behind the history', '1 s.status',
	 $$ UPDATE perennial.subscription SET status = 'pending_cancellation' WHERE @ $$),
	('ended', 'an expired one that was made active', '4 s.status',
	 $$ UPDATE perennial.subscription SET status = 'active', ended_at = NULL, end_reason = NULL WHERE @ $$),

	-- Kinds.
	('changed', 'a renewal that was made a conversion', '3 possible',
	 $$ UPDATE perennial.outcome SET kind = 'converted' WHERE @ AND revision = 3 $$),
	('paying', 'a conversion that was made a renewal', '3 possible',
	 $$ UPDATE perennial.outcome SET kind = 'renewed' WHERE @ AND revision = 3 $$),
	('ended', 'an expiry that was made that of a trial', '4 possible',
	 $$ UPDATE perennial.outcome SET kind = 'trial_expired' WHERE @ $$),
	('trial', 'the end of a trial that was made an expiry', '6 possible',
	 $$ UPDATE perennial.outcome SET kind = 'expired' WHERE @ $$),
	('changed', 'a cancellation that was made a withdrawal', '4 possible',
	 $$ UPDATE perennial.event SET kind = 'withdrawn' WHERE @ AND revision = 4 $$),
	('changed', 'a withdrawal that was made a cancellation', '5 possible',
	 $$ UPDATE perennial.event SET kind = 'cancelled' WHERE @ AND revision = 5 $$),
	('back', 'a reactivation that was made something small', '5 moved, 5 price, 5 possible',
	 $$ UPDATE perennial.event SET kind = 'billing_info_set' WHERE @ AND revision = 5 $$),
	('paying', 'a scheduled change that was made something small', '2 change',
	 $$ UPDATE perennial.event SET kind = 'billing_info_set' WHERE @ AND revision = 2 $$),
	('changed', 'a second beginning', '2 began, 2 amount',
	 $$ UPDATE perennial.event SET kind = 'subscribed', from_status = NULL WHERE @ AND revision = 2 $$),
	('trial', 'a second beginning of a trial', '3 began',
	 $$ UPDATE perennial.event SET kind = 'trial_started', from_status = NULL WHERE @ AND revision = 3 $$),
	('changed', 'a second import', '2 began',
	 $$ UPDATE perennial.event SET kind = 'imported', from_status = NULL WHERE @ AND revision = 2 $$),
	('calm', 'a second beginning that is another from end to end', '2 began, 2 amount, 2 s.period, 2 s.sold, 2 s.revision',
	 $$ INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor,
	    to_status, period_start, period_end, price_id, quantity) SELECT bucket,
	    subscription_id, account_id, 2, 'subscribed', '2025-06-01Z', 'x', 'active', '2025-06-01Z', '2026-06-01Z', 2, 7
	    FROM perennial.subscription WHERE @ $$),
	('changed', 'a beginning in the middle', '5 began, 5 possible',
	 $$ UPDATE perennial.event SET kind = 'trial_started' WHERE @ AND revision = 5 $$),

	-- Accounts.
	('changed', 'an event of another account', '4 account, 5 account',
	 $$ UPDATE perennial.event SET account_id = 256 WHERE @ AND revision = 4 $$),
	('changed', 'a first event of another account', '2 account',
	 $$ UPDATE perennial.event SET account_id = 256 WHERE @ AND revision = 1 $$),
	('changed', 'a last event of another account', '8 account, 8 s.account',
	 $$ UPDATE perennial.event SET account_id = 256 WHERE @ AND revision = 8 $$),
	('paying', 'a last outcome of another account', '5 account, 5 s.account',
	 $$ UPDATE perennial.outcome SET account_id = 256 WHERE @ AND revision = 5 $$),
	('calm', 'a subscription that was given to another account', '1 s.account',
	 $$ UPDATE perennial.subscription SET account_id = 256 WHERE @ $$),

	-- Periods.
	('calm', 'a period end that was moved', '1 s.period',
	 $$ UPDATE perennial.subscription SET period_end = period_end + interval '1 s' WHERE @ $$),
	('calm', 'a period start that was moved', '1 s.period',
	 $$ UPDATE perennial.subscription SET period_start = period_start - interval '1 s' WHERE @ $$),
	('ended', 'the period end of an expired one that was moved', '4 s.period',
	 $$ UPDATE perennial.subscription SET period_end = period_end + interval '1 s' WHERE @ $$),
	('paying', 'an outcome whose next period was made longer', '5 closed',
	 $$ UPDATE perennial.outcome SET next_period_end = next_period_end + interval '1 s' WHERE @ AND
	    revision = 4 $$),
	('paying', 'the last outcome whose next period was made longer', '5 s.period',
	 $$ UPDATE perennial.outcome SET next_period_end = next_period_end + interval '1 s' WHERE @ AND
	    revision = 5 $$),
	('paying', 'an outcome whose period was made longer', '4 closed, 5 closed',
	 $$ UPDATE perennial.outcome SET period_end = period_end + interval '1 s', next_period_start =
	    next_period_start + interval '1 s' WHERE @ AND revision = 4 $$),
	('paying', 'an outcome whose closed period was made to start earlier', '4 closed',
	 $$ UPDATE perennial.outcome SET period_start = period_start - interval '1 s' WHERE @ AND revision = 4 $$),
	('paying', 'a conversion whose trial was made to start earlier', '3 closed',
	 $$ UPDATE perennial.outcome SET period_start = period_start - interval '1 s' WHERE @ AND revision = 3 $$),
	('ended', 'an expiry whose period was made longer', '4 closed, 4 s.period',
	 $$ UPDATE perennial.outcome SET period_end = period_end + interval '1 s' WHERE @ $$),
	('ended', 'an expiry whose period was made shorter', '4 closed, 4 s.period',
	 $$ UPDATE perennial.outcome SET period_start = period_start + interval '1 s' WHERE @ $$),
	('changed', 'an event whose period was made longer', '4 moved, 5 moved',
	 $$ UPDATE perennial.event SET period_end = period_end + interval '1 s' WHERE @ AND revision = 4 $$),
	('changed', 'an event whose period was removed', '5 moved, 6 closed',
	 $$ UPDATE perennial.event SET period_end = NULL WHERE @ AND revision = 5 $$),
	('changed', 'an event whose period starts earlier', '2 moved, 3 closed',
	 $$ UPDATE perennial.event SET period_start = period_start - interval '1 s' WHERE @ AND revision =
	    2 $$),
	('back', 'a reactivation whose period was made longer', '6 closed',
	 $$ UPDATE perennial.event SET period_end = period_end + interval '1 s' WHERE @ AND revision = 5 $$),
	('calm', 'the only event, whose period was removed', '1 s.period',
	 $$ UPDATE perennial.event SET period_start = NULL WHERE @ $$),

	-- Prices, quantities, and changes of them.
	('calm', 'a price that was changed', '1 s.sold',
	 $$ UPDATE perennial.subscription SET price_id = 2 WHERE @ $$),
	('calm', 'a quantity that was changed', '1 s.sold',
	 $$ UPDATE perennial.subscription SET quantity = 2 WHERE @ $$),
	('ended', 'the quantity of an expired one that was changed', '4 s.sold',
	 $$ UPDATE perennial.subscription SET quantity = 2 WHERE @ $$),
	('changed', 'an outcome with another price', '3 price, 4 price',
	 $$ UPDATE perennial.outcome SET price_id = 1 WHERE @ AND revision = 3 $$),
	('changed', 'an outcome with another quantity', '3 amount, 3 quantity, 4 quantity',
	 $$ UPDATE perennial.outcome SET quantity = 4 WHERE @ AND revision = 3 $$),
	('changed', 'an event with another price', '5 price, 6 price',
	 $$ UPDATE perennial.event SET price_id = 1 WHERE @ AND revision = 5 $$),
	('changed', 'an event with another quantity', '5 quantity, 6 quantity',
	 $$ UPDATE perennial.event SET quantity = 1 WHERE @ AND revision = 5 $$),
	('changed', 'an event whose price was removed', '5 price, 6 price',
	 $$ UPDATE perennial.event SET price_id = NULL WHERE @ AND revision = 5 $$),
	('changed', 'an event whose quantity was removed', '5 quantity, 6 quantity',
	 $$ UPDATE perennial.event SET quantity = NULL WHERE @ AND revision = 5 $$),
	('calm', 'the only event, whose price was removed', '1 s.sold',
	 $$ UPDATE perennial.event SET price_id = NULL WHERE @ $$),
	('calm', 'the only event, whose quantity was removed', '1 amount, 1 s.sold',
	 $$ UPDATE perennial.event SET quantity = NULL WHERE @ $$),
	('trial', 'a last reactivation, whose price was removed', '7 s.sold',
	 $$ UPDATE perennial.event SET price_id = NULL WHERE @ AND revision = 7 $$),
	('changed', 'a scheduled price that is gone', '3 price',
	 $$ UPDATE perennial.event SET next_price_id = NULL WHERE @ AND revision = 2 $$),
	('changed', 'another scheduled quantity', '3 quantity',
	 $$ UPDATE perennial.event SET next_quantity = 9 WHERE @ AND revision = 2 $$),
	('held', 'a scheduled price that a middle event forgot', '3 change, 4 change',
	 $$ UPDATE perennial.event SET next_price_id = NULL WHERE @ AND revision = 3 $$),
	('held', 'a scheduled quantity that a middle event forgot', '3 change, 4 change',
	 $$ UPDATE perennial.event SET next_quantity = NULL WHERE @ AND revision = 3 $$),
	('held', 'a scheduled price that the last event before the boundary forgot', '4 change, 5 price',
	 $$ UPDATE perennial.event SET next_price_id = NULL WHERE @ AND revision = 4 $$),
	('ended', 'a scheduled price that a cancellation forgot', '3 change',
	 $$ UPDATE perennial.event SET next_price_id = NULL WHERE @ AND revision = 3 $$),
	('changed', 'a change that a cancellation brought about', '4 change, 5 change',
	 $$ UPDATE perennial.event SET next_quantity = 5 WHERE @ AND revision = 4 $$),
	('ended', 'an expiry with the price that was only scheduled', '4 price, 4 s.sold',
	 $$ UPDATE perennial.outcome SET price_id = 2 WHERE @ $$),
	('ended', 'an expiry with the quantity that was only scheduled', '4 quantity, 4 s.sold',
	 $$ UPDATE perennial.outcome SET quantity = 7 WHERE @ $$),
	('trial', 'a reactivation of more units', '7 amount, 7 quantity, 7 s.sold',
	 $$ UPDATE perennial.event SET quantity = 2 WHERE @ AND kind = 'reactivated' $$),
	('changed', 'a scheduled change that was changed', '8 s.change',
	 $$ UPDATE perennial.subscription SET next_quantity = 6 WHERE @ $$),
	('changed', 'a scheduled change that was removed', '8 s.change',
	 $$ UPDATE perennial.subscription SET next_quantity = NULL WHERE @ $$),
	('calm', 'a change that nobody scheduled', '1 s.change',
	 $$ UPDATE perennial.subscription SET next_price_id = 2 WHERE @ $$),
	('paying', 'a change after a renewal that nobody scheduled', '5 s.change',
	 $$ UPDATE perennial.subscription SET next_quantity = 2 WHERE @ $$),

	-- Amounts.
	('calm', 'another amount of a first period', '1 amount',
	 $$ UPDATE perennial.event SET amount = 999 WHERE @ $$),
	('changed', 'another amount of a first period, long ago', '1 amount',
	 $$ UPDATE perennial.event SET amount = amount + 1 WHERE @ AND revision = 1 $$),
	('back', 'an amount for a free reactivation', '5 amount',
	 $$ UPDATE perennial.event SET amount = 1 WHERE @ AND revision = 5 $$),
	('paying', 'another amount of a conversion', '3 amount',
	 $$ UPDATE perennial.outcome SET amount = 0 WHERE @ AND revision = 3 $$),
	('paying', 'another amount of a renewal', '4 amount',
	 $$ UPDATE perennial.outcome SET amount = amount * 2 WHERE @ AND revision = 4 $$),
	('paying', 'another unit_amount of a renewal', '4 amount',
	 $$ UPDATE perennial.outcome SET unit_amount = 499 WHERE @ AND revision = 4 $$),
	('calm', 'another unit_amount of a first period', '1 amount',
	 $$ UPDATE perennial.event SET unit_amount = 0 WHERE @ $$),
	('calm', 'a first period whose amount was removed', '1 amount',
	 $$ UPDATE perennial.event SET amount = NULL, currency = NULL, unit_amount = NULL WHERE @ $$),
	('calm', 'a first period whose unit_amount was removed', '1 amount',
	 $$ UPDATE perennial.event SET unit_amount = NULL WHERE @ $$),
	('held', 'a hold that bills something', '6 billed',
	 $$ UPDATE perennial.event SET amount = 5, currency = 'EUR' WHERE @ AND revision = 6 $$),
	('changed', 'a unit_amount that no number of units makes an amount', '1 amount',
	 $$ UPDATE perennial.event SET unit_amount = 9223372036854775807 WHERE @ AND revision = 1 $$),
	('changed', 'a quantity beyond all amounts', '1 amount, 2 quantity',
	 $$ UPDATE perennial.event SET quantity = 2147483647, unit_amount = 1000000000000000 WHERE @ AND revision = 1 $$),

	-- Holds.
	('held', 'a hold that was removed', '6 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = NULL WHERE @ $$),
	('held', 'a hold with the reason of an earlier one', '6 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('held', 'a hold whose event was deleted', '4 s.hold, 5 s.revision',
	 $$ DELETE FROM perennial.event WHERE @ AND revision = 6 $$),
	('released', 'a released one that is held again', '3 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('calm', 'a hold without an event', '1 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('paying', 'a hold without an event, of what began as a trial', '1 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('imported', 'a hold without an event, of what was imported', '1 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('waiting', 'the hold of one that was inserted by hand, removed', '1 s.hold',
	 $$ UPDATE perennial.subscription SET hold_reason = NULL WHERE @ $$),

	-- Subscriptions that are gone.
	('changed', 'a subscription that was deleted', '8 gone',
	 $$ DELETE FROM perennial.subscription WHERE @ $$),
	('ended', 'an expired one that was deleted', '4 gone',
	 $$ DELETE FROM perennial.subscription WHERE @ $$),
	('released', 'a released one that was deleted', '3 gone',
	 $$ DELETE FROM perennial.subscription WHERE @ $$),
	('waiting', 'one that was inserted by hand and deleted', '1 gone',
	 $$ DELETE FROM perennial.subscription WHERE @ $$),

	-- What there is nothing to compare with.
	('bare', 'a revision that no entry made', '9 missing',
	 $$ UPDATE perennial.subscription SET revision = 9 WHERE @ $$),
	('bare', 'one without history and at revision 0, whatever it is', NULL,
	 $$ UPDATE perennial.subscription SET quantity = 4, next_price_id = 2, status = 'expired', hold_reason = 'x',
	    account_id = 256, period_end = '2026-01-01' WHERE @ $$),
	('bare', 'one without history that was deleted', NULL,
	 $$ DELETE FROM perennial.subscription WHERE @ $$),
	('old', 'the period before the first entry', NULL,
	 $$ UPDATE perennial.outcome SET period_start = '2020-01-01Z' WHERE @ AND revision = 1 $$),
	('older', 'a hold of one whose beginning is not known', NULL,
	 $$ UPDATE perennial.subscription SET hold_reason = 'operator' WHERE @ $$),
	('released', 'a reason for a release', NULL,
	 $$ UPDATE perennial.event SET reason = 'paid' WHERE @ AND revision = 3 $$),
	('imported', 'what was billed elsewhere', NULL,
	 $$ UPDATE perennial.event SET amount = 1 WHERE @ AND revision = 1 $$)
) AS t (name, title, faults, statements);
SELECT is(broken(), NULL, 'all histories are as sound as before');

SET LOCAL ROLE perennial_reader;
SELECT is_empty('SELECT * FROM perennial.broken_history', 'a reader can prove it');
SELECT isnt_empty('SELECT * FROM perennial.history', 'and read it');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
