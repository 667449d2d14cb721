-- lifecycle_test: what customers do with their subscriptions, called as an application does, and what it leaves.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(479);

CREATE ROLE perennial_test_shop LOGIN IN ROLE perennial_app;

-- Calls a function of the schema as an application, far from UTC, and answers as text.
CREATE FUNCTION as_shop(call text, path text DEFAULT '"$user", public') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	usual text := current_setting('search_path');
	answer text;
BEGIN
	SET LOCAL SESSION AUTHORIZATION perennial_test_shop;
	PERFORM set_config('TimeZone', 'Pacific/Apia', true), set_config('search_path', path, true);
	EXECUTE 'SELECT x::text FROM perennial.' || call || ' AS x' INTO answer;
	PERFORM set_config('search_path', usual, true);
	IF answer ~ '^\d{4}-' THEN
		answer := answer::timestamptz AT TIME ZONE 'UTC';
	END IF;
	PERFORM set_config('TimeZone', 'UTC', true);
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;

-- Every row of every table: in full where these functions write, as a hash elsewhere.
CREATE FUNCTION everything() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	name text;
	content jsonb;
	seen jsonb := '{}';
BEGIN
	FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'perennial'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format(CASE WHEN name IN ('subscription', 'event', 'notification_job')
			THEN 'SELECT coalesce(jsonb_agg(to_jsonb(t)), ''[]'') FROM perennial.%I t'
			ELSE 'SELECT to_jsonb(sum(hashtextextended(t::text, 0))) FROM perennial.%I t' END, name)
			INTO content;
		seen := seen || jsonb_build_object(name, content);
	END LOOP;
	RETURN seen;
END
$$;

CREATE FUNCTION added(before jsonb, after jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT * FROM jsonb_array_elements(after) EXCEPT SELECT * FROM jsonb_array_elements(before)
$$;

-- The columns that differ, a subscription at a time; of a new one those that are not null.
CREATE FUNCTION changes(before jsonb, after jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg(coalesce(b ->> 'subscription_id', 'new'), changed.columns)
	FROM jsonb_array_elements(before) b FULL JOIN jsonb_array_elements(after) a
	     ON a -> 'subscription_id' = b -> 'subscription_id'
	CROSS JOIN LATERAL (
		SELECT CASE WHEN a IS NULL THEN '"gone"'
		            WHEN b IS NULL THEN jsonb_strip_nulls(a) - 'subscription_id'
		            ELSE (SELECT jsonb_object_agg(key, value) FROM jsonb_each(a) WHERE value <> b -> key) END
	) AS changed (columns)
	WHERE a IS DISTINCT FROM b
$$;

-- Tells what a call does, and undoes it: what it answers or how it is refused, what changed of subscriptions, and the
-- events and jobs that were added.  What is as it always is, is left out: nulls, bucket 1, account 1, the time of
-- recording, the state of a new job, the link from a job to its event.
CREATE FUNCTION effect(call text, setup text DEFAULT NULL, path text DEFAULT '"$user", public') RETURNS jsonb
	LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
	after jsonb;
	answer text;
	state text;
	message text;
	hint text;
	event jsonb;
	changed jsonb;
	seen jsonb;
BEGIN
	IF setup IS NOT NULL THEN
		PERFORM as_shop(setup);
	END IF;
	before := everything();
	BEGIN
		answer := as_shop(call, path);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	END;
	after := everything();

	SELECT jsonb_strip_nulls(e) INTO STRICT event
	FROM (SELECT 1) one LEFT JOIN added(before -> 'event', after -> 'event') e ON true;
	seen := jsonb_build_object(
		'answer', CASE WHEN answer = event ->> 'subscription_id' THEN 'new' ELSE nullif(answer, '') END,
		'refused', state, 'message', message, 'hint', nullif(hint, ''),
		'event', event - 'event_id'
			- CASE event -> 'recorded_at' WHEN to_jsonb(now()) THEN 'recorded_at' ELSE '' END
			- CASE event ->> 'actor' WHEN 'perennial_test_shop' THEN 'actor' ELSE '' END
			- CASE event ->> 'subscription_id' WHEN answer THEN 'subscription_id' ELSE '' END,
		'job', (SELECT jsonb_agg(jsonb_strip_nulls(j) - 'job_id'
				- CASE j -> 'event_id' WHEN event -> 'event_id' THEN 'event_id' ELSE '' END
				- CASE j -> 'subscription_id' WHEN event -> 'subscription_id' THEN 'subscription_id' ELSE '' END
				- CASE j -> 'available_at' WHEN to_jsonb(now()) THEN 'available_at' ELSE '' END
				- CASE j ->> 'state' WHEN 'ready' THEN 'state' ELSE '' END
				- CASE j ->> 'attempts' WHEN '0' THEN 'attempts' ELSE '' END
				- CASE j ->> 'account_id' WHEN '1' THEN 'account_id' ELSE '' END
				- CASE j ->> 'bucket' WHEN '1' THEN 'bucket' ELSE '' END)
			FROM added(before -> 'notification_job', after -> 'notification_job') j),
		'lost', (SELECT jsonb_agg(lost) FROM (SELECT added(after -> 'event', before -> 'event') UNION ALL
			SELECT added(after -> 'notification_job', before -> 'notification_job')) AS l (lost)),
		'elsewhere', (SELECT jsonb_agg(key) FROM jsonb_each(before)
			WHERE key NOT IN ('subscription', 'event', 'notification_job') AND value <> after -> key),
		'broken', (SELECT jsonb_agg(fault) FROM perennial.broken_history));
	seen := jsonb_strip_nulls(seen);
	changed := changes(before -> 'subscription', after -> 'subscription');
	IF changed IS NOT NULL THEN
		seen := seen || jsonb_build_object('subscription', changed);
	END IF;
	seen := replace(regexp_replace(seen::text, '[T ]00:00:00(\+00:00)?"', '"', 'g'), '+00:00"', 'Z"');
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		RETURN seen;
END
$$;

-- The same in a line: the refusal, or the event's kind, the job's kind and the columns that changed.
CREATE FUNCTION outline(seen jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(nullif(concat_ws(' ',
		seen ->> 'refused', CASE WHEN seen ? 'refused' AND NOT seen ? 'hint' THEN 'without a hint' END,
		seen #>> '{event,kind}', seen #>> '{event,from_status}', '>' || (seen #>> '{event,to_status}'),
		'+' || (SELECT string_agg(j ->> 'kind', ' ') FROM jsonb_array_elements(seen -> 'job') j),
		': ' || (SELECT string_agg(c.key, ' ' ORDER BY c.key) FROM jsonb_each(seen -> 'subscription') s,
		         jsonb_each(s.value) c),
		'LOST ' || (seen ->> 'lost'), 'ELSEWHERE ' || (seen ->> 'elsewhere'), 'BROKEN ' || (seen ->> 'broken')),
		''), 'nothing')
$$;

-- A refusal has its SQLSTATE, says what it is about, has a hint, and leaves everything as it was.
CREATE FUNCTION refused(call text, state text, about text, title text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen jsonb := effect(call);
BEGIN
	RETURN is(outline(seen) || CASE WHEN seen ->> 'message' LIKE about THEN '' ELSE ': ' || (seen ->> 'message') END,
	          state, title);
END
$$;

-- Accounts 1 and 256 share a bucket.
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'Plan one');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES
	(1, 1, 'EUR', 1000, 1), (2, 1, 'EUR', 9900, 12), (3, 1, 'JPY', 500, 1), (4, 1, 'EUR', 0, 1),
	(5, 1, 'EUR', 1000000000000000, 1), (6, 1, 'EUR', 500000000000000, 1),
	(7, 1, 'EUR', 142857142857143, 1);
INSERT INTO perennial.account (bucket, account_id, name)
SELECT perennial.bucket_of(id), id, 'Ada' FROM (VALUES (1), (2), (256)) AS a (id);

-- One subscription for each state.  All of them run from January 31 to February 29, 2024, and their history begins on
-- February 10; the few with an entry of the future have theirs an hour from now.
CREATE TABLE fixture (id bigint, name text, account bigint, status perennial.status, trial boolean,
	billing timestamptz, next_price int, next_quantity int, held boolean, zone text);
INSERT INTO fixture VALUES
	(10, 'a trial', 1, 'trialing', true, NULL, NULL, NULL, false, 'UTC'),
	(11, 'a trial with billing information', 1, 'trialing', true, '2024-02-02Z', NULL, NULL, false, 'UTC'),
	(12, 'an active one', 1, 'active', false, NULL, NULL, NULL, false, 'UTC'),
	(13, 'a cancelled one', 1, 'pending_cancellation', false, '2024-02-02Z', 2, 3, false, 'UTC'),
	(14, 'a cancelled trial', 1, 'pending_cancellation', true, NULL, NULL, NULL, false, 'UTC'),
	(15, 'an expired one', 1, 'expired', false, '2024-02-02Z', 2, 3, false, 'UTC'),
	(16, 'an active one on hold', 1, 'active', false, NULL, 2, 3, true, 'UTC'),
	(17, 'a trial on hold', 1, 'trialing', true, NULL, NULL, NULL, true, 'UTC'),
	(18, 'a cancelled one on hold', 1, 'pending_cancellation', false, NULL, NULL, NULL, true, 'UTC'),
	(19, 'an expired one on hold', 1, 'expired', false, NULL, NULL, NULL, true, 'UTC'),
	(21, 'somebody else''s in the same bucket', 256, 'active', false, NULL, NULL, NULL, false, 'UTC'),
	(22, 'somebody else''s in another bucket', 2, 'active', false, NULL, NULL, NULL, false, 'UTC'),
	(23, 'one that nothing touches', 1, 'trialing', true, NULL, NULL, NULL, false, 'UTC'),
	(24, 'an expired one in New York', 1, 'expired', false, NULL, NULL, NULL, false, 'America/New_York'),
	(26, 'an active one with an entry of the future', 1, 'active', false, NULL, NULL, NULL, false, 'UTC'),
	(27, 'an active one without history', 1, 'active', false, NULL, NULL, NULL, false, 'UTC'),
	(28, 'an expired one without ended_at', 1, 'expired', false, NULL, NULL, NULL, false, 'UTC'),
	(29, 'an expired one with an entry of the future', 1, 'expired', false, NULL, NULL, NULL, false, 'UTC'),
	(30, 'one that was converted', 1, 'pending_cancellation', false, NULL, NULL, NULL, false, 'UTC'),
	(31, 'a cancelled one with an entry of the future', 1, 'pending_cancellation', false, NULL, NULL, NULL, false,
	 'UTC');
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, next_price_id, quantity,
	next_quantity, status, billing_info_at, anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
	cancel_requested_at, ended_at, end_reason, hold_reason, held_at, catch_up_allowed, revision)
SELECT perennial.bucket_of(account), id, account, 1, next_price, 2, next_quantity,
       status, billing, '2024-01-31', zone, CASE WHEN trial THEN 0 ELSE 1 END, '2024-01-31Z', '2024-02-29Z',
       CASE WHEN trial THEN '2024-02-29Z'::timestamptz WHEN id IN (15, 30) THEN '2024-01-31Z' END,
       CASE WHEN status IN ('pending_cancellation', 'expired') THEN '2024-02-05Z'::timestamptz END,
       CASE WHEN status = 'expired' AND id <> 28 THEN '2024-02-29Z'::timestamptz END,
       CASE WHEN status = 'expired' THEN 'cancelled' END,
       CASE WHEN held THEN 'review' END, CASE WHEN held THEN '2024-02-06Z'::timestamptz END, status = 'expired',
       CASE WHEN id = 27 THEN 0 WHEN held THEN 2 ELSE 1 END
FROM fixture;
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status, period_start,
	period_end, price_id, next_price_id, quantity, next_quantity)
SELECT bucket, subscription_id, account_id, 1, 'imported',
       CASE WHEN subscription_id IN (26, 29, 31) THEN now() + interval '1 hour' ELSE '2024-02-10Z' END,
       'import', status, period_start, period_end, price_id, next_price_id, quantity, next_quantity
FROM perennial.subscription WHERE revision >= 1;
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
	period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason)
