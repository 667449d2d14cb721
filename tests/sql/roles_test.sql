-- roles_test: what each role may do and what not, tried with real statements.
\set ON_ERROR_STOP on
BEGIN;
SELECT plan(217);

-- Runs a statement as if the role had logged in, and undoes it.  True when privileges let it through: it worked, or
-- a constraint stopped it (TRUNCATE calls that a feature not supported).  Any other error is a fault of the test and
-- ends it.
CREATE FUNCTION may(role text, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', role);
	EXECUTE statement;
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN insufficient_privilege THEN
		RETURN false;
	WHEN integrity_constraint_violation OR feature_not_supported OR SQLSTATE 'UNDO0' THEN
		RETURN true;
END
$$;

CREATE VIEW relation AS
	SELECT c.oid, c.relname::text COLLATE "C" AS name, c.relkind = 'r' AS is_table
	FROM pg_class c WHERE c.relnamespace = 'perennial'::regnamespace AND c.relkind IN ('r', 'v');
CREATE VIEW attribute AS
	SELECT r.name AS relation, a.attname::text COLLATE "C" AS name
	FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid
	WHERE r.is_table AND a.attnum > 0 AND NOT a.attisdropped;
CREATE VIEW counter AS
	SELECT c.relname::text COLLATE "C" AS name
	FROM pg_class c WHERE c.relnamespace = 'perennial'::regnamespace AND c.relkind = 'S';

-- The tables (for reading: and views) for which a statement gets through, and the columns that may be updated.
CREATE FUNCTION reads(role text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name, ' ' ORDER BY name), 'nothing') FROM relation
	WHERE may(role, format('SELECT * FROM perennial.%I', name))
$$;
CREATE FUNCTION writes(role text, statement text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name, ' ' ORDER BY name), 'nothing') FROM relation
	WHERE is_table AND may(role, format(statement, name))
$$;
CREATE FUNCTION updates(role text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(relation || '.' || name, ' ' ORDER BY relation, name), 'nothing') FROM attribute
	WHERE may(role, format('UPDATE perennial.%I SET %I = DEFAULT', relation, name))
$$;

-- The functions that a role gets to when it calls them with nulls, which come from a table: a strict function of plain
-- nulls is never called.  Whatever it then says, it was executed.
CREATE FUNCTION may_call(role text, function oid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	arguments text := (SELECT string_agg('v.a' || n, ', ' ORDER BY n) FROM pg_proc,
	                   generate_series(1, pronargs) n WHERE pg_proc.oid = function);
	nulls text := (SELECT string_agg(format('NULL::%s AS a%s', type::regtype, n), ', ' ORDER BY n) FROM pg_proc,
	               unnest(proargtypes) WITH ORDINALITY AS a (type, n) WHERE pg_proc.oid = function);
BEGIN
	EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', role);
	EXECUTE format('SELECT %s(%s) FROM (SELECT %s OFFSET 0) AS v', function::regproc, arguments, nulls);
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN insufficient_privilege THEN
		RETURN false;
	WHEN OTHERS THEN
		IF SQLSTATE NOT IN ('UNDO0', 'PR001', '22023') THEN
			RAISE;
		END IF;
		RETURN true;
END
$$;
CREATE FUNCTION executes(role text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name, ' ' ORDER BY name), 'nothing')
	FROM (SELECT oid, proname::text COLLATE "C" AS name FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace) p
	WHERE may_call(role, oid)
$$;
CREATE FUNCTION is_granted(role text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name, ' ' ORDER BY name), 'nothing')
	FROM (SELECT oid, proname::text COLLATE "C" AS name FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace) p
	WHERE has_function_privilege(role, oid, 'EXECUTE')
$$;

CREATE ROLE perennial_test_stranger LOGIN;
CREATE TABLE role AS
	SELECT 'perennial_' || name AS name
	FROM (VALUES ('app'), ('batch'), ('operator'), ('reader'), ('test_stranger')) AS r (name);

-- Tables with rows: what a constraint or a function inside one needs is needed too.
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'Plan one');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES (1, 1, 'EUR', 1000, 1);
INSERT INTO perennial.account (bucket, account_id, name, billing_email) VALUES (1, 1, 'Ada', 'ada@example.org');
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed,
	period_start, period_end)
