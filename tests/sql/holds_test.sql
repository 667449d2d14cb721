-- holds_test: what operators put on hold and release, called as one of them does, and what it leaves.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(50);

CREATE ROLE perennial_test_alice LOGIN IN ROLE perennial_operator;

INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'One');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES (1, 1, 'EUR', 1000, 1);
INSERT INTO perennial.account (bucket, account_id)
SELECT perennial.bucket_of(id), id FROM unnest('{1,2}'::bigint[]) AS id;

-- Of account 1, which is bucket 1: 1 to 4 active, 5 trialing, 6 cancelled, 7 expired; 8 is of account 2.
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, next_price_id, next_quantity, status, anchor,
	months_elapsed, period_start, period_end, trial_end, ended_at)
SELECT perennial.bucket_of(account), id, account, 1, CASE id WHEN 4 THEN 1 END, CASE id WHEN 4 THEN 9 END,
       status::perennial.status, '2024-01-31', 1, '2024-01-31Z', '2024-02-29Z',
       CASE WHEN status = 'trialing' THEN '2024-02-29Z'::timestamptz END,
       CASE WHEN status = 'expired' THEN '2024-02-29Z'::timestamptz END
FROM (VALUES (1, 1, 'active'), (2, 1, 'active'), (3, 1, 'active'), (4, 1, 'active'), (5, 1, 'trialing'),
             (6, 1, 'pending_cancellation'), (7, 1, 'expired'), (8, 2, 'active')) AS s (id, account, status);