SELECT bucket, subscription_id, account_id, 2, 'held', '2024-02-10Z', 'operator', status, status,
       period_start, period_end, price_id, next_price_id, quantity, next_quantity, hold_reason
FROM perennial.subscription WHERE hold_reason IS NOT NULL;

-- One whose last entry is an outcome: its boundary of February 29.
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, quantity, status, anchor,
	months_elapsed, period_start, period_end, revision)
VALUES (1, 25, 1, 1, 2, 'active', '2024-01-31', 2, '2024-02-29Z', '2024-03-31Z', 2);
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status, period_start,
	period_end, price_id, quantity)
VALUES (1, 25, 1, 1, 'imported', '2024-02-10Z', 'import', 'active', '2024-01-31Z', '2024-02-29Z', 1, 2);
INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
	to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount, amount,
	currency)
VALUES (1, 1, 25, 1, 2, 'renewed', 'renews', 'active', 'active', '2024-01-31Z', '2024-02-29Z', '2024-02-29Z',
	'2024-03-31Z', 1, 2, 1000, 2000, 'EUR');
ALTER TABLE perennial.subscription ALTER subscription_id RESTART 1000;

SELECT is_empty('SELECT * FROM perennial.broken_history', 'what the tests start from is sound');

-- What each function does: its answer, the row, the event and the job, in full.

CREATE TABLE done AS
SELECT name, call, effect(call) AS seen FROM (VALUES
	('subscribe', $$subscribe(1, 1, 3, 'Europe/Paris', '2024-01-30T23:00Z')$$),
	('start_trial', $$start_trial(1, 2, 3, 14, 'Europe/Paris', false, '2024-01-30T23:00Z')$$),
	('start_trial with billing information', $$start_trial(1, 2, 3, 14, 'UTC', true, '2024-01-31Z')$$),
	('cancel', $$cancel(1, 12, '2024-02-15Z')$$),
	('cancel of a trial', $$cancel(1, 11, '2024-02-15Z')$$),
	('withdraw_cancellation', $$withdraw_cancellation(1, 13, '2024-02-15Z')$$),
	('withdraw_cancellation of a trial', $$withdraw_cancellation(1, 14, '2024-02-15Z')$$),
	('reactivate', $$reactivate(1, 15, 2, '2024-03-15Z')$$),
	('set_billing_info', $$set_billing_info(1, 10, '2024-02-15Z')$$),
	('clear_billing_info', $$clear_billing_info(1, 11, '2024-02-15Z')$$),
	('schedule_change', $$schedule_change(1, 12, 2, 5, '2024-02-15Z')$$)
) AS c (name, call);