VALUES (1, 1, 1, 1, 'active', '2024-01-31', 1, '2024-01-31 00:00Z', '2024-02-29 00:00Z');
INSERT INTO perennial.run (run_id, as_of) VALUES (1, '2024-03-01 00:00Z');
INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held) VALUES (1, 1, 1, 1, 0);
INSERT INTO perennial.notification_job (bucket, job_id, subscription_id, account_id, kind, boundary)
VALUES (1, 1, 1, 1, 'subscribed', '2024-01-31 00:00Z');

-- The roles themselves.

SELECT is((SELECT rolcanlogin FROM pg_roles WHERE rolname = role.name), false, format('%s cannot log in', name))
FROM role WHERE name <> 'perennial_test_stranger';
SELECT is_empty($$ SELECT rolname FROM pg_roles JOIN role ON name = rolname
                   WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls $$,
                'no role has an attribute that reaches beyond the schema');
SELECT results_eq($$ SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members
                     WHERE member IN (SELECT name::regrole FROM role) $$,
                  $$ VALUES ('perennial_reader', 'perennial_operator') $$,
                  'perennial_operator is a member of perennial_reader, and no role of any other');
SELECT is_empty($$ SELECT proname FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace AND prosecdef
                   AND NOT coalesce('search_path=pg_catalog, perennial, pg_temp' = ANY (proconfig), false) $$,
                'every function with its owner''s rights fixes the search path');

-- perennial_reader

SELECT is(reads('perennial_reader'),
          (SELECT string_agg(name, ' ' ORDER BY name) FROM relation
           WHERE name NOT IN ('account', 'import_subscription', 'import_finding')),
          'perennial_reader reads every table and view but account and those of imports');
SELECT is(may('perennial_reader', 'SELECT * FROM perennial.' || name), allowed,
          format('perennial_reader %s %s', CASE WHEN allowed THEN 'reads' ELSE 'does not read' END, name))
FROM (VALUES ('history', true), ('broken_history', true), ('unsound', true), ('pruning', true),
             ('import_subscription', false), ('import_finding', false)) AS v (name, allowed);
SELECT is(may('perennial_reader', format('SELECT %I FROM perennial.account', name)), name = ANY (listed),
          format('perennial_reader %s account.%s',
                 CASE WHEN name = ANY (listed) THEN 'reads' ELSE 'does not read' END, name))