-- Calls a function as an operator, far from UTC, with a search path that is no help.
CREATE FUNCTION as_alice(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	usual text := current_setting('search_path');
	answer text;
BEGIN
	SET LOCAL SESSION AUTHORIZATION perennial_test_alice;
	PERFORM set_config('TimeZone', 'Pacific/Apia', true), set_config('search_path', '', true);
	EXECUTE 'SELECT string_agg(x::text, '' '' ORDER BY x::text) FROM perennial.' || call || ' AS x' INTO answer;
	PERFORM set_config('search_path', usual, true), set_config('TimeZone', 'UTC', true);
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;

CREATE FUNCTION hold(id bigint, reason text DEFAULT 'fraud', note text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT as_alice(format('hold_subscription(%s, %s, %L, %L)', s.bucket, id, reason, note))
	FROM perennial.subscription s WHERE s.subscription_id = id
$$;

-- Releases those of bucket 1 with the revisions that they have now.
CREATE FUNCTION release(ids bigint[], catch_up boolean DEFAULT false, note text DEFAULT NULL) RETURNS text
	LANGUAGE sql AS $$
	SELECT as_alice(format('release_subscriptions(1, %L, %L, %L, %L)', ids,
		(SELECT array_agg(s.revision ORDER BY i.place) FROM unnest(ids) WITH ORDINALITY AS i (id, place)
		 JOIN perennial.subscription s ON s.subscription_id = i.id), catch_up, note))
$$;

CREATE FUNCTION everything() RETURNS text LANGUAGE sql AS $$
	SELECT md5((SELECT string_agg(s::text, ',' ORDER BY s.subscription_id) FROM perennial.subscription s)
	           || coalesce((SELECT string_agg(e::text, ',' ORDER BY e.event_id) FROM perennial.event e), ''))
$$;

-- A refusal has its SQLSTATE and a hint, and leaves everything as it was.
CREATE FUNCTION refused(call text, state text, about text, title text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	before text := everything();
	seen text;
	message text;
	hint text;
BEGIN
	BEGIN
		PERFORM as_alice(call);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS seen = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	END;
	RETURN NEXT is(concat_ws(' ', seen, CASE WHEN hint = '' THEN 'without a hint' END,
	                         CASE WHEN message NOT LIKE about THEN message END,
	                         CASE WHEN everything() <> before THEN 'changed' END), state, title);
END
$$;

CREATE FUNCTION state_of(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', status, hold_reason, CASE held_at WHEN now() THEN 'now' ELSE held_at::text END,
	                 CASE WHEN catch_up_allowed THEN 'catch-up' END, 'revision ' || revision)
	FROM perennial.subscription WHERE subscription_id = id
$$;

-- The last event but what is the row's.
CREATE FUNCTION last_event(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', e.kind, e.actor, e.reason, '"' || e.detail || '"', e.from_status || '>' || e.to_status,
	                 CASE WHEN e.at <> now() THEN 'at ' || perennial.utc_text(e.at) END, 'run ' || e.run_id, e.amount,
	                 CASE WHEN (e.bucket, e.account_id, e.revision, e.period_start, e.period_end, e.price_id, e.quantity)
	                           <> (s.bucket, s.account_id, s.revision, s.period_start, s.period_end, s.price_id, s.quantity)
	                           OR (e.next_price_id, e.next_quantity) IS DISTINCT FROM (s.next_price_id, s.next_quantity)
	                      THEN 'differs' END)
	FROM perennial.event e JOIN perennial.subscription s USING (bucket, subscription_id)
	WHERE e.subscription_id = id ORDER BY e.revision DESC LIMIT 1
$$;


-- Holding.

SELECT is(hold(1, 'fraud', 'ticket 815'), '(t,"2024-02-29 13:00:00+13")',
          'hold_subscription answers that it is new, and when the period ends');
SELECT is(state_of(1), 'active fraud now revision 1', 'the row has the reason, the time and a revision more');
SELECT is(last_event(1), 'held perennial_test_alice fraud "ticket 815" active>active',
          'the event says who, why and the note');
SELECT is(hold(1, 'fraud', 'once more'), '(f,"2024-02-29 13:00:00+13")', 'a second hold for the same reason is not new');
SELECT is(state_of(1), 'active fraud now revision 1', 'and does nothing');
SELECT is((SELECT count(*) FROM perennial.event), 1::bigint, 'and writes no event');
SELECT is(hold(id, 'pause'), '(t,"2024-02-29 13:00:00+13")', format('%s is put on hold', id))
FROM unnest('{2,4,5,6,8}'::bigint[]) AS id;
SELECT is(last_event(5), 'held perennial_test_alice pause trialing>trialing', 'a trial too');
SELECT is(last_event(6), 'held perennial_test_alice pause pending_cancellation>pending_cancellation',
          'and one that was cancelled');
SELECT is(last_event(4), 'held perennial_test_alice pause active>active', 'a scheduled change stays as it is');
SELECT is_empty('SELECT * FROM perennial.notification_job', 'customers hear of no hold');

SELECT refused($$hold_subscription(1, 1, 'other', NULL)$$, 'PR002', 'subscription 1 is on hold already, for the reason fraud',
               'one that is on hold for another reason is refused');
SELECT refused($$hold_subscription(1, 7, 'fraud', NULL)$$, 'PR002', 'subscription 7 expired at 2024-02-29T00:00:00Z',
               'one that has expired is refused');
SELECT refused($$hold_subscription(1, 4711, 'fraud', NULL)$$, 'PR001', 'bucket 1 has no subscription 4711',
               'an unknown one is refused');
SELECT refused($$hold_subscription(2, 3, 'fraud', NULL)$$, 'PR001', 'bucket 2 has no subscription 3',
               'one of another bucket is refused');
SELECT refused(format('hold_subscription(1, 3, %L, NULL)', reason), '22023', message, title)
FROM (VALUES
	('', 'reason is empty', 'an empty reason is refused'),
	(E' \n'::text, 'reason has control characters', 'one of blanks and a line''s end is refused'),
	('  ', 'reason is empty', 'one of blanks is refused'),
	(NULL, 'reason is null', 'none is refused'),
	(E'a\tb', 'reason has control characters', 'a control character is refused'),
	(E'a\u007f', 'reason has control characters', 'so is delete'),
	(E'a\u009b31m', 'reason has control characters', 'so is one beyond ASCII'),
	(repeat('x', 201), 'reason is too long', '201 bytes are refused'),
	(repeat('é', 101), 'reason is too long', 'bytes are counted, not characters')
) AS t (reason, message, title);
SELECT refused(format('hold_subscription(1, 3, ''fraud'', %L)', note), '22023', message, title)
FROM (VALUES
	(E'a\nb', 'note has control characters', 'a note is one line'),
	(repeat('x', 501), 'note is too long', 'of at most 500 bytes'),
	('', 'note is empty', 'and not empty')
) AS t (note, message, title);
SELECT refused($$hold_subscription(NULL, 3, 'fraud', NULL)$$, '22023', 'bucket is null', 'the bucket is given');
SELECT is(hold(3, repeat('é', 100), repeat('x', 500)), '(t,"2024-02-29 13:00:00+13")',
          '200 bytes are a reason, 500 a note');


-- Releasing.

SELECT is(release('{1}', note => 'all is well'), '1', 'release_subscriptions answers what it released');
SELECT is(state_of(1), 'active revision 2', 'the row is on hold no more');
SELECT is(last_event(1), 'released perennial_test_alice fraud "all is well" active>active',
          'the event says who, what the reason was and the note');
SELECT is(release('{1}'), NULL, 'what is not on hold is not released again');
SELECT is(release('{2,4}', catch_up => true), '2 4', 'several are released at once');
SELECT is(state_of(id), 'active catch-up revision 2', id || ' may be caught up') FROM unnest('{2,4}'::bigint[]) AS id;
SELECT is(last_event(4), 'released perennial_test_alice pause active>active', 'a scheduled change stays as it is');
SELECT hold(2), release('{2}') \g /dev/null
SELECT is(state_of(2), 'active revision 4', 'without catch_up a subscription may not be caught up any more');
SELECT is(as_alice('release_subscriptions(1, ''{5,6}'', ''{0,1}'', false, NULL)'), '6',
          'one that has changed since is not released');
SELECT is(state_of(5), 'trialing pause now revision 1', 'and stays as it is');
SELECT is(as_alice('release_subscriptions(1, ''{8,4711}'', ''{1,1}'', false, NULL)'), NULL,
          'neither is one of another bucket, or an unknown one');
SELECT is(as_alice('release_subscriptions(1, ''{}'', ''{}'', false, NULL)'), NULL, 'none is none');
SELECT refused($$release_subscriptions(1, '{5,6}', '{1}', false, NULL)$$, '22023', '2 ids and 1 revisions',
               'each id needs its revision');
SELECT refused($$release_subscriptions(1, '{5}', '{1}', NULL, NULL)$$, '22023', 'catch_up is null', 'catch_up is given');

-- A history with entries of the future.
UPDATE perennial.event SET at = now() + interval '1 hour' WHERE subscription_id = 5;
SELECT release('{5}') \g /dev/null
SELECT is((SELECT e.at FROM perennial.event e WHERE e.subscription_id = 5 AND e.kind = 'released'),
          now() + interval '1 hour', 'a release never comes before what is in the history');

SELECT is_empty('SELECT * FROM perennial.unsound', 'all is sound');

SELECT finish();
ROLLBACK;