SELECT is(seen -> part, expected::jsonb, format('%s: %s', name, title))
FROM (VALUES
	('subscribe', 'answer', '"new"', 'it answers the id'),
	('subscribe', 'subscription', '{"new": {"bucket": 1, "account_id": 1, "price_id": 1, "quantity": 3,
		"status": "active", "anchor": "2024-01-31", "time_zone": "Europe/Paris", "months_elapsed": 1,
		"period_start": "2024-01-30T23:00:00Z", "period_end": "2024-02-28T23:00:00Z", "catch_up_allowed": false,
		"revision": 1}}', 'the row is active from at on'),
	('subscribe', 'event', '{"bucket": 1, "account_id": 1, "revision": 1, "kind": "subscribed",
		"at": "2024-01-30T23:00:00Z", "to_status": "active", "period_start": "2024-01-30T23:00:00Z",
		"period_end": "2024-02-28T23:00:00Z", "price_id": 1, "quantity": 3, "unit_amount": 1000, "amount": 3000,
		"currency": "EUR"}', 'the event bills the first period'),
	('subscribe', 'job', '[{"kind": "subscribed", "boundary": "2024-02-28T23:00:00Z"}]', 'a job tells the customer'),

	('start_trial', 'answer', '"new"', 'it answers the id'),
	('start_trial', 'subscription', '{"new": {"bucket": 1, "account_id": 1, "price_id": 2, "quantity": 3,
		"status": "trialing", "anchor": "2024-01-31", "time_zone": "Europe/Paris", "months_elapsed": 0,
		"period_start": "2024-01-30T23:00:00Z", "period_end": "2024-02-13T23:00:00Z",
		"trial_end": "2024-02-13T23:00:00Z", "catch_up_allowed": false, "revision": 1}}',
	 'the row is a trial from at on'),
	('start_trial', 'event', '{"bucket": 1, "account_id": 1, "revision": 1, "kind": "trial_started",
		"at": "2024-01-30T23:00:00Z", "to_status": "trialing", "period_start": "2024-01-30T23:00:00Z",
		"period_end": "2024-02-13T23:00:00Z", "price_id": 2, "quantity": 3}', 'the event bills nothing'),
	('start_trial', 'job', '[{"kind": "trial_started", "boundary": "2024-02-13T23:00:00Z"}]',
	 'a job tells the customer'),
	('start_trial with billing information', 'subscription', '{"new": {"bucket": 1, "account_id": 1, "price_id": 2,
		"quantity": 3, "status": "trialing", "billing_info_at": "2024-01-31", "anchor": "2024-01-31",
		"time_zone": "UTC", "months_elapsed": 0, "period_start": "2024-01-31", "period_end": "2024-02-14",
		"trial_end": "2024-02-14", "catch_up_allowed": false, "revision": 1}}', 'it was given at the start'),
	('start_trial with billing information', 'event', '{"bucket": 1, "account_id": 1, "revision": 1,
		"kind": "trial_started", "at": "2024-01-31", "to_status": "trialing", "period_start": "2024-01-31",
		"period_end": "2024-02-14", "price_id": 2, "quantity": 3, "detail": "with billing information"}',
	 'the event says so'),

	('cancel', 'answer', '"2024-02-29"', 'it answers the expiry'),
	('cancel', 'subscription', '{"12": {"status": "pending_cancellation", "cancel_requested_at": "2024-02-15",
		"revision": 2}}', 'the row is cancelled from at on'),
	('cancel', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 12, "revision": 2, "kind": "cancelled",
		"at": "2024-02-15", "from_status": "active", "to_status": "pending_cancellation",
		"period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1, "quantity": 2}',
	 'the event has the states and bills nothing'),
	('cancel', 'job', '[{"kind": "cancellation_confirmed", "boundary": "2024-02-29"}]', 'a job confirms it'),
	('cancel of a trial', 'answer', '"2024-02-29"', 'it answers the end of the trial'),
	('cancel of a trial', 'subscription', '{"11": {"status": "pending_cancellation",
		"cancel_requested_at": "2024-02-15", "revision": 2}}', 'billing information and trial_end stay'),
	('cancel of a trial', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 11, "revision": 2,
		"kind": "cancelled", "at": "2024-02-15", "from_status": "trialing", "to_status": "pending_cancellation",
		"period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1, "quantity": 2}',
	 'the event says that it was a trial'),

	('withdraw_cancellation', 'answer', NULL, 'it answers nothing'),
	('withdraw_cancellation', 'subscription', '{"13": {"status": "active", "cancel_requested_at": null,
		"revision": 2}}', 'the row is active, and what was scheduled stays'),
	('withdraw_cancellation', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 13, "revision": 2,
		"kind": "withdrawn", "at": "2024-02-15", "from_status": "pending_cancellation", "to_status": "active",
		"period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1, "next_price_id": 2, "quantity": 2,
		"next_quantity": 3}', 'the event has what is scheduled'),
	('withdraw_cancellation', 'job', '[{"kind": "cancellation_withdrawn", "boundary": "2024-02-29"}]',
	 'a job tells the customer'),
	('withdraw_cancellation of a trial', 'subscription', '{"14": {"status": "trialing",
		"cancel_requested_at": null, "revision": 2}}', 'the row is a trial again'),
	('withdraw_cancellation of a trial', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 14,
		"revision": 2, "kind": "withdrawn", "at": "2024-02-15", "from_status": "pending_cancellation",
		"to_status": "trialing", "period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1,
		"quantity": 2}', 'the event says that it is a trial'),

	('reactivate', 'answer', '"2025-03-15"', 'it answers the end of the new period'),
	('reactivate', 'subscription', '{"15": {"status": "active", "price_id": 2, "next_price_id": null,
		"next_quantity": null, "anchor": "2024-03-15", "months_elapsed": 12, "period_start": "2024-03-15",
		"period_end": "2025-03-15", "trial_end": null, "cancel_requested_at": null, "ended_at": null,
		"end_reason": null, "catch_up_allowed": false, "revision": 2}}',
	 'the row counts from at, forgets its end and what was scheduled, and keeps quantity and billing information'),
	('reactivate', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 15, "revision": 2,
		"kind": "reactivated", "at": "2024-03-15", "from_status": "expired", "to_status": "active",
		"period_start": "2024-03-15", "period_end": "2025-03-15", "price_id": 2, "quantity": 2, "unit_amount": 9900,
		"amount": 19800, "currency": "EUR"}', 'the event bills the new period and nothing for the gap'),
	('reactivate', 'job', '[{"kind": "reactivated", "boundary": "2025-03-15"}]', 'a job tells the customer'),

	('set_billing_info', 'answer', NULL, 'it answers nothing'),
	('set_billing_info', 'subscription', '{"10": {"billing_info_at": "2024-02-15", "revision": 2}}',
	 'the row has it from at on, and no other row'),
	('set_billing_info', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 10, "revision": 2,
		"kind": "billing_info_set", "at": "2024-02-15", "from_status": "trialing", "to_status": "trialing",
		"period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1, "quantity": 2}',
	 'the event has the state'),
	('set_billing_info', 'job', NULL, 'there is no job'),
	('clear_billing_info', 'subscription', '{"11": {"billing_info_at": null, "revision": 2}}',
	 'the row has none, and no other row changes'),
	('clear_billing_info', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 11, "revision": 2,
		"kind": "billing_info_cleared", "at": "2024-02-15", "from_status": "trialing", "to_status": "trialing",
		"period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1, "quantity": 2}',
	 'the event has the state'),
	('clear_billing_info', 'job', NULL, 'there is no job'),

	('schedule_change', 'answer', NULL, 'it answers nothing'),
	('schedule_change', 'subscription', '{"12": {"next_price_id": 2, "next_quantity": 5, "revision": 2}}',
	 'price and quantity stay until the boundary'),
	('schedule_change', 'event', '{"bucket": 1, "account_id": 1, "subscription_id": 12, "revision": 2,
		"kind": "change_scheduled", "at": "2024-02-15", "from_status": "active", "to_status": "active",
		"period_start": "2024-01-31", "period_end": "2024-02-29", "price_id": 1, "next_price_id": 2, "quantity": 2,
		"next_quantity": 5}', 'the event has both and bills nothing'),
	('schedule_change', 'job', NULL, 'there is no job')
) AS e (name, part, expected, title)
JOIN done USING (name);
SELECT ok(NOT seen ?| ARRAY['refused', 'lost', 'elsewhere', 'broken'],
          name || ': nothing is lost, no other table changes, the history is sound')
FROM done;

SELECT is(as_shop(format('cancel(1, %s)', id)), '2025-02-28 00:00:00', 'the id that was answered is that of the row')
FROM (SELECT as_shop($$subscribe(1, 2, 1, 'UTC', '2024-02-29Z')$$) AS id) AS s;
SELECT as_shop(format('subscribe(%s, 1, 1, ''UTC'')', account_id)),
       as_shop(format('start_trial(%s, 1, 1, 7, ''UTC'', false)', account_id))