FROM attribute, (VALUES (ARRAY['bucket', 'account_id', 'kind', 'locale'])) AS l (listed)
WHERE relation = 'account' ORDER BY name;
SELECT is(may('perennial_reader', statement), allowed, title) FROM (VALUES
	('SELECT 1 FROM perennial.account WHERE billing_email LIKE ''a%''', false,
	 'perennial_reader does not search by address'),
	('SELECT a FROM perennial.account a', false, 'perennial_reader does not read an account as a whole row'),
	('SELECT count(*) FROM perennial.account', true, 'perennial_reader counts accounts'),
	('SELECT 1 FROM perennial.subscription JOIN perennial.account a USING (bucket, account_id)
	  WHERE a.kind = ''online''', true, 'perennial_reader joins subscriptions and kinds of accounts'),
	('SELECT 1 FROM perennial.subscription FOR UPDATE', false, 'perennial_reader does not lock rows'),
	('SELECT perennial.bucket_of(1)', true, 'perennial_reader computes buckets'),
	('SELECT perennial.boundary(anchor, time_zone, 1) FROM perennial.subscription', true,
	 'perennial_reader computes boundaries')
) AS t (statement, allowed, title);

-- What nobody does.

SELECT is(writes(name, 'INSERT INTO perennial.%I DEFAULT VALUES'), 'nothing', format('%s inserts nothing', name))
FROM role WHERE name IN ('perennial_reader', 'perennial_app');
SELECT is(updates(name), 'nothing', format('%s updates nothing', name))
FROM role WHERE name IN ('perennial_reader', 'perennial_app');
SELECT is(writes(name, 'DELETE FROM perennial.%I'), 'nothing', format('%s deletes nothing', name))
FROM role WHERE name IN ('perennial_reader', 'perennial_app', 'perennial_batch');
SELECT is(writes(name, 'TRUNCATE perennial.%I'), 'nothing', format('%s truncates nothing', name))
FROM role WHERE name <> 'perennial_test_stranger';
SELECT is(may(name, 'CREATE TABLE perennial.own (x int)'), false, format('%s creates nothing in the schema', name))
FROM role WHERE name <> 'perennial_test_stranger';
SELECT is((SELECT string_agg(counter.name, ' ') FROM counter
           WHERE may(role.name, format('SELECT setval(''perennial.%I'', 1)', counter.name))),
          NULL, format('%s sets no counter of ids', name))
FROM role WHERE name <> 'perennial_test_stranger';

SELECT is_empty($$ SELECT role.name, relation.name FROM role, relation
                   WHERE relation.name LIKE 'import%'
                   AND has_any_column_privilege(role.name, relation.oid, 'SELECT, INSERT, UPDATE') $$,
                'imports are the owner''s alone');

-- perennial_batch

SELECT is(reads('perennial_batch'),
          'batch batch_total currency outcome plan price run run_state run_total schema_version subscription time_zone',
          'perennial_batch reads what a decision, its totals and its metrics need');
SELECT is(may('perennial_batch', format('SELECT %I FROM perennial.notification_job', name)), name = ANY (listed),
          format('perennial_batch %s notification_job.%s',
                 CASE WHEN name = ANY (listed) THEN 'reads' ELSE 'does not read' END, name))
FROM attribute, (VALUES (ARRAY['state', 'available_at', 'taken_until'])) AS l (listed)
WHERE relation = 'notification_job' ORDER BY name;
SELECT is(may('perennial_batch', format('SELECT %I FROM perennial.account', name)), false,
          format('perennial_batch does not read account.%s', name))
FROM attribute WHERE relation = 'account';
SELECT is(writes('perennial_batch', 'INSERT INTO perennial.%I DEFAULT VALUES'),
          'batch batch_total event notification_job outcome run',
          'perennial_batch inserts history, jobs and runs, and nothing else');

SELECT is(may('perennial_batch', format('UPDATE perennial.subscription SET %I = %1$I', name)), name = ANY (listed),
          format('perennial_batch %s subscription.%s',
                 CASE WHEN name = ANY (listed) THEN 'updates' ELSE 'does not update' END, name))
FROM attribute, (VALUES (ARRAY[
	'price_id', 'next_price_id', 'quantity', 'next_quantity', 'status', 'anchor', 'months_elapsed', 'period_start',
	'period_end', 'ended_at', 'end_reason', 'hold_reason', 'held_at', 'catch_up_allowed', 'revision'])) AS l (listed)
WHERE relation = 'subscription' ORDER BY name;
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM attribute
           WHERE relation = 'run' AND may('perennial_batch', format('UPDATE perennial.run SET %I = DEFAULT', name))),
          'exit_code failed finished_at left_due left_held result stopped_by',
          'perennial_batch closes a run and changes nothing else of it');
SELECT unalike(replace(replace(updates('perennial_batch'), 'subscription.', ''), 'run.', ''), '%.%',
               'perennial_batch updates no other table');

SET LOCAL ROLE perennial_batch;
SELECT lives_ok(statement, title) FROM (VALUES
	('INSERT INTO perennial.run (as_of) VALUES (now()) RETURNING run_id, as_of', 'perennial_batch starts a run'),
	('SELECT * FROM perennial.subscription WHERE bucket = 1 FOR NO KEY UPDATE SKIP LOCKED',
	 'perennial_batch claims rows'),
	('UPDATE perennial.subscription
	  SET period_start = period_end, period_end = perennial.boundary(anchor, time_zone, 2), months_elapsed = 2,
	      revision = revision + 1
	  WHERE bucket = 1', 'perennial_batch renews a row'),
	('INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
	  to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount, amount,
	  currency)
	  VALUES (1, 1, 1, 1, 1, ''renewed'', ''renews'', ''active'', ''active'', ''2024-01-31'', ''2024-02-29'',
	  ''2024-02-29'', ''2024-03-31'', 1, 1, 1000, 1000, ''EUR'') RETURNING subscription_id',
	 'perennial_batch appends an outcome'),
	('INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
	  VALUES (1, 1, 1, ''renewed'', ''2024-02-29'')', 'perennial_batch appends a job'),
	('INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status, reason)
	  VALUES (1, 1, 1, 2, ''held'', now(), ''perennial run'', ''active'', ''amount_overflow'')',
	 'perennial_batch appends an event'),
	('INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held)
	  VALUES (1, 2, 1, 1, 0) RETURNING batch_id',
	 'perennial_batch records a batch'),
	('INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
	  VALUES (1, 2, 1, ''renewed'', ''EUR'', 1, 1000)', 'perennial_batch records totals'),
	('SELECT * FROM perennial.run_total WHERE run_id = 1', 'perennial_batch reads its totals'),
	('UPDATE perennial.run SET finished_at = now(), result = ''done'', exit_code = 0 WHERE run_id = 1',
	 'perennial_batch ends a run')
) AS t (statement, title);
RESET ROLE;
SELECT is((SELECT period_end FROM perennial.subscription), '2024-03-31 00:00Z',
          'what perennial_batch wrote is there');

SELECT is(may('perennial_batch', statement), false, title) FROM (VALUES
	('UPDATE perennial.outcome SET amount = 0', 'perennial_batch does not rewrite an outcome'),
	('DELETE FROM perennial.outcome', 'perennial_batch does not delete an outcome'),
	('UPDATE perennial.event SET detail = NULL', 'perennial_batch does not rewrite an event'),
	('SELECT * FROM perennial.event', 'perennial_batch does not read events'),
	('UPDATE perennial.price SET unit_amount = 1', 'perennial_batch changes no price'),
	('UPDATE perennial.batch_total SET amount = 0', 'perennial_batch does not rewrite a total'),
	('INSERT INTO perennial.subscription (bucket, account_id, price_id, status, anchor, period_start, period_end)
	  VALUES (1, 1, 1, ''active'', now(), now(), now() + interval ''1 month'')',
	 'perennial_batch creates no subscription'),
	('INSERT INTO perennial.outcome SELECT * FROM perennial.outcome ON CONFLICT (bucket, subscription_id, period_end)
	  DO UPDATE SET amount = 0', 'perennial_batch does not rewrite an outcome by inserting it again')
) AS t (statement, title);

-- perennial_operator: holds, releases and prunes on top of reading.

SELECT is(reads('perennial_operator'), reads('perennial_reader'),
          'perennial_operator reads what perennial_reader reads');
SELECT is(may('perennial_operator', format('SELECT %I FROM perennial.account', name)), false,
          format('perennial_operator does not read account.%s', name))
FROM (VALUES ('name'), ('billing_email'), ('representative_email')) AS c (name);
SELECT is(may('perennial_operator', 'DELETE FROM perennial.' || name), false,
          format('perennial_operator deletes no row of %s', name))
FROM relation WHERE is_table AND name <> 'notification_job' ORDER BY name;
SELECT is(may('perennial_operator', 'DELETE FROM perennial.notification_job WHERE state = ''done'''), true,
          'perennial_operator deletes jobs that are done');