FROM perennial.account WHERE account_id <> 1 \g /dev/null
SELECT results_eq(
	'SELECT account_id, bucket::int, status::text FROM perennial.subscription
	 WHERE subscription_id >= 1000 AND account_id <> 1 ORDER BY 1, 3',
	$$ VALUES (2::bigint, 2, 'active'), (2, 2, 'trialing'), (256, 1, 'active'), (256, 1, 'trialing') $$,
	'a row has its account''s bucket');
DELETE FROM perennial.notification_job;
DELETE FROM perennial.event WHERE subscription_id >= 1000;
DELETE FROM perennial.subscription WHERE subscription_id >= 1000;

-- Every function in every state.  Hold is no state: nothing here sets or clears it.

SELECT is(outline(effect(format(call, id))), expected, format('%s: %s', split_part(call, '(', 1), name))
FROM (VALUES
	($$cancel(1, %s, '2024-03-01Z')$$, 10,
	 'cancelled trialing >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status'),
	($$cancel(1, %s, '2024-03-01Z')$$, 12,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status'),
	($$cancel(1, %s, '2024-03-01Z')$$, 13, 'nothing'),
	($$cancel(1, %s, '2024-03-01Z')$$, 14, 'nothing'),
	($$cancel(1, %s, '2024-03-01Z')$$, 15, 'PR002'),
	($$cancel(1, %s, '2024-03-01Z')$$, 16,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status'),
	($$cancel(1, %s, '2024-03-01Z')$$, 17,
	 'cancelled trialing >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status'),
	($$cancel(1, %s, '2024-03-01Z')$$, 18, 'nothing'),
	($$cancel(1, %s, '2024-03-01Z')$$, 19, 'PR002'),
	($$cancel(1, %s, '2024-03-01Z')$$, 27,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status'),

	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 10, 'nothing'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 12, 'nothing'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 13,
	 'withdrawn pending_cancellation >active +cancellation_withdrawn : cancel_requested_at revision status'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 14,
	 'withdrawn pending_cancellation >trialing +cancellation_withdrawn : cancel_requested_at revision status'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 15, 'PR002'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 16, 'nothing'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 17, 'nothing'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 18,
	 'withdrawn pending_cancellation >active +cancellation_withdrawn : cancel_requested_at revision status'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 19, 'PR002'),
	($$withdraw_cancellation(1, %s, '2024-03-01Z')$$, 30,
	 'withdrawn pending_cancellation >active +cancellation_withdrawn : cancel_requested_at revision status'),

	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 10, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 12, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 13, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 14, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 16, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 17, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 18, 'PR002'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 19, 'reactivated expired >active +reactivated : anchor '
	 'cancel_requested_at catch_up_allowed end_reason ended_at period_end period_start revision status'),
	($$reactivate(1, %s, 1, '2024-03-01Z')$$, 28, 'reactivated expired >active +reactivated : anchor '
	 'cancel_requested_at catch_up_allowed end_reason period_end period_start revision status'),

	($$set_billing_info(1, %s, '2024-03-01Z')$$, 10,
	 'billing_info_set trialing >trialing : billing_info_at revision'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 11, 'nothing'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 12, 'billing_info_set active >active : billing_info_at revision'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 13, 'nothing'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 14,
	 'billing_info_set pending_cancellation >pending_cancellation : billing_info_at revision'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 15, 'PR002'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 16, 'billing_info_set active >active : billing_info_at revision'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 17,
	 'billing_info_set trialing >trialing : billing_info_at revision'),
	($$set_billing_info(1, %s, '2024-03-01Z')$$, 19, 'PR002'),

	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 10, 'nothing'),
	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 11,
	 'billing_info_cleared trialing >trialing : billing_info_at revision'),
	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 12, 'nothing'),
	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 13,
	 'billing_info_cleared pending_cancellation >pending_cancellation : billing_info_at revision'),
	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 15, 'PR002'),
	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 16, 'nothing'),
	($$clear_billing_info(1, %s, '2024-03-01Z')$$, 19, 'PR002'),

	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 10,
	 'change_scheduled trialing >trialing : next_price_id next_quantity revision'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 12,
	 'change_scheduled active >active : next_price_id next_quantity revision'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 13, 'nothing'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 14,
	 'change_scheduled pending_cancellation >pending_cancellation : next_price_id next_quantity revision'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 15, 'PR002'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 16, 'nothing'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 17,
	 'change_scheduled trialing >trialing : next_price_id next_quantity revision'),
	($$schedule_change(1, %s, 2, 3, '2024-03-01Z')$$, 19, 'PR002'),
	($$schedule_change(1, %s, NULL, NULL, '2024-03-01Z')$$, 12, 'nothing'),
	($$schedule_change(1, %s, NULL, NULL, '2024-03-01Z')$$, 15, 'PR002'),
	($$schedule_change(1, %s, NULL, NULL, '2024-03-01Z')$$, 16,
	 'change_scheduled active >active : next_price_id next_quantity revision')
) AS m (call, id, expected)
JOIN fixture USING (id);

-- Said twice: the second time nothing is written and the answer is the same, even where it is dated before the first.