SELECT matches(writes('perennial_operator', 'INSERT INTO perennial.%I DEFAULT VALUES'), '^(event )?pruning$',
               'perennial_operator notes prunings, and inserts events at most besides');
SELECT is_empty($$ SELECT relation, name FROM attribute
                   WHERE may('perennial_operator', format('UPDATE perennial.%I SET %I = DEFAULT', relation, name))
                   AND NOT (relation = 'subscription'
                            AND name IN ('hold_reason', 'held_at', 'catch_up_allowed', 'revision')) $$,
                'perennial_operator updates at most what a hold or a release changes');
SELECT is(may('perennial_operator', statement), false, title) FROM (VALUES
	('UPDATE perennial.outcome SET amount = 0', 'perennial_operator does not rewrite an outcome'),
	('UPDATE perennial.price SET unit_amount = 1', 'perennial_operator changes no price'),
	('UPDATE perennial.subscription SET period_end = now()', 'perennial_operator moves no boundary'),
	('UPDATE perennial.subscription SET status = ''active''', 'perennial_operator changes no status'),
	('SET LOCAL ROLE perennial_batch', 'perennial_operator does not become perennial_batch')
) AS t (statement, title);

-- perennial_app: its functions only.

SELECT is(may('perennial_app', 'SELECT ''active''::perennial.status'), true, 'perennial_app uses the schema');
SELECT is(reads('perennial_app'), 'nothing', 'perennial_app reads no table and no view');
SELECT is(may('perennial_app', format('SELECT %I FROM perennial.account', name)), false,
          format('perennial_app does not read account.%s', name))
FROM attribute WHERE relation = 'account';