SELECT is(effect(again, first), expected::jsonb, format('after %s, %s writes nothing', first, again))
FROM (VALUES
	($$cancel(1, 12, '2024-02-15Z')$$, $$cancel(1, 12, '2024-02-15Z')$$, '{"answer": "2024-02-29"}'),
	($$cancel(1, 12, '2024-02-15Z')$$, $$cancel(1, 12)$$, '{"answer": "2024-02-29"}'),
	($$cancel(1, 12, '2024-02-15Z')$$, $$cancel(1, 12, '2024-02-01Z')$$, '{"answer": "2024-02-29"}'),
	($$withdraw_cancellation(1, 13, '2024-02-15Z')$$, $$withdraw_cancellation(1, 13, '2024-02-15Z')$$, '{}'),
	($$withdraw_cancellation(1, 14)$$, $$withdraw_cancellation(1, 14)$$, '{}'),
	($$set_billing_info(1, 10, '2024-02-15Z')$$, $$set_billing_info(1, 10, '2024-02-16Z')$$, '{}'),
	($$clear_billing_info(1, 11, '2024-02-15Z')$$, $$clear_billing_info(1, 11, '2024-02-15Z')$$, '{}'),
	($$schedule_change(1, 12, 2, 5, '2024-02-15Z')$$, $$schedule_change(1, 12, 2, 5, '2024-02-15Z')$$, '{}'),
	($$schedule_change(1, 12, 2, NULL)$$, $$schedule_change(1, 12, 2, 2)$$, '{}'),
	($$schedule_change(1, 16, NULL, NULL)$$, $$schedule_change(1, 16, 1, 2)$$, '{}')
) AS r (first, again, expected);
SELECT is(outline(effect(again, first)), expected, format('after %s, %s: %s', first, again, expected))
FROM (VALUES
	($$reactivate(1, 15, 2, '2024-03-15Z')$$, $$reactivate(1, 15, 2, '2024-03-15Z')$$, 'PR002'),
	($$cancel(1, 12, '2024-02-15Z')$$, $$withdraw_cancellation(1, 12, '2024-02-15Z')$$,
	 'withdrawn pending_cancellation >active +cancellation_withdrawn : cancel_requested_at revision status'),
	($$withdraw_cancellation(1, 13, '2024-02-15Z')$$, $$cancel(1, 13, '2024-02-15Z')$$,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status'),
	($$set_billing_info(1, 10, '2024-02-15Z')$$, $$clear_billing_info(1, 10, '2024-02-15Z')$$,
	 'billing_info_cleared trialing >trialing : billing_info_at revision'),
	($$reactivate(1, 15, 2, '2024-03-15Z')$$, $$cancel(1, 15, '2024-03-16Z')$$,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status')
) AS r (first, again, expected);

-- Whoever finds nothing to do has had the row's lock all the same.
SELECT is(bool_or(xmax <> '0'), false, 'no row that is looked at here was locked before')
FROM perennial.subscription WHERE subscription_id = 23;
SELECT as_shop('withdraw_cancellation(1, 23)') \gset
SELECT is(xmax <> '0', true, 'a call locks the row') FROM perennial.subscription WHERE subscription_id = 23;

-- Details of single functions.

SELECT is(effect(call) #> '{subscription,12}', expected::jsonb, title)
FROM (VALUES
	($$schedule_change(1, 12, 2, NULL)$$, '{"next_price_id": 2, "revision": 2}',
	 'a price can be scheduled alone'),
	($$schedule_change(1, 12, NULL, 5)$$, '{"next_quantity": 5, "revision": 2}',
	 'a quantity can be scheduled alone'),
	($$schedule_change(1, 12, 1, 5)$$, '{"next_quantity": 5, "revision": 2}',
	 'the price in force needs no schedule'),
	($$schedule_change(1, 12, 2, 2)$$, '{"next_price_id": 2, "revision": 2}',
	 'the quantity in force needs no schedule'),
	($$schedule_change(1, 12, 4, NULL)$$, '{"next_price_id": 4, "revision": 2}', 'a free price can be scheduled'),
	($$schedule_change(1, 12, 6, NULL)$$, '{"next_price_id": 6, "revision": 2}',
	 'an amount of 10^15 can be scheduled'),
	($$schedule_change(1, 12, 5, 1)$$, '{"next_price_id": 5, "next_quantity": 1, "revision": 2}',
	 'it is the two together that make the amount')
) AS s (call, expected, title);
SELECT is(effect(call) #> '{subscription,16}', expected::jsonb, title)
FROM (VALUES
	($$schedule_change(1, 16, NULL, NULL)$$, '{"next_price_id": null, "next_quantity": null, "revision": 3}',
	 'nulls withdraw what was scheduled'),
	($$schedule_change(1, 16, 1, 2)$$, '{"next_price_id": null, "next_quantity": null, "revision": 3}',
	 'what is in force withdraws what was scheduled'),
	($$schedule_change(1, 16, 4, NULL)$$, '{"next_price_id": 4, "next_quantity": null, "revision": 3}',
	 'a schedule replaces the one before as a whole')
) AS s (call, expected, title);

SELECT is(effect($$cancel(1, 12, '2024-03-03Z')$$) ->> 'answer', '2024-02-29',
          'cancelling what is overdue answers the end that is past');
SELECT is(effect($$cancel(1, 12, '2024-03-03Z')$$) #>> '{subscription,12,cancel_requested_at}', '2024-03-03',
          'cancelling what is overdue is dated when it was said');
SELECT is(effect($$cancel(1, 13, '2024-03-03Z')$$) ->> 'answer', '2024-02-29',
          'cancelling again what is overdue answers the same');

SELECT is(seen #> '{event,amount}', to_jsonb(amount), title)
FROM (VALUES
	($$subscribe(1, 4, 7, 'UTC')$$, 0, 'a free period is billed with 0'),
	($$subscribe(1, 5, 1, 'UTC')$$, 1000000000000000, 'an amount of 10^15 is billed'),
	($$subscribe(1, 1, 2147483647, 'UTC')$$, 2147483647000, 'the largest quantity is billed'),
	($$reactivate(1, 15, 4)$$, 0, 'a free period is billed with 0 when it is reactivated'),
	($$reactivate(1, 15, 6)$$, 1000000000000000, 'a reactivation bills what the row''s quantity costs'),
	($$subscribe(1, 3, 2, 'UTC')$$, 1000, 'every currency has its own minor unit')
) AS a (call, amount, title), effect(call) AS seen;
SELECT is(effect($$subscribe(1, 3, 2, 'UTC')$$) #>> '{event,currency}', 'JPY', 'an amount has its price''s currency');

-- Boundaries: month ends, a leap day, clocks that go forward and back.

SELECT is(seen #>> '{subscription,new,anchor}' || ' ' || (seen #>> '{subscription,new,period_end}'), expected,
          'subscribe: ' || title)
FROM (VALUES
	($$subscribe(1, 1, 1, 'UTC', '2024-01-31Z')$$, '2024-01-31 2024-02-29', 'the last of January leads to a leap day'),
	($$subscribe(1, 1, 1, 'UTC', '2025-01-31Z')$$, '2025-01-31 2025-02-28',
	 'the last of January leads to the last of February'),
	($$subscribe(1, 1, 1, 'UTC', '2024-03-31Z')$$, '2024-03-31 2024-04-30', 'March 31 leads to April 30'),
	($$subscribe(1, 2, 1, 'UTC', '2024-02-29Z')$$, '2024-02-29 2025-02-28',
	 'a year after a leap day is February 28'),
	($$subscribe(1, 1, 1, 'America/New_York', '2025-02-09T07:30Z')$$, '2025-02-09T02:30:00 2025-03-09T07:30:00Z',
	 'a boundary in a gap of daylight saving moves forward'),
	($$subscribe(1, 1, 1, 'America/New_York', '2025-10-02T05:30Z')$$, '2025-10-02T01:30:00 2025-11-02T06:30:00Z',
	 'a boundary in an overlap is the second instant'),
	($$subscribe(1, 1, 1, 'America/New_York', '2025-11-02T05:30Z')$$, '2025-11-02T01:30:00 2025-12-02T06:30:00Z',
	 'a start in an overlap has the local time of its first instant'),
	($$subscribe(1, 1, 1, 'Asia/Tokyo', '2024-01-30T15:00Z')$$, '2024-01-31 2024-02-28T15:00:00Z',
	 'the anchor is the day where the customer is'),
	($$subscribe(1, 1, 1, 'UTC', '1900-01-01Z')$$, '1900-01-01 1900-02-01', 'the earliest instant is taken'),
	($$subscribe(1, 1, 1, 'Etc/GMT+12', '1900-01-01Z')$$, '1899-12-31T12:00:00 1900-02-01',
	 'the earliest instant is taken where it is a day earlier'),
	($$subscribe(1, 1, 1, 'UTC', '2999-12-01Z')$$, '2999-12-01 3000-01-01', 'the latest end is taken'),
	($$subscribe(1, 1, 1, 'UTC', '2024-01-31T01:02:03.456789Z')$$,
	 '2024-01-31T01:02:03.456789 2024-02-29T01:02:03.456789Z', 'microseconds count')
) AS b (call, expected, title), effect(call) AS seen;
SELECT is(effect($$subscribe(1, 1, 1, 'America/New_York', '2025-11-02T05:30Z')$$)
          #>> '{subscription,new,period_start}', '2025-11-02T05:30:00Z',
          'subscribe: a period starts at at, in an overlap too');

-- What was stored leads to the boundaries that follow.
SELECT is((SELECT string_agg((perennial.boundary(anchor, time_zone, months_elapsed + step * k))::text, ' ' ORDER BY k)
           FROM generate_series(0, 3) k), expected, title)
FROM (VALUES
	($$subscribe(1, 1, 1, 'UTC', '2024-01-31Z')$$, 1,
	 '2024-02-29 00:00:00+00 2024-03-31 00:00:00+00 2024-04-30 00:00:00+00 2024-05-31 00:00:00+00',
	 'subscribe: the boundaries after January 31 are month ends'),
	($$subscribe(1, 2, 1, 'UTC', '2024-02-29Z')$$, 12,
	 '2025-02-28 00:00:00+00 2026-02-28 00:00:00+00 2027-02-28 00:00:00+00 2028-02-29 00:00:00+00',
	 'subscribe: the boundaries after a leap day return to it')
) AS b (call, step, expected, title),
LATERAL (SELECT (effect(call) #> '{subscription,new}') AS row) AS r,
LATERAL jsonb_to_record(r.row) AS s (anchor timestamp, time_zone text, months_elapsed int);

SELECT is(seen #>> '{subscription,new,period_end}', expected, 'start_trial: ' || title)
FROM (VALUES
	($$start_trial(1, 1, 1, 1, 'UTC', false, '2024-02-28Z')$$, '2024-02-29', 'one day leads to a leap day'),
	($$start_trial(1, 1, 1, 30, 'UTC', false, '2024-02-28Z')$$, '2024-03-29', 'days are days, not months'),
	($$start_trial(1, 1, 1, 1, 'America/New_York', false, '2025-03-08T17:00Z')$$, '2025-03-09T16:00:00Z',
	 'the day on which clocks go forward has 23 hours'),
	($$start_trial(1, 1, 1, 1, 'America/New_York', false, '2025-11-01T16:00Z')$$, '2025-11-02T17:00:00Z',
	 'the day on which clocks go back has 25 hours'),
	($$start_trial(1, 1, 1, 14, 'America/New_York', false, '2025-03-01T05:00Z')$$, '2025-03-15T04:00:00Z',
	 'two weeks end at the same local time'),
	($$start_trial(1, 1, 1, 1, 'America/New_York', false, '2025-03-08T07:30Z')$$, '2025-03-09T07:30:00Z',
	 'an end in a gap moves forward'),
	($$start_trial(1, 1, 1, 1, 'America/New_York', false, '2025-11-01T05:30Z')$$, '2025-11-02T06:30:00Z',
	 'an end in an overlap is the second instant'),
	($$start_trial(1, 1, 1, 1, 'Pacific/Apia', false, '2011-12-29T12:00Z')$$, '2011-12-30T12:00:00Z',
	 'a day that a zone left out is made up for'),
	($$start_trial(1, 1, 1, 3660, 'UTC', false, '2024-01-01Z')$$, '2034-01-08', 'ten years are taken'),
	($$start_trial(1, 1, 1, 1, 'UTC', false, '2999-12-31Z')$$, '3000-01-01', 'the latest end is taken')
) AS b (call, expected, title), effect(call) AS seen;
SELECT is(seen #> '{subscription,new,trial_end}', seen #> '{subscription,new,period_end}',
          'start_trial: trial_end is the end of the period')
FROM effect($$start_trial(1, 1, 1, 1, 'America/New_York', false, '2025-03-08T07:30Z')$$) AS seen;

SELECT is(concat_ws(' ', s ->> 'anchor', s ->> 'period_start', s ->> 'period_end', s ->> 'months_elapsed'), expected,
          'reactivate: ' || title)
FROM (VALUES
	($$reactivate(1, 15, 1, '2024-02-29Z')$$, '15', '2024-02-29 2024-02-29 2024-03-29',
	 'the end of the old period may be the start of the new one'),
	($$reactivate(1, 15, 2, '2024-02-29Z')$$, '15', '2024-02-29 2024-02-29 2025-02-28 12',
	 'a year after a leap day is February 28, and months count the interval'),
	($$reactivate(1, 15, 1, '2025-01-31Z')$$, '15', '2025-01-31 2025-01-31 2025-02-28',
	 'the last of January leads to the last of February'),
	($$reactivate(1, 28, 1, '2024-02-29Z')$$, '28', '2024-02-29 2024-02-29 2024-03-29',
	 'without ended_at the period''s end counts'),
	($$reactivate(1, 24, 1, '2025-02-09T07:30Z')$$, '24',
	 '2025-02-09T02:30:00 2025-02-09T07:30:00Z 2025-03-09T07:30:00Z', 'a boundary in a gap moves forward'),
	($$reactivate(1, 24, 1, '2025-10-02T05:30Z')$$, '24',
	 '2025-10-02T01:30:00 2025-10-02T05:30:00Z 2025-11-02T06:30:00Z',
	 'a boundary in an overlap is the second instant')
) AS b (call, id, expected, title), LATERAL (SELECT effect(call) #> ARRAY['subscription', id]) AS e (s);

-- When it happened: now unless it is said, and never before what is in the history.

CREATE TABLE instant AS SELECT n.name, to_char(n.at, 'YYYY-MM-DD"T"HH24:MI:SS.USZ') AS at
FROM (VALUES ('now', now()), ('entry', now() + interval '1 hour')) AS n (name, at);

SELECT is(to_char((effect(call) #>> path::text[])::timestamptz, 'YYYY-MM-DD"T"HH24:MI:SS.USZ'), instant.at, title)
FROM (VALUES
	('subscribe(1, 1, 1, ''UTC'')', '{event,at}', 'now', 'subscribe: it happens now'),
	('subscribe(1, 1, 1, ''UTC'')', '{subscription,new,period_start}', 'now', 'subscribe: the period starts now'),
	('start_trial(1, 1, 1, 7, ''UTC'', true)', '{event,at}', 'now', 'start_trial: it happens now'),
	('start_trial(1, 1, 1, 7, ''UTC'', true)', '{subscription,new,billing_info_at}', 'now',
	 'start_trial: billing information is given now'),
	('cancel(1, 12)', '{event,at}', 'now', 'cancel: it happens now'),
	('cancel(1, 12)', '{subscription,12,cancel_requested_at}', 'now', 'cancel: it is requested now'),
	('withdraw_cancellation(1, 13)', '{event,at}', 'now', 'withdraw_cancellation: it happens now'),
	('reactivate(1, 15, 1)', '{event,at}', 'now', 'reactivate: it happens now'),
	('reactivate(1, 15, 1)', '{subscription,15,period_start}', 'now', 'reactivate: the period starts now'),
	('set_billing_info(1, 10)', '{event,at}', 'now', 'set_billing_info: it happens now'),
	('set_billing_info(1, 10)', '{subscription,10,billing_info_at}', 'now', 'set_billing_info: it is given now'),
	('clear_billing_info(1, 11)', '{event,at}', 'now', 'clear_billing_info: it happens now'),
	('schedule_change(1, 12, 2, 2)', '{event,at}', 'now', 'schedule_change: it happens now'),
	('cancel(1, 26)', '{event,at}', 'entry', 'cancel: now is moved up to the last entry'),
	('cancel(1, 26)', '{subscription,26,cancel_requested_at}', 'entry', 'cancel: it is requested at the last entry'),
	('withdraw_cancellation(1, 31)', '{event,at}', 'entry',
	 'withdraw_cancellation: now is moved up to the last entry'),
	('reactivate(1, 29, 1)', '{event,at}', 'entry', 'reactivate: now is moved up to the last entry'),
	('reactivate(1, 29, 1)', '{subscription,29,period_start}', 'entry',
	 'reactivate: the period starts at the last entry'),
	('reactivate(1, 29, 1)', '{subscription,29,anchor}', 'entry', 'reactivate: the last entry is the anchor'),
	('set_billing_info(1, 26)', '{event,at}', 'entry', 'set_billing_info: now is moved up to the last entry'),
	('set_billing_info(1, 26)', '{subscription,26,billing_info_at}', 'entry',
	 'set_billing_info: it is given at the last entry'),
	('schedule_change(1, 26, 2, 2)', '{event,at}', 'entry', 'schedule_change: now is moved up to the last entry')
) AS d (call, path, at, title)
JOIN instant ON instant.name = d.at;

SELECT is(outline(effect(format(call, at))), expected, format('%s: at %s is %s', split_part(call, '(', 1), at,
          CASE expected WHEN '22023' THEN 'before the last entry' ELSE 'not before it' END))
FROM (VALUES
	('cancel(1, 12, %L)', 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at '
	 'revision status'),
	('withdraw_cancellation(1, 13, %L)', 'withdrawn pending_cancellation >active +cancellation_withdrawn : '
	 'cancel_requested_at revision status'),
	('set_billing_info(1, 10, %L)', 'billing_info_set trialing >trialing : billing_info_at revision'),
	('clear_billing_info(1, 11, %L)', 'billing_info_cleared trialing >trialing : billing_info_at revision'),
	('schedule_change(1, 12, 2, NULL, %L)', 'change_scheduled active >active : next_price_id revision')
) AS c (call, done),
LATERAL (VALUES ('2024-02-10T00:00:00Z', done), ('2024-02-09T23:59:59.999999Z', '22023')) AS a (at, expected);
SELECT is(outline(effect(call)), expected, title)
FROM (VALUES
	($$cancel(1, 25, '2024-02-29Z')$$,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status',
	 'an event may have the date of the last outcome'),
	($$cancel(1, 25, '2024-02-28T23:59:59.999999Z')$$, '22023', 'no event is dated before the last outcome'),
	($$cancel(1, 27, '1900-01-01Z')$$,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status',
	 'without history any date fits'),
	($$reactivate(1, 15, 1, '2024-02-28T23:59:59.999999Z')$$, '22023', 'nothing is reactivated before it ended'),
	($$reactivate(1, 28, 1, '2024-02-28T23:59:59.999999Z')$$, '22023',
	 'without ended_at nothing is reactivated before its period''s end'),
	($$reactivate(1, 15, 1, '2024-02-09Z')$$, '22023', 'nothing is reactivated before the last entry'),
	($$cancel(1, 26, now())$$,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status',
	 'the transaction''s time is moved up when it is given too'),
	($$cancel(1, 26, now() - interval '1 microsecond')$$, '22023', 'any other time before the last entry is refused'),
	($$cancel(1, 26, now() + interval '59 minutes')$$, '22023', 'a later time before the last entry is refused'),
	($$cancel(1, 12, '2999-12-31T23:59:59.999999Z')$$,
	 'cancelled active >pending_cancellation +cancellation_confirmed : cancel_requested_at revision status',
	 'the latest instant is taken')
) AS a (call, expected, title);

-- What is refused: each function with one bad argument at a time, the others being good.

CREATE TABLE good (name text, given text[]);
INSERT INTO good VALUES
	('subscribe', ARRAY['1', '1', '2', '''UTC''', '''2024-02-15Z''']),
	('start_trial', ARRAY['1', '1', '2', '14', '''UTC''', 'false', '''2024-02-15Z''']),
	('cancel', ARRAY['1', '12', '''2024-02-15Z''']),
	('withdraw_cancellation', ARRAY['1', '13', '''2024-02-15Z''']),
	('reactivate', ARRAY['1', '15', '1', '''2024-03-15Z''']),
	('set_billing_info', ARRAY['1', '10', '''2024-02-15Z''']),
	('clear_billing_info', ARRAY['1', '11', '''2024-02-15Z''']),
	('schedule_change', ARRAY['1', '12', '2', '5', '''2024-02-15Z''']);
SELECT bag_eq('SELECT name FROM good',
              $$ SELECT proname::text FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace
                 AND has_function_privilege('perennial_app', oid, 'EXECUTE')
                 AND proname NOT IN ('put_account', 'subscriptions_of', 'take_jobs', 'complete_job', 'fail_job') $$,
              'every function that changes a subscription is tried');
CREATE VIEW argument AS
	SELECT g.name AS function, a.name, a.position, g.given, p.oid
	FROM good g JOIN pg_proc p ON p.proname = g.name AND p.pronamespace = 'perennial'::regnamespace,
	     unnest(p.proargnames) WITH ORDINALITY AS a (name, position);
CREATE FUNCTION call_with(a argument, value text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s(%s)', a.function, array_to_string(
	              a.given[: a.position - 1] || value || a.given[a.position + 1 :], ', '))
$$;
SELECT is(outline(effect(format('%s(%s)', name, array_to_string(given, ', ')))) ~ '^[a-z_]+ ', true,
          name || ': good arguments are taken')
FROM good;
SELECT is(array_length(given, 1), pronargs::int, name || ': every argument is tried')
FROM good JOIN pg_proc ON proname = name AND pronamespace = 'perennial'::regnamespace;

SELECT refused(call_with(a, 'NULL'), '22023', '%' || a.name || ' is null%',
               format('%s: %s is not null', function, name))
FROM argument a
WHERE NOT (a.function = 'schedule_change' AND a.name IN ('price_id', 'quantity'));

SELECT refused(call_with(a, value), state, about, format('%s: no %s %s', function, name, value))
FROM argument a JOIN (VALUES
	('account_id', '99', 'PR001', '%account%99%'),
	('account_id', '0', 'PR001', '%account%0%'),
	('account_id', '-1', 'PR001', '%account%-1%'),
	('account_id', '9223372036854775807', 'PR001', '%account%9223372036854775807%'),
	('subscription_id', '99', 'PR001', '%account 1 has no subscription 99%'),
	('subscription_id', '21', 'PR001', '%account 1 has no subscription 21%'),
	('subscription_id', '22', 'PR001', '%account 1 has no subscription 22%'),
	('price_id', '99', 'PR001', '%price 99%'),
	('price_id', '-1', 'PR001', '%price -1%'),
	('price_id', '5', '22023', '%2 times 1000000000000000%'),
	('quantity', '0', '22023', '%quantity is 0%'),
	('quantity', '-1', '22023', '%quantity is -1%'),
	('days', '0', '22023', '%0 days%'),
	('days', '-1', '22023', '%-1 days%'),
	('days', '3661', '22023', '%3661 days%'),
	('days', '2147483647', '22023', '%2147483647 days%'),
	('time_zone', '''''', '22023', '%time zone%'),
	('time_zone', '''FOO5''', '22023', '%time zone%FOO5%'),
	('time_zone', '''+05''', '22023', '%time zone%+05%'),
	('time_zone', '''EST5EDT4''', '22023', '%time zone%EST5EDT4%'),
	('time_zone', '''Nowhere/Land''', '22023', '%time zone%Nowhere/Land%'),
	('time_zone', '''europe/paris''', '22023', '%time zone%europe/paris%'),
	('time_zone', '''UTC''''; DROP TABLE perennial.event; --''', '22023', '%time zone%DROP TABLE%'),
	('at', '''infinity''', '22023', '%at is out of range: infinity%'),
	('at', '''-infinity''', '22023', '%at is out of range: -infinity%'),
	('at', '''1899-12-31T23:59:59.999999Z''', '22023', '%at is out of range: 1899-12-31T23:59:59.999999Z%'),
	('at', '''3000-01-01Z''', '22023', '%at is out of range: 3000-01-01T00:00:00Z%'),
	('at', '''0044-03-15Z BC''', '22023', '%at is out of range%'),
	('at', '''294276-12-31Z''', '22023', '%at is out of range: 294276-%')
) AS bad (name, value, state, about) USING (name)
WHERE NOT (a.function = 'schedule_change' AND bad.value = '5');
-- A zone that the server lost since it was listed.
INSERT INTO perennial.time_zone VALUES ('Mars/Olympus');
SELECT refused(call_with(a, '''Mars/Olympus'''), '22023', '%time zone%Mars/Olympus%',
               a.function || ': no zone that the server has lost')
FROM argument a WHERE name = 'time_zone';

SELECT refused(call, state, about, title) FROM (VALUES
	($$schedule_change(1, 15, 99, 0)$$, 'PR002', '%expired%', 'schedule_change: an expired one has no prices to look at'),
	($$schedule_change(1, 12, 5, NULL)$$, '22023', '%2 times 1000000000000000%',
	 'schedule_change: no amount beyond 10^15 with the quantity in force'),
	($$schedule_change(1, 12, 6, 3)$$, '22023', '%3 times 500000000000000%',
	 'schedule_change: no amount beyond 10^15'),
	($$schedule_change(1, 12, 3, NULL)$$, '22023', '%JPY%EUR%', 'schedule_change: no other currency'),
	($$schedule_change(1, 10, 3, 2)$$, '22023', '%JPY%EUR%', 'schedule_change: no other currency for a trial'),
	($$reactivate(1, 15, 3)$$, '22023', '%JPY%EUR%', 'reactivate: no other currency'),
	($$subscribe(1, 7, 7, 'UTC')$$, '22023', '%7 times%', 'subscribe: no amount of 10^15 and 1'),
	($$subscribe(1, 5, 2147483647, 'UTC')$$, '22023', '%times%', 'subscribe: no amount beyond a bigint'),
	($$start_trial(1, 5, 2147483647, 7, 'UTC', false)$$, '22023', '%times%',
	 'start_trial: nothing that could never be billed'),
	($$subscribe(1, 1, 1, 'UTC', '2999-12-01T00:00:00.000001Z')$$, '22023', '%end at 3000-01-01T00:00:00.000001Z%',
	 'subscribe: no end after the year 2999'),
	($$subscribe(1, 1, 1, 'America/New_York', '2999-12-01T05:00Z')$$, '22023', '%end at 3000-01-01T05:00:00Z%',
	 'subscribe: no end after the year 2999 in UTC'),
	($$start_trial(1, 1, 1, 2, 'UTC', false, '2999-12-31Z')$$, '22023', '%end at 3000-01-02%',
	 'start_trial: no end after the year 2999'),
	($$reactivate(1, 15, 2, '2999-06-01Z')$$, '22023', '%end at 3000-06-01%',
	 'reactivate: no end after the year 2999'),
	($$reactivate(1, 15, 1, '2024-02-28Z')$$, '22023', '%before subscription 15 ended%',
	 'reactivate: the refusal of a date before the end says so'),
	($$cancel(1, 15)$$, 'PR002', '%15 expired at 2024-02-29T00:00:00Z%', 'cancel: the refusal says when it expired'),
	($$cancel(1, 28)$$, 'PR002', '%28 expired at 2024-02-29T00:00:00Z%',
	 'cancel: the refusal says when it expired without ended_at'),
	($$reactivate(1, 12, 1)$$, 'PR002', '%12 is active%', 'reactivate: the refusal says the state')
) AS r (call, state, about, title);
SELECT refused(replace(call_with(a, '12'), function || '(1,', function || '(2,'), 'PR001',
               '%account 2 has no subscription 12%', format('%s: not for another account', function))
FROM argument a WHERE a.name = 'subscription_id';

SELECT alike(effect(format('reactivate(1, %s, 1)', id)) ->> 'hint', about,
             format('reactivate: the hint for %s leads on', name))
FROM (VALUES (12, 'only an expired one%'), (13, 'withdraw_cancellation()%')) AS h (id, about) JOIN fixture USING (id);

-- The functions run with their owner's rights: nothing that a caller brings along is used.

SELECT is_empty($$ SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace AND prosecdef
                   AND NOT coalesce('search_path=pg_catalog, perennial, pg_temp' = ANY (proconfig), false) $$,
                'every function with its owner''s rights fixes the search path');
SELECT is_empty($$ SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace
                   AND prosqlbody IS NULL
                   AND NOT coalesce('search_path=pg_catalog, perennial, pg_temp' = ANY (proconfig), false) $$,
                'every function whose names are looked up when it runs fixes the search path');
SELECT is_empty($$ SELECT p.oid::regprocedure
                   FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
                   WHERE pronamespace = 'perennial'::regnamespace AND acl.grantee = 0 $$,
                'PUBLIC executes no function of the schema');
SELECT is((SELECT string_agg(name, ' ') FROM good JOIN pg_proc ON proname = name
           AND pronamespace = 'perennial'::regnamespace WHERE NOT prosecdef), NULL,
          'applications need no right of their own on a table');

CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE 'TRAP0'; END $$;
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
DO $$
DECLARE
	kind text;
	op text;
	place text;
	f record;
BEGIN
	FOREACH place IN ARRAY ARRAY['hostile', 'pg_temp'] LOOP
		-- Functions with the names and arguments of ours and of the server's.
		FOR f IN SELECT p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments
		         FROM pg_proc p WHERE p.pronamespace = 'perennial'::regnamespace OR p.oid IN (
		         'now()'::regprocedure, 'isfinite(timestamptz)'::regprocedure, 'format(text)'::regprocedure,
		         'timezone(text, timestamp)'::regprocedure, 'timezone(text, timestamptz)'::regprocedure,
		         'jsonb_each(jsonb)'::regprocedure, 'pg_notify(text, text)'::regprocedure,
		         'int8(int4)'::regprocedure, 'numeric(int8)'::regprocedure, 'jsonb_build_object()'::regprocedure)
		LOOP
			EXECUTE format('CREATE FUNCTION %s.%I(%s) RETURNS text LANGUAGE sql AS ''SELECT public.trap()::text''',
			               place, f.name, regexp_replace(f.arguments, ',? *OUT .*$', ''));
		END LOOP;
		-- Operators on the types of the tables' columns.
		FOREACH kind IN ARRAY ARRAY['bigint', 'int', 'smallint', 'text', 'bpchar', 'timestamptz', 'numeric',
		                            'perennial.status'] LOOP
			EXECUTE format('CREATE FUNCTION %s.trap(%2$s, %2$s) RETURNS boolean LANGUAGE sql '
			               'AS ''SELECT public.trap()''', place, kind);
			FOREACH op IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>='] LOOP
				EXECUTE format('CREATE OPERATOR %s.%s (LEFTARG = %3$s, RIGHTARG = %3$s, FUNCTION = %1$s.trap)',
				               place, op, kind);
			END LOOP;
		END LOOP;
		-- Tables with the names of ours, and one row to be found.
		FOR f IN SELECT relname AS name FROM pg_class
		         WHERE relnamespace = 'perennial'::regnamespace AND relkind = 'r' LOOP
			EXECUTE format('CREATE TABLE %s.%I (bucket smallint DEFAULT 1, account_id bigint DEFAULT 99, '
			               'name text DEFAULT ''Nowhere/Land'')', place, f.name);
			EXECUTE format('INSERT INTO %s.%I DEFAULT VALUES', place, f.name);
		END LOOP;
	END LOOP;
END
$$;
CREATE TABLE path AS SELECT unnest(ARRAY['hostile, public, perennial, pg_catalog, pg_temp',
	'pg_temp, hostile, perennial, pg_catalog']) AS path;

CREATE FUNCTION perennial.trapped() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	RETURN 1::bigint = 1::bigint;
END
$$;
SELECT is(effect('trapped()', path => path) ->> 'refused', 'TRAP0',
          'a function without a path of its own is caught in ' || path)
FROM path;
DROP FUNCTION perennial.trapped();

SELECT is(effect(call, path => path), seen, format('%s: nothing hostile is used in %s', name, path))
FROM done, path;
SELECT is(outline(effect(call, path => path)), expected, format('%s is refused in %s', call, path))
FROM path, (VALUES
	($$subscribe(99, 1, 1, 'UTC')$$, 'PR001'),
	($$subscribe(1, 99, 1, 'UTC')$$, 'PR001'),
	($$subscribe(1, 1, 1, 'Nowhere/Land')$$, '22023'),
	($$subscribe(1, 1, 1, 'UTC', 'infinity')$$, '22023'),
	($$start_trial(1, 1, 1, 0, 'UTC', false)$$, '22023'),
	($$cancel(1, 99)$$, 'PR001'),
	($$cancel(1, 12, '2024-02-09Z')$$, '22023'),
	($$reactivate(1, 15, 3)$$, '22023'),
	($$put_account(1, 'odd', 'Ada', 'ada@example.com', NULL, 'en')$$, '22023'),
	($$subscriptions_of(99)$$, 'PR001')
) AS c (call, expected);
SELECT is(outline(effect($$put_account(1, 'online', 'Eve', 'eve@example.com', NULL, 'en')$$, path => path)),
          'ELSEWHERE ["account"]', 'put_account writes the schema''s account in ' || path)
FROM path;
SELECT is(effect('subscriptions_of(256)', path => path) ->> 'answer', effect('subscriptions_of(256)') ->> 'answer',
          'subscriptions_of reads the schema''s tables in ' || path)
FROM path;

SELECT * FROM finish();
ROLLBACK;