UPDATE perennial.subscription SET revision = 2;  -- of the event that perennial_batch appended
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed,
	period_start, period_end, ended_at)
VALUES (1, 2, 1, 1, 'expired', '2024-01-31', 1, '2024-01-31 00:00Z', '2024-02-29 00:00Z', '2024-02-29 00:00Z');
ALTER TABLE perennial.subscription ALTER subscription_id RESTART 1000;
ALTER TABLE perennial.notification_job ALTER job_id RESTART 1000;
INSERT INTO perennial.notification_job (bucket, job_id, subscription_id, account_id, kind, boundary, state)
VALUES (1, 900, 1, 1, 'renewed', '2024-01-31 00:00Z', 'dead');
SET LOCAL ROLE perennial_app;
SELECT lives_ok(statement, title) FROM (VALUES
	('SELECT perennial.put_account(2, ''online'', ''Bob'', ''bob@example.org'', NULL, ''en'')',
	 'perennial_app puts an account'),
	('SELECT perennial.subscribe(2, 1, 1, ''UTC'')', 'perennial_app subscribes'),
	('SELECT perennial.start_trial(2, 1, 1, 14, ''UTC'', false)', 'perennial_app starts a trial'),
	('SELECT perennial.schedule_change(1, 1, NULL, 3)', 'perennial_app schedules a change'),
	('SELECT perennial.set_billing_info(1, 1)', 'perennial_app sets billing information'),
	('SELECT perennial.clear_billing_info(1, 1)', 'perennial_app clears billing information'),
	('SELECT perennial.cancel(1, 1)', 'perennial_app cancels'),
	('SELECT perennial.withdraw_cancellation(1, 1)', 'perennial_app withdraws a cancellation'),
	('SELECT perennial.reactivate(1, 2, 1)', 'perennial_app reactivates'),
	('SELECT renews_at FROM perennial.subscriptions_of(1)', 'perennial_app lists subscriptions'),
	('SELECT address, payload FROM perennial.take_jobs(1, ''1 minute'')', 'perennial_app takes jobs'),
	('SELECT perennial.complete_job(bucket, job_id, token) FROM perennial.take_jobs(1, ''1 minute'')',
	 'perennial_app completes a job'),
	('SELECT perennial.fail_job(bucket, job_id, token, ''full'') FROM perennial.take_jobs(1, ''1 minute'')',
	 'perennial_app fails a job')
) AS t (statement, title);
RESET ROLE;
SELECT is((SELECT next_quantity FROM perennial.subscription WHERE subscription_id = 1), 3,
          'what perennial_app did is there');
SELECT results_eq($$ SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE last_error = 'full')
                     FROM perennial.notification_job $$,
                  'VALUES (1::bigint, 1::bigint)', 'one job was completed and one failed');

-- Functions: who executes which.

CREATE TABLE executed AS SELECT * FROM (VALUES
	('perennial_app', 'cancel clear_billing_info complete_job fail_job put_account reactivate schedule_change '
	 'set_billing_info start_trial subscribe subscriptions_of take_jobs withdraw_cancellation'),
	('perennial_batch', 'boundary bucket_of decimal_text utc_text'),
	('perennial_reader',
	 'amount_due boundary bucket_of day_begins decimal decimal_text deferred_at_first months_of mrr period_name recognised report_audit '
	 || 'report_billed report_billed_detail report_deferred report_holds report_journal report_mrr report_overdue report_runs '
	 || 'report_schedule report_subscriptions report_tieout report_waterfall revenue revenue_lots standing still_deferred ties utc_text was_trial'),
	('perennial_operator',
	 'amount_due boundary bucket_of day_begins decimal decimal_text deferred_at_first hold_subscription months_of mrr '
	 || 'period_name recognised release_subscriptions report_audit '
	 || 'report_billed report_billed_detail report_deferred report_holds report_journal report_mrr report_overdue report_runs '
	 || 'report_schedule report_subscriptions report_tieout report_waterfall revenue revenue_lots revive_job standing still_deferred ties utc_text was_trial'),
	('perennial_test_stranger', 'nothing')
) AS f (role, functions);
SELECT is(executes(role), functions, role || ' gets to the functions named here when it calls them') FROM executed;
SELECT is(is_granted(role), functions, role || ' was granted the functions named here') FROM executed;
CREATE VIEW helper AS
	SELECT oid, proname::text COLLATE "C" AS name FROM pg_proc
	WHERE pronamespace = 'perennial'::regnamespace AND (proname LIKE 'refuse%' OR proname IN (
		'append_event', 'change_billing_info', 'event_time', 'import_subscriptions', 'job_attempts', 'job_payload',
		'local_text', 'lock_job', 'lock_subscription', 'price_for'));
SELECT is((SELECT string_agg(role.name, ' ') FROM role WHERE may_call(role.name, helper.oid)), NULL,
          format('no role executes %s', name))
FROM helper ORDER BY name;
SELECT is_empty($$ SELECT role.name, helper.name FROM role, helper
                   WHERE has_function_privilege(role.name, helper.oid, 'EXECUTE') $$,
                'no role was granted what other functions share');
SELECT is((SELECT count(*) FROM helper), 18::bigint, 'all that functions share was tried');
SELECT is(may(role, statement), allowed, title) FROM (VALUES
	('perennial_batch', 'SELECT perennial.cancel(1, 1)', false, 'perennial_batch does not cancel'),
	('perennial_operator', 'SELECT perennial.cancel(1, 1)', false, 'perennial_operator does not cancel'),
	('perennial_reader', 'SELECT perennial.cancel(1, 1)', false, 'perennial_reader does not cancel'),
	('perennial_reader', 'SELECT * FROM perennial.subscriptions_of(1)', false,
	 'perennial_reader does not look as an application'),
	('perennial_operator', 'SELECT * FROM perennial.take_jobs(1, ''1 minute'')', false,
	 'perennial_operator does not see addresses by taking jobs'),
	('perennial_operator', 'SELECT perennial.revive_job(1, 900)', true, 'perennial_operator revives a job'),
	('perennial_app', 'SELECT perennial.revive_job(1, 900)', false, 'perennial_app does not revive a job'),
	('perennial_batch', 'SELECT perennial.revive_job(1, 900)', false, 'perennial_batch does not revive a job'),
	('perennial_reader', 'SELECT perennial.revive_job(1, 900)', false, 'perennial_reader does not revive a job')
) AS t (role, statement, allowed, title);

-- Nobody in particular: without a role, then even with a way into the schema.

SELECT is(may('perennial_test_stranger', 'SELECT ''active''::perennial.status'), false,
          'a stranger does not use the schema');
SELECT is(reads('perennial_test_stranger'), 'nothing', 'a stranger reads nothing');
SELECT is(may('perennial_test_stranger', 'SELECT perennial.bucket_of(1)'), false, 'a stranger computes no bucket');
SELECT is(may('perennial_test_stranger', 'SET LOCAL ROLE perennial_reader'), false,
          'a stranger does not become a reader');
GRANT USAGE ON SCHEMA perennial TO perennial_test_stranger;
SELECT is(may('perennial_test_stranger', 'SELECT ''active''::perennial.status'), true,
          'PUBLIC uses the type once it is in the schema');
SELECT is(reads('perennial_test_stranger'), 'nothing', 'PUBLIC reads nothing in the schema');
SELECT is(writes('perennial_test_stranger', 'INSERT INTO perennial.%I DEFAULT VALUES'), 'nothing',
          'PUBLIC inserts nothing');
SELECT is(updates('perennial_test_stranger'), 'nothing', 'PUBLIC updates nothing');
SELECT is(writes('perennial_test_stranger', 'DELETE FROM perennial.%I'), 'nothing', 'PUBLIC deletes nothing');
SELECT is(writes('perennial_test_stranger', 'TRUNCATE perennial.%I'), 'nothing', 'PUBLIC truncates nothing');
SELECT is(may('perennial_test_stranger', 'CREATE TABLE perennial.own (x int)'), false,
          'PUBLIC creates nothing in the schema');
SELECT is(may('perennial_test_stranger', 'SELECT perennial.bucket_of(1)'), false,
          'PUBLIC does not execute bucket_of');
SELECT is(may('perennial_test_stranger', 'SELECT perennial.boundary(''2024-01-31'', ''UTC'', 1)'), false,
          'PUBLIC does not execute boundary');
SELECT is_empty($$ SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace
                   AND has_function_privilege('perennial_test_stranger', oid, 'EXECUTE') $$,
                'PUBLIC executes no function of the schema');

SELECT * FROM finish();
ROLLBACK;
