-- reports_test: what each report says of examples that were worked out by hand.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
-- To compile a report takes longer than to read it.
SET LOCAL jit = off;
SELECT plan(244);

INSERT INTO perennial.time_zone (name) VALUES ('UTC'), ('Asia/Tokyo'), ('Europe/Paris') ON CONFLICT DO NOTHING;
SELECT perennial.put_account(1, 'online', 'Ada Secret', 'ada.secret@example.com', NULL, 'en'),
       perennial.put_account(2, 'corporate', 'Bob Secret', 'bob.secret@example.com', 'rep.secret@example.com',
        'en') \gset

-- Every report, with a period or an instant in it.
CREATE TABLE report (name text PRIMARY KEY, call text);
INSERT INTO report
SELECT name, format(CASE WHEN name IN ('overdue', 'holds') THEN 'perennial.report_%s(''2025-06-01Z'')'
                         ELSE 'perennial.report_%s(''2025-01-01'', ''2026-01-01'')' END, name)
FROM unnest(ARRAY['billed', 'billed_detail', 'deferred', 'schedule', 'waterfall', 'journal', 'subscriptions', 'mrr',
	'runs',
                  'overdue', 'holds', 'audit', 'tieout']) AS name;
SELECT set_eq('SELECT ''report_'' || name FROM report',
              'SELECT proname FROM pg_proc WHERE proname ~ ''^report_'' AND pronamespace = ''perennial''::regnamespace',
              'these are all the reports');

-- A query's rows, each as a line of text: - is null.
CREATE FUNCTION told(title text, query text, VARIADIC lines text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	have text[] := '{}';
	r record;
BEGIN
	FOR r IN EXECUTE query LOOP
		have := have || (SELECT string_agg(coalesce(value, '-'), ' ' ORDER BY nth)
		                 FROM json_each_text(row_to_json(r)) WITH ORDINALITY AS f (key, value, nth));
	END LOOP;
	RETURN is(array_to_string(have, E'\n'), array_to_string(lines, E'\n'), title);
END
$$;

-- X* stands for X_minor and X.
SELECT is((SELECT string_agg(n, ' ' ORDER BY nth)
           FROM unnest(f.proargnames, f.proargmodes) WITH ORDINALITY AS a (n, mode, nth) WHERE mode = 't'),
          regexp_replace(columns, '(\w+)\*', '\1_minor \1', 'g'), format('%s: its columns', name))
FROM (VALUES
	('billed', 'currency plan_code interval_months periods subscribed* reactivated* converted* renewed* amount*'),
	('billed_detail', 'currency plan_code interval_months billed_at subscription_id account_id revision kind run_id '
	 'service_from service_to quantity unit_amount* amount*'),
	('deferred', 'period currency plan_code opening* imported* billed* recognised* closing*'),
	('schedule', 'currency plan_code subscription_id revision kind billed_on service_from service_to amount* period '
	 'recognised* cumulative* remaining*'),
	('waterfall', 'currency booked_period booked* period recognised* recognised_to_date* remaining*'),
	('journal', 'entry date kind currency account debit* credit* runs'),
	('subscriptions', 'period segment currency plan_code opening imported new reactivated converted_in changed_in '
	 'changed_out converted_out expired_cancelled expired_trial_ended closing'),
	('mrr', 'period currency plan_code opening* imported* new* reactivated* converted* expansion* contraction* '
	 'changed_in* changed_out* churned* closing*'),
	('runs', 'run_id currency as_of started_at finished_at state result exit_code stopped_by invocation_id claimed '
	 'held failed left_due left_held renewed converted expired trial_expired billed*'),
	('overdue', 'currency reason age subscriptions amount* oldest_due_at'),
	('holds', 'currency plan_code subscription_id account_id reason held_at due_at amount* run_id actor sqlstate '
	 'detail released_at released_by'),
	('audit', 'currency plan_code subscription_id account_id revision at recorded_at kind rule actor run_id '
	 'from_status to_status closed_start closed_end period_start period_end price_id quantity amount* '
	 'reason detail sqlstate'),
	('tieout', 'check currency left right difference result')
) AS expected (name, columns)
JOIN report USING (name)
JOIN pg_proc f ON f.proname = 'report_' || name AND f.pronamespace = 'perennial'::regnamespace;

SELECT is_empty('SELECT * FROM ' || call, format('%s: nothing is said where there is nothing', name))
FROM report WHERE name <> 'tieout';
SELECT is_empty($$ SELECT * FROM perennial.report_tieout('2025-01-01', '2026-01-01')
                   WHERE result <> 'PASS' OR currency IS NOT NULL $$, 'tieout: and it ties out');


-- What the examples are made of.  Each has a plan of its own.

CREATE FUNCTION offer(plan text, currency text, amount bigint, months int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	id int;
BEGIN
	INSERT INTO perennial.plan (code, name) VALUES (plan, plan) ON CONFLICT (code) DO NOTHING;
	SELECT price_id INTO id FROM perennial.offer o
	WHERE (o.plan_code, o.currency::text, o.unit_amount, o.interval_months) = (plan, offer.currency, amount, months);
	IF id IS NULL THEN
		INSERT INTO perennial.price (plan_id, currency, unit_amount, interval_months)
		SELECT p.plan_id, offer.currency, amount, months FROM perennial.plan p WHERE p.code = offer.plan
		RETURNING price_id INTO id;
	END IF;
	RETURN id;
END
$$;

-- An amount that was billed, and nothing else.
CREATE FUNCTION bill(plan text, currency text, service_start timestamptz, service_end timestamptz, amount bigint,
	kind text DEFAULT 'subscribed', at timestamptz DEFAULT NULL, run bigint DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql AS $$
DECLARE
	id bigint := 1 + (SELECT count(*) FROM perennial.billed);
	sold int := offer(plan, currency, amount);
BEGIN
	IF run IS NOT NULL THEN
		INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
			to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount,
			amount, currency)
		VALUES (1, run, id, 1, 1, bill.kind, 'renews', 'active', 'active', service_start - interval '1 day',
		        service_start, service_start, service_end, sold, 1, amount, amount, currency);
	ELSE
		INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status,
			period_start, period_end, price_id, quantity, unit_amount, amount, currency)
		VALUES (1, id, 1, 1, bill.kind, coalesce(bill.at, service_start), 'x', 'active', service_start, service_end,
		        sold, 1, amount, amount, currency);
	END IF;
END
$$;

CREATE TABLE sub (name text PRIMARY KEY, account_id bigint, subscription_id bigint);

CREATE FUNCTION row_of(name_ text) RETURNS perennial.subscription LANGUAGE sql AS $$
	SELECT s FROM perennial.subscription s JOIN sub USING (account_id, subscription_id) WHERE name = name_
$$;

CREATE FUNCTION subscribe(name text, price int, at timestamptz, quantity int DEFAULT 1, zone text DEFAULT 'UTC')
	RETURNS void LANGUAGE sql AS $$
	INSERT INTO sub VALUES (name, 1, perennial.subscribe(1, price, quantity, zone, at))
$$;

CREATE FUNCTION try(name text, price int, at timestamptz, days int, pays boolean, quantity int DEFAULT 1)
	RETURNS void LANGUAGE sql AS $$
	INSERT INTO sub VALUES (name, 2, perennial.start_trial(2, price, quantity, days, 'UTC', pays, at))
$$;

CREATE FUNCTION cancel(name_ text, at timestamptz) RETURNS timestamptz LANGUAGE sql AS $$
	SELECT perennial.cancel(account_id, subscription_id, at) FROM sub WHERE name = name_
$$;

CREATE FUNCTION reactivate(name_ text, price int, at timestamptz) RETURNS timestamptz LANGUAGE sql AS $$
	SELECT perennial.reactivate(account_id, subscription_id, price, at) FROM sub WHERE name = name_
$$;

CREATE FUNCTION change(name_ text, price int, quantity int, at timestamptz) RETURNS void LANGUAGE sql AS $$
	SELECT perennial.schedule_change(account_id, subscription_id, price, quantity, at) FROM sub WHERE name = name_
$$;

CREATE FUNCTION import_one(name text, id bigint, price int, period_start timestamptz, period_end timestamptz,
	billed bigint, at timestamptz) RETURNS void LANGUAGE sql AS $$
	INSERT INTO sub VALUES (name, 1, id);
	INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, status, anchor, period_start,
		period_end, billed_amount)
	VALUES (id, 1, price, 'active', period_start AT TIME ZONE 'UTC', period_start, period_end, billed);
	SELECT perennial.import_subscriptions(at);
$$;

-- One that was inserted by hand: paid for a month until then.
CREATE FUNCTION insert_bare(name text, id bigint, price int, ends timestamptz, status perennial.status DEFAULT 'active',
	hold text DEFAULT NULL, next_price int DEFAULT NULL, next_quantity int DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	INSERT INTO sub VALUES (name, 1, id);
	INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed,
		period_start, period_end, trial_end, hold_reason, held_at, next_price_id, next_quantity)
	VALUES (1, id, 1, price, status, ends AT TIME ZONE 'UTC' - interval '1 month', 1, ends - interval '1 month', ends,
	        CASE status WHEN 'trialing' THEN ends END, hold, CASE WHEN hold IS NOT NULL THEN ends END, next_price,
	        next_quantity);
$$;

-- What a run does to one subscription: a batch of its own.
CREATE FUNCTION close_period(run bigint, name text, kind text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	s perennial.subscription := row_of(name);
	opens boolean := kind IN ('renewed', 'converted');
	p perennial.price;
	base timestamp := CASE kind WHEN 'converted' THEN s.period_end AT TIME ZONE s.time_zone ELSE s.anchor END;
	sold int := CASE WHEN opens THEN coalesce(s.next_price_id, s.price_id) ELSE s.price_id END;
	units int := CASE WHEN opens THEN coalesce(s.next_quantity, s.quantity) ELSE s.quantity END;
	months int;
	next_end timestamptz;
	paid bigint;
	written bigint;
BEGIN
	SELECT * INTO p FROM perennial.price WHERE price_id = sold;
	months := CASE kind WHEN 'converted' THEN 0 ELSE s.months_elapsed END + p.interval_months;
	next_end := CASE WHEN opens THEN perennial.boundary(base, s.time_zone, months) END;
	paid := CASE WHEN opens THEN p.unit_amount * units ELSE 0 END;
	INSERT INTO perennial.run (run_id, as_of) VALUES (run, '2025-12-01Z') ON CONFLICT (run_id) DO NOTHING;
	INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
		to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount,
		amount, currency)
	VALUES (s.bucket, run, s.subscription_id, s.account_id, s.revision + 1, kind, 'rule of ' || kind, s.status,
	        CASE WHEN opens THEN 'active' ELSE 'expired' END::perennial.status, s.period_start, s.period_end,
	        CASE WHEN opens THEN s.period_end END, next_end, sold, units, p.unit_amount, paid, p.currency);
	INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
	VALUES (s.bucket, s.subscription_id, s.account_id, kind, s.period_end);
	INSERT INTO perennial.batch (bucket, run_id, claimed, held) VALUES (s.bucket, run, 1,
	0) RETURNING batch_id INTO written;
	INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
	VALUES (s.bucket, written, run, kind, p.currency, 1, paid);
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

-- Reports as sentences.

CREATE FUNCTION schedule_of(plan text, zone text DEFAULT 'UTC') RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT period, recognised, cumulative, remaining
	               FROM perennial.report_schedule(''2024-01-01'', ''2027-01-01'', %L)
	               WHERE plan_code = %L ORDER BY billed_on, period', zone, plan)
$$;

CREATE FUNCTION deferred_of(plan text, from_date date, to_date date,
	zone text DEFAULT 'UTC') RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT period, opening, imported, billed, recognised, closing
	               FROM perennial.report_deferred(%L, %L, %L) WHERE plan_code = %L', from_date, to_date, zone, plan)
$$;

-- Zeros left out; a row of nothing else is none.
CREATE FUNCTION moved(report text, plan text, from_date date, to_date date, zone text DEFAULT 'UTC') RETURNS text
	LANGUAGE sql AS $$
	SELECT format('SELECT * FROM (
	                   SELECT string_agg(key || '' '' || value, '', '' ORDER BY nth) AS told
	                   FROM perennial.report_%s(%L, %L, %L) AS r,
	                        json_each_text(row_to_json(r)) WITH ORDINALITY AS f (key, value, nth)
	                   WHERE plan_code = %L AND key !~ ''_minor$|^period$''
	                   AND (key = ''segment'' OR value::text ~ ''^-?[0-9.]+$'' AND value::numeric <> 0)
	                   GROUP BY row_to_json(r)::text HAVING count(*) FILTER (WHERE key <> ''segment'') > 0) AS t
	               ORDER BY told', report, from_date, to_date, zone, plan)
$$;

-- What does not tie out.
CREATE FUNCTION untied(from_date date, to_date date, zone text DEFAULT 'UTC') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT concat_ws('' '', "check", currency) FROM perennial.report_tieout(%L, %L, %L)
	                             WHERE result <> ''PASS''', from_date, to_date, zone);
END
$$;


-- What has another number of minor units than its decimal says.
CREATE FUNCTION disagreeing(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT key FROM %s AS r JOIN perennial.currency c ON c.code = r.currency, json_each_text(row_to_json(r)) AS f
		 WHERE key ~ ''_minor$'' AND value::numeric <> 10::numeric ^ exponent
		       * (row_to_json(r) ->> replace(key, ''_minor'', ''''))::numeric', call);
END
$$;


-- Recognition: a straight line by days.

SAVEPOINT examples;
SELECT bill('days', 'EUR', '2026-06-15Z', '2026-10-13Z', 12000), bill('none', 'JPY', '2025-01-01Z', '2025-04-01Z', 100),
       bill('three', 'KWD', '2025-01-01Z', '2025-04-01Z', 10000),
       bill('leap', 'EUR', '2024-01-01Z', '2025-01-01Z', 99999),
       bill('cent', 'EUR', '2025-01-01Z', '2026-01-01Z', 1), bill('cent', 'EUR', '2025-03-15Z', '2026-03-15Z', 1),
       bill('spring', 'EUR', '2025-03-15 00:00+01', '2025-04-15 00:00+02', 3100),
       bill('autumn', 'EUR', '2025-10-15 00:00+02', '2025-11-15 00:00+01', 3100),
       bill('short', 'EUR', '2025-05-31 10:00Z', '2025-05-31 18:00Z', 500),
       bill('large', 'EUR', '2025-01-01Z', '2026-01-01Z', 1000000000000000),
       bill('free', 'EUR', '2025-01-31Z', '2025-02-28Z', 0),
       bill('former', 'EUR', '2025-03-01Z', '2025-05-01Z', 6100, 'imported', '2025-03-11 12:00Z'),
       bill('over', 'EUR', '2025-03-01Z', '2025-04-01Z', 3100, 'imported', '2025-04-01Z'),
       bill('overdue', 'EUR', '2025-03-05Z', '2025-04-05Z', 3100, 'imported', '2025-04-10Z'),
       bill('ahead', 'EUR', '2025-03-10Z', '2025-04-10Z', 3100, 'imported', '2025-02-20Z') \gset

SELECT told('120 over 120 days is earned by calendar month as 16, 31, 31, 30, 12', schedule_of('days'),
	'2026-06 16.00 16.00 104.00', '2026-07 31.00 47.00 73.00', '2026-08 31.00 78.00 42.00',
	'2026-09 30.00 108.00 12.00', '2026-10 12.00 120.00 0.00');
SELECT told('a currency without decimals is earned in whole units', schedule_of('none'),
	'2025-01 34 34 66', '2025-02 31 65 35', '2025-03 35 100 0');
SELECT told('a currency with three decimals is earned in thousandths', schedule_of('three'),
	'2025-01 3.444 3.444 6.556', '2025-02 3.111 6.555 3.445', '2025-03 3.445 10.000 0.000');
SELECT told('a leap year has 366 days', schedule_of('leap') || ' LIMIT 3',
	'2024-01 84.69 84.69 915.30', '2024-02 79.24 163.93 836.06', '2024-03 84.70 248.63 751.36');
SELECT told('a cent over a year is earned on its last day',
	'SELECT billed_on, period, recognised, remaining FROM perennial.report_schedule(''2025-01-01'', ''2026-01-01'')
	 WHERE plan_code = ''cent'' AND (recognised > 0 OR period = ''2025-11'') ORDER BY 1, 2',
	'2025-01-01 2025-11 0.00 0.01', '2025-01-01 2025-12 0.01 0.00',
	'2025-03-15 2025-11 0.00 0.01', '2025-03-15 2026-03 0.01 0.00');
SELECT told('and it is deferred until then', deferred_of('cent', '2025-12-31', '2026-01-01'),
	'2025-12-31/2026-01-01 0.02 0.00 0.00 0.01 0.01');
SELECT told('each month of it has a row',
	'SELECT billed_on, count(*) FROM perennial.report_schedule(''2025-01-01'', ''2026-01-01'')
	 WHERE plan_code = ''cent'' GROUP BY 1 ORDER BY 1', '2025-01-01 12', '2025-03-15 13');
SELECT told('days are local: those of a month with a short one', schedule_of('spring', 'Europe/Paris'),
	'2025-03 17.00 17.00 14.00', '2025-04 14.00 31.00 0.00');
SELECT told('and those of a month with a long one', schedule_of('autumn', 'Europe/Paris'),
	'2025-10 17.00 17.00 14.00', '2025-11 14.00 31.00 0.00');
SELECT told('which in another zone may be others', schedule_of('spring', 'UTC'),
	'2025-03 18.00 18.00 13.00', '2025-04 13.00 31.00 0.00');
SELECT told('a service is from and until the local day of its instants',
	'SELECT billed_on, service_from, service_to, amount
	 FROM unnest(ARRAY[''Europe/Paris'', ''UTC'']) AS zone,
	      perennial.report_schedule(''2025-03-01'', ''2025-04-01'', zone)
	 WHERE plan_code = ''spring'' AND period = ''2025-03'' ORDER BY 1',
	'2025-03-14 2025-03-14 2025-04-14 31.00', '2025-03-15 2025-03-15 2025-04-15 31.00');
SELECT told('what serves less than a day is earned on it', schedule_of('short'), '2025-05 5.00 5.00 0.00');
SELECT told('not before', deferred_of('short', '2025-05-01', '2025-05-31'));
SELECT told('and not after it', deferred_of('short', '2025-05-31', '2025-06-01'),
	'2025-05-31/2025-06-01 0.00 0.00 5.00 5.00 0.00');
SELECT told('nothing of it is left then', deferred_of('short', '2025-06-01', '2025-07-01'));
SELECT told('it is earned on the first of two local days', schedule_of('short', 'Asia/Tokyo'),
	'2025-05 5.00 5.00 0.00');
SELECT told('the highest of amounts is earned to the cent', schedule_of('large') || ' LIMIT 1',
	'2025-01 849315068493.15 849315068493.15 9150684931506.85');
SELECT told('what costs nothing has its months too', schedule_of('free'), '2025-01 0.00 0.00 0.00',
	'2025-02 0.00 0.00 0.00');
SELECT told('minor units stand beside the amounts',
	'SELECT currency, amount_minor, recognised_minor, cumulative_minor, remaining_minor
	 FROM perennial.report_schedule(''2025-01-01'', ''2025-02-01'')
	 WHERE plan_code = ''three'' AND period = ''2025-02''',
	'KWD 10000 3111 6555 3445');
SELECT told('a schedule is of what entered in the period, also after it',
	'SELECT plan_code, min(period), max(period) FROM perennial.report_schedule(''2025-03-01'', ''2025-03-16'')
	 GROUP BY 1 ORDER BY 1',
	'cent 2025-03 2026-03', 'former 2025-03 2025-04', 'spring 2025-03 2025-04');

SELECT is_empty(format('SELECT * FROM disagreeing(%L)', call), format('%s: minor units and decimals agree', name))
FROM report WHERE name IN ('deferred', 'schedule', 'waterfall', 'journal');

SELECT told('deferred is what is billed and not yet earned', deferred_of('days', '2026-06-01', '2026-07-01'),
	'2026-06 0.00 0.00 120.00 16.00 104.00');
SELECT told('and what was before', deferred_of('days', '2026-07-01', '2026-08-01'),
	'2026-07 104.00 0.00 0.00 31.00 73.00');
SELECT told('in any days', deferred_of('days', '2026-08-15', '2026-09-10'),
	'2026-08-15/2026-09-10 59.00 0.00 0.00 26.00 33.00');
SELECT told('in a year', deferred_of('days', '2026-01-01', '2027-01-01'), '2026 0.00 0.00 120.00 120.00 0.00');
SELECT told('not before', deferred_of('days', '2026-05-01', '2026-06-15'));
SELECT told('nor after', deferred_of('days', '2026-11-01', '2026-12-01'));

SELECT told('an import enters with what was not earned yet', schedule_of('former'),
	'2025-03 21.00 21.00 30.00', '2025-04 30.00 51.00 0.00');
SELECT told('on its day',
	'SELECT kind, billed_on, service_from, service_to, amount, amount_minor
	 FROM perennial.report_schedule(''2025-03-11'', ''2025-03-12'')
	 WHERE plan_code = ''former'' AND period = ''2025-03''',
	'imported 2025-03-11 2025-03-01 2025-05-01 51.00 5100');
SELECT told('it is not billed', 'SELECT * FROM perennial.report_billed(''2025-03-01'', ''2025-04-01'')
	WHERE plan_code = ''former'' OR plan_code ~ ''^over''');
SELECT told('nor in the detail', 'SELECT * FROM perennial.report_billed_detail(''2025-02-01'', ''2025-05-01'')
	WHERE plan_code IN (''former'', ''over'', ''overdue'', ''ahead'')');
SELECT told('its month', deferred_of('former', '2025-03-01', '2025-04-01'), '2025-03 0.00 51.00 0.00 21.00 30.00');
SELECT told('the days around it', deferred_of('former', '2025-03-05', '2025-03-15'),
	'2025-03-05/2025-03-15 0.00 51.00 0.00 4.00 47.00');
SELECT told('the days before it', deferred_of('former', '2025-03-01', '2025-03-11'));
SELECT told('the month after', deferred_of('former', '2025-04-01', '2025-05-01'), '2025-04 30.00 0.00 0.00 30.00 0.00');
SELECT told('what ended before it was imported is earned', deferred_of('over', '2025-04-01', '2025-05-01'),
	'2025-04 0.00 0.00 0.00 0.00 0.00');
SELECT told('and has no schedule', schedule_of('over'));
SELECT told('nor has what ended earlier in the same month', schedule_of('overdue'));
SELECT told('what begins later enters whole', deferred_of('ahead', '2025-02-01', '2025-03-01'),
	'2025-02 0.00 31.00 0.00 0.00 31.00');
SELECT told('and is earned when it serves', schedule_of('ahead'), '2025-03 22.00 22.00 9.00',
	'2025-04 9.00 31.00 0.00');
ROLLBACK TO examples;


-- Waterfall and journal.

SELECT bill('a', 'EUR', '2025-01-01Z', '2025-02-01Z', 3100), bill('b', 'EUR', '2025-01-15Z', '2025-04-15Z', 9000),
       bill('c', 'EUR', '2025-02-01Z', '2025-04-01Z', 5900), bill('d', 'JPY', '2025-03-01Z', '2025-04-01Z', 31),
       bill('d', 'JPY', '2025-03-01Z', '2025-04-01Z', 31),
       bill('e', 'EUR', '2025-03-10Z', '2025-04-10Z', 3100, 'renewed', run => 8),
       bill('f', 'EUR', '2025-03-10 23:59Z', '2025-04-10Z', 3100, 'renewed', run => 7),
       bill('free', 'KWD', '2025-03-05Z', '2025-04-05Z', 0),
       bill('g', 'EUR', '2025-03-10Z', '2025-04-10Z', 3100, 'reactivated'),
       bill('h', 'EUR', '2025-03-01Z', '2025-04-01Z', 3100, 'imported', '2025-03-20Z') \gset
SELECT told('what was booked in a month is earned in those that follow',
	'SELECT currency, booked_period, booked, period, recognised, recognised_to_date, remaining
	 FROM perennial.report_waterfall(''2025-02-01'', ''2025-04-01'') ORDER BY 1, 2, 4',
	'EUR 2025-01 121.00 2025-02 28.00 76.00 45.00', 'EUR 2025-01 121.00 2025-03 31.00 107.00 14.00',
	'EUR 2025-02 59.00 2025-02 28.00 28.00 31.00', 'EUR 2025-02 59.00 2025-03 31.00 59.00 0.00',
	'EUR 2025-03 105.00 2025-03 78.00 78.00 27.00', 'JPY 2025-03 62 2025-03 62 62 0');
SELECT told('a month that is wholly earned is left out; months are cut at the ends of the period',
	'SELECT currency, booked_period, booked, period, recognised, recognised_to_date, remaining
	 FROM perennial.report_waterfall(''2025-04-08'', ''2025-04-20'') ORDER BY 1, 2, 4',
	'EUR 2025-01 121.00 2025-04 7.00 121.00 0.00', 'EUR 2025-03 105.00 2025-04 6.00 105.00 0.00');
SELECT told('also the month in which something was booked',
	'SELECT currency, booked_period, booked, period, recognised, recognised_to_date, remaining
	 FROM perennial.report_waterfall(''2025-03-05'', ''2025-03-11'') ORDER BY 1, 2, 4',
	'EUR 2025-01 121.00 2025-03 6.00 86.00 35.00', 'EUR 2025-02 59.00 2025-03 6.00 38.00 21.00',
	'EUR 2025-03 93.00 2025-03 3.00 3.00 90.00', 'JPY 2025-03 62 2025-03 12 20 42');
SELECT told('what is alike is added up', deferred_of('d', '2025-03-01', '2025-03-11'),
	'2025-03-01/2025-03-11 0 0 62 20 42');
SELECT told('a journal has an entry for each day, kind and currency',
	'SELECT entry, date, kind, currency, account, debit, credit, runs
	 FROM perennial.report_journal(''2025-02-01'', ''2025-04-01'', ''UTC'',
	                               ''owed'', ''deferred'', ''earned'', ''books'')
	 ORDER BY entry, credit > 0',
	'1 2025-02-01 opening EUR books 73.00 0.00 -', '1 2025-02-01 opening EUR deferred 0.00 73.00 -',
	'2 2025-02-01 subscribed EUR owed 59.00 0.00 -', '2 2025-02-01 subscribed EUR deferred 0.00 59.00 -',
	'3 2025-02-28 recognised EUR deferred 56.00 0.00 -', '3 2025-02-28 recognised EUR earned 0.00 56.00 -',
	'4 2025-03-01 subscribed JPY owed 62 0 -', '4 2025-03-01 subscribed JPY deferred 0 62 -',
	'5 2025-03-10 reactivated EUR owed 31.00 0.00 -', '5 2025-03-10 reactivated EUR deferred 0.00 31.00 -',
	'6 2025-03-10 renewed EUR owed 62.00 0.00 7 8', '6 2025-03-10 renewed EUR deferred 0.00 62.00 7 8',
	'7 2025-03-20 imported EUR books 12.00 0.00 -', '7 2025-03-20 imported EUR deferred 0.00 12.00 -',
	'8 2025-03-31 recognised EUR deferred 140.00 0.00 -', '8 2025-03-31 recognised EUR earned 0.00 140.00 -',
	'9 2025-03-31 recognised JPY deferred 62 0 -', '9 2025-03-31 recognised JPY earned 0 62 -');
SELECT told('accounts have names by themselves',
	'SELECT kind, account, debit_minor, credit_minor FROM perennial.report_journal(''2025-03-20'', ''2025-03-21'')
	 WHERE currency = ''EUR'' ORDER BY entry, credit > 0',
	'opening equity:opening balances 10100 0', 'opening liabilities:deferred revenue 0 10100',
	'imported equity:opening balances 1200 0', 'imported liabilities:deferred revenue 0 1200',
	'recognised liabilities:deferred revenue 600 0', 'recognised income:subscriptions 0 600');
SELECT is_empty('SELECT entry
                 FROM (SELECT date ''2025-01-01'' + 17 * n FROM generate_series(0, 9) AS n) AS p (from_date),
                      perennial.report_journal(from_date, from_date + 17)
                 GROUP BY from_date, entry HAVING sum(debit_minor) <> sum(credit_minor) OR count(*) <> 2
                 OR count(DISTINCT (date, kind, currency)) <> 1', 'every entry balances, in its one currency');
ROLLBACK TO examples;


-- The first instant of a period belongs to it.

SELECT subscribe('midnight', offer('midnight', 'EUR', 1000), '2025-04-01Z'),
       subscribe('tokyo', offer('tokyo', 'EUR', 1000), '2025-03-31 15:00Z', zone => 'Asia/Tokyo'),
       subscribe('before', offer('before', 'EUR', 1000), '2025-03-31 14:59:59.999999Z', zone => 'Asia/Tokyo'),
       close_period(1, 'midnight', 'renewed'), cancel('tokyo', '2025-04-02Z'), close_period(2, 'tokyo', 'expired'),
       cancel('before', '2025-04-02Z'), close_period(3, 'before', 'expired') \gset
UPDATE perennial.run SET as_of = CASE run_id WHEN 1 THEN '2025-05-01Z' WHEN 2 THEN '2025-04-30 15:00Z'
                                              ELSE '2025-04-30 14:59:59.999999Z' END::timestamptz;
CREATE TABLE may (zone text, month text, from_date date, to_date date);
INSERT INTO may SELECT zone, to_char(m, 'YYYY-MM'), m, m + interval '1 month'
FROM unnest(ARRAY['UTC', 'Asia/Tokyo']) AS zone, generate_series('2025-03-01', '2025-05-01', interval '1 month') AS m;

SELECT told('what is billed at midnight is billed in the month that begins',
	'SELECT zone, plan_code, string_agg(concat_ws('' '', month, kind, service_from), '', '' ORDER BY month)
	 FROM may, perennial.report_billed_detail(from_date, to_date, zone) GROUP BY 1, 2 ORDER BY 1 DESC, 2',
	'UTC before 2025-03 subscribed 2025-03-31',
	'UTC midnight 2025-04 subscribed 2025-04-01, 2025-05 renewed 2025-05-01',
	'UTC tokyo 2025-03 subscribed 2025-03-31',
	'Asia/Tokyo before 2025-03 subscribed 2025-03-31',
	'Asia/Tokyo midnight 2025-04 subscribed 2025-04-01, 2025-05 renewed 2025-05-01',
	'Asia/Tokyo tokyo 2025-04 subscribed 2025-04-01');
SELECT told('also in the sum',
	'SELECT zone, plan_code, string_agg(concat_ws('' '', month, periods), '', '' ORDER BY month)
	 FROM may, perennial.report_billed(from_date, to_date, zone) GROUP BY 1, 2 ORDER BY 1 DESC, 2',
	'UTC before 2025-03 1', 'UTC midnight 2025-04 1, 2025-05 1', 'UTC tokyo 2025-03 1',
	'Asia/Tokyo before 2025-03 1', 'Asia/Tokyo midnight 2025-04 1, 2025-05 1', 'Asia/Tokyo tokyo 2025-04 1');
SELECT told('it is deferred from then on',
	'SELECT zone, plan_code,
	        string_agg(concat_ws('' '', month, billed), '', '' ORDER BY month) FILTER (WHERE billed > 0)
	 FROM may, perennial.report_deferred(from_date, to_date, zone) GROUP BY 1, 2 ORDER BY 1 DESC, 2',
	'UTC before 2025-03 10.00', 'UTC midnight 2025-04 10.00, 2025-05 10.00', 'UTC tokyo 2025-03 10.00',
	'Asia/Tokyo before 2025-03 10.00', 'Asia/Tokyo midnight 2025-04 10.00, 2025-05 10.00',
	'Asia/Tokyo tokyo 2025-04 10.00');
SELECT told('what ends at midnight is there at the end of the month, and ends in the next',
	'SELECT zone, plan_code, month, opening, new, expired_cancelled, closing
	 FROM may, perennial.report_subscriptions(from_date, to_date, zone) WHERE plan_code <> ''midnight''
	 AND opening + new + expired_cancelled > 0 ORDER BY 1 DESC, 2, 3',
	'UTC before 2025-03 0 1 0 1', 'UTC before 2025-04 1 0 1 0',
	'UTC tokyo 2025-03 0 1 0 1', 'UTC tokyo 2025-04 1 0 1 0',
	'Asia/Tokyo before 2025-03 0 1 0 1', 'Asia/Tokyo before 2025-04 1 0 1 0',
	'Asia/Tokyo tokyo 2025-04 0 1 0 1', 'Asia/Tokyo tokyo 2025-05 1 0 1 0');
SELECT told('with its monthly revenue',
	'SELECT zone, plan_code, month, opening, new, churned, closing
	 FROM may, perennial.report_mrr(from_date, to_date, zone) WHERE plan_code <> ''midnight''
	 AND opening + new + churned > 0 ORDER BY 1 DESC, 2, 3',
	'UTC before 2025-03 0.00 10.00 0.00 10.00', 'UTC before 2025-04 10.00 0.00 10.00 0.00',
	'UTC tokyo 2025-03 0.00 10.00 0.00 10.00', 'UTC tokyo 2025-04 10.00 0.00 10.00 0.00',
	'Asia/Tokyo before 2025-03 0.00 10.00 0.00 10.00', 'Asia/Tokyo before 2025-04 10.00 0.00 10.00 0.00',
	'Asia/Tokyo tokyo 2025-04 0.00 10.00 0.00 10.00', 'Asia/Tokyo tokyo 2025-05 10.00 0.00 10.00 0.00');
SELECT told('the audit has each entry in one month',
	'SELECT zone, plan_code, string_agg(concat_ws('' '', month, kind), '', '' ORDER BY revision)
	 FROM may, perennial.report_audit(from_date, to_date, zone) GROUP BY 1, 2 ORDER BY 1 DESC, 2',
	'UTC before 2025-03 subscribed, 2025-04 cancelled, 2025-04 expired',
	'UTC midnight 2025-04 subscribed, 2025-05 renewed',
	'UTC tokyo 2025-03 subscribed, 2025-04 cancelled, 2025-04 expired',
	'Asia/Tokyo before 2025-03 subscribed, 2025-04 cancelled, 2025-04 expired',
	'Asia/Tokyo midnight 2025-04 subscribed, 2025-05 renewed',
	'Asia/Tokyo tokyo 2025-04 subscribed, 2025-04 cancelled, 2025-05 expired');
SELECT told('and so has a run as of then',
	'SELECT zone, run_id, month FROM may, perennial.report_runs(from_date, to_date, zone) ORDER BY 1 DESC, 2',
	'UTC 1 2025-05', 'UTC 2 2025-04', 'UTC 3 2025-04',
	'Asia/Tokyo 1 2025-05', 'Asia/Tokyo 2 2025-05', 'Asia/Tokyo 3 2025-04');
SELECT is_empty('SELECT * FROM may, untied(from_date, to_date, zone)', 'and it ties out');
ROLLBACK TO examples;


-- How many there are, and what they bring in a month.

SELECT subscribe('late', offer('late', 'EUR', 1000), '2025-01-15Z'), cancel('late', '2025-02-20Z'),
       close_period(1, 'late', 'expired') \gset
SELECT told('a cancellation that came late ends it when its period ended',
	moved('subscriptions', 'late', '2025-02-01', '2025-03-01'), 'segment paid, opening 1, expired_cancelled 1');
SELECT told('not when it was cancelled', moved('subscriptions', 'late', '2025-02-16', '2025-03-01'));
SELECT told('its monthly revenue too', moved('mrr', 'late', '2025-02-01', '2025-02-16'),
	'opening 10.00, churned 10.00');
SELECT told('the audit has both dates, in order',
	'SELECT at, kind, revision, closed_start, closed_end FROM perennial.report_audit(''2025-01-01'', ''2026-01-01'')
	 ORDER BY at, revision',
	'2025-01-15T00:00:00+00:00 subscribed 1 - -',
	'2025-02-15T00:00:00+00:00 expired 3 2025-01-15T00:00:00+00:00 2025-02-15T00:00:00+00:00',
	'2025-02-20T00:00:00+00:00 cancelled 2 - -');

SELECT try('converts', offer('tried', 'EUR', 1000), '2025-03-01Z', 7, true), close_period(2, 'converts', 'converted'),
       try('ends', offer('tried', 'EUR', 1000), '2025-03-01Z', 7, false), close_period(3, 'ends', 'trial_expired'),
       try('leaves', offer('tried', 'EUR', 1000), '2025-03-01Z', 7, true), cancel('leaves', '2025-03-02Z'),
       close_period(4, 'leaves', 'expired'), try('stays', offer('tried', 'EUR', 1000), '2025-03-20Z', 30, false) \gset
SELECT told('trials stand apart', moved('subscriptions', 'tried', '2025-03-01', '2025-04-01'),
	'segment paid, converted_in 1, closing 1',
	'segment trial, new 4, converted_out 1, expired_cancelled 1, expired_trial_ended 1, closing 1');
SELECT told('one that was cancelled is one until it ends', moved('subscriptions', 'tried', '2025-03-05', '2025-03-08'),
	'segment trial, opening 3, closing 3');
SELECT told('only what is paid has a monthly revenue', moved('mrr', 'tried', '2025-03-01', '2025-04-01'),
	'converted 10.00, closing 10.00');

SELECT subscribe('grows', offer('small', 'EUR', 1000), '2025-02-10Z', 2),
       change('grows', offer('big', 'EUR', 1500), 3, '2025-02-15Z'), close_period(5, 'grows', 'renewed'),
       change('grows', NULL, 1, '2025-03-11Z'), close_period(6, 'grows', 'renewed'),
       change('grows', offer('small', 'EUR', 1000), NULL, '2025-04-11Z'), close_period(7, 'grows', 'renewed') \gset
SELECT told('a change of plan takes one from the old', moved('subscriptions', 'small', '2025-03-01', '2025-04-01'),
	'segment paid, opening 1, changed_out 1');
SELECT told('and gives it to the new', moved('subscriptions', 'big', '2025-03-01', '2025-04-01'),
	'segment paid, changed_in 1, closing 1');
SELECT told('with what it brought', moved('mrr', 'small', '2025-03-01', '2025-04-01'),
	'opening 20.00, changed_out 20.00');
SELECT told('and what it brings more is expansion', moved('mrr', 'big', '2025-03-01', '2025-04-01'),
	'expansion 25.00, changed_in 20.00, closing 45.00');
SELECT told('less in the same plan is contraction', moved('mrr', 'big', '2025-04-01', '2025-05-01'),
	'opening 45.00, contraction 30.00, closing 15.00');
SELECT told('which does not move it', moved('subscriptions', 'big', '2025-04-01', '2025-05-01'),
	'segment paid, opening 1, closing 1');
SELECT told('less in another plan is contraction of that one', moved('mrr', 'small', '2025-05-01', '2025-06-01'),
	'contraction 5.00, changed_in 15.00, closing 10.00');
SELECT told('a period with all of it adds up', moved('mrr', 'big', '2025-03-01', '2025-06-01'),
	'expansion 25.00, contraction 30.00, changed_in 20.00, changed_out 15.00');

SELECT subscribe('seats', offer('seats', 'EUR', 1000), '2025-02-10Z'), change('seats', NULL, 3, '2025-02-11Z'),
       close_period(19, 'seats', 'renewed') \gset
SELECT told('more of the same is expansion', moved('mrr', 'seats', '2025-03-01', '2025-04-01'),
	'opening 10.00, expansion 20.00, closing 30.00');

SELECT subscribe('whole', offer('whole', 'EUR', 34800, 12), '2025-01-10Z'),
       subscribe('third', offer('third', 'EUR', 10000, 12), '2025-01-10Z'),
       subscribe('three', offer('third', 'EUR', 10000, 12), '2025-01-10Z', 3),
       subscribe('half', offer('half', 'EUR', 3006, 12), '2025-01-10Z'),
       subscribe('nen', offer('nen', 'JPY', 1000, 12), '2025-01-10Z'),
       subscribe('two years', offer('two years', 'KWD', 24001, 24), '2025-01-10Z') \gset
SELECT told('a year brings a twelfth in a month', moved('mrr', 'whole', '2025-01-01', '2025-02-01'),
	'new 29.00, closing 29.00');
SELECT told('rounded once for each subscription', moved('mrr', 'third', '2025-01-01', '2025-02-01'),
	'new 33.33, closing 33.33');
SELECT told('half up', moved('mrr', 'half', '2025-01-01', '2025-02-01'), 'new 2.51, closing 2.51');
SELECT told('to whole units where there are no others', moved('mrr', 'nen', '2025-01-01', '2025-02-01'),
	'new 83, closing 83');
SELECT told('two years a twenty-fourth', moved('mrr', 'two years', '2025-01-01', '2025-02-01'),
	'new 1.000, closing 1.000');

SELECT subscribe('steady', offer('steady', 'EUR', 1000), '2025-01-10Z'), close_period(8, 'steady', 'renewed'),
       close_period(9, 'steady', 'renewed') \gset
SELECT told('a renewal at the same price moves nothing', moved('subscriptions', 'steady', '2025-02-01', '2025-04-01'),
	'segment paid, opening 1, closing 1');
SELECT told('and nothing of its monthly revenue', moved('mrr', 'steady', '2025-02-01', '2025-04-01'),
	'opening 10.00, closing 10.00');

SELECT subscribe('again', offer('again', 'EUR', 3100), '2025-01-01Z'), cancel('again', '2025-01-02Z'),
       close_period(10, 'again', 'expired'), reactivate('again', offer('again', 'EUR', 3100), '2025-03-15Z') \gset
SELECT told('one that ended …', moved('subscriptions', 'again', '2025-02-01', '2025-03-01'),
	'segment paid, opening 1, expired_cancelled 1');
SELECT told('… may come back after a gap', moved('subscriptions', 'again', '2025-03-01', '2025-04-01'),
	'segment paid, reactivated 1, closing 1');
SELECT told('its monthly revenue leaves', moved('mrr', 'again', '2025-02-01', '2025-03-01'),
	'opening 31.00, churned 31.00');
SELECT told('and comes back', moved('mrr', 'again', '2025-03-01', '2025-04-01'), 'reactivated 31.00, closing 31.00');
SELECT told('nothing is earned in the gap',
	'SELECT coalesce(sum(recognised_minor), 0), coalesce(sum(closing_minor), 0)
	 FROM perennial.report_deferred(''2025-02-01'', ''2025-03-15'') WHERE plan_code = ''again''', '0 0');
SELECT told('then it is billed and earned anew', deferred_of('again', '2025-03-01', '2025-04-01'),
	'2025-03 0.00 0.00 31.00 17.00 14.00');

SELECT insert_bare('bare', 901, offer('bare', 'EUR', 1000), '2025-03-20Z'),
       insert_bare('bare trial', 902, offer('bare', 'EUR', 1000), '2025-03-20Z', 'trialing'),
       insert_bare('bare end', 903, offer('bare', 'EUR', 1000), '2025-03-20Z', 'expired') \gset
SELECT told('one without history has always been what it is',
	moved('subscriptions', 'bare', '2024-01-01', '2024-02-01'),
	'segment paid, opening 1, closing 1', 'segment trial, opening 1, closing 1');
SELECT told('with its monthly revenue', moved('mrr', 'bare', '2024-01-01', '2024-02-01'),
	'opening 10.00, closing 10.00');
SELECT insert_bare('stops', 904, offer('bare end', 'EUR', 1000), '2025-03-20Z'), cancel('stops', '2025-03-01Z'),
       close_period(11, 'stops', 'expired'),
       insert_bare('goes on', 905, offer('bare on', 'EUR', 1000), '2025-03-20Z'),
       close_period(12, 'goes on', 'renewed'),
       insert_bare('stops trial', 906, offer('bare trial', 'EUR', 1000), '2025-03-20Z', 'trialing'),
       cancel('stops trial', '2025-03-01Z'), close_period(13, 'stops trial', 'expired'),
       insert_bare('converts trial', 908, offer('bare pays', 'EUR', 1000), '2025-03-20Z', 'trialing'),
       close_period(17, 'converts trial', 'converted'),
       insert_bare('tries', 909, offer('bare tries', 'EUR', 1000), '2025-03-20Z', 'trialing'),
       close_period(18, 'tries', 'trial_expired'),
       insert_bare('moves', 907, offer('bare old', 'EUR', 1000), '2025-03-20Z'),
       change('moves', offer('bare new', 'EUR', 1500), 2, '2025-03-01Z'), close_period(14, 'moves', 'renewed') \gset
SELECT told('one whose history begins later was there before',
	moved('subscriptions', 'bare on', '2025-01-01', '2025-02-01'), 'segment paid, opening 1, closing 1');
SELECT told('its first renewal moves nothing', moved('mrr', 'bare on', '2025-03-01', '2025-04-01'),
	'opening 10.00, closing 10.00');
SELECT told('its end is one', moved('subscriptions', 'bare end', '2025-03-01', '2025-04-01'),
	'segment paid, opening 1, expired_cancelled 1');
SELECT told('that of a trial is one of a trial', moved('subscriptions', 'bare trial', '2025-03-01', '2025-04-01'),
	'segment trial, opening 1, expired_cancelled 1');
SELECT told('also of one that runs out', moved('subscriptions', 'bare tries', '2025-03-01', '2025-04-01'),
	'segment trial, opening 1, expired_trial_ended 1');
SELECT told('or converts', moved('subscriptions', 'bare pays', '2025-03-01', '2025-04-01'),
	'segment paid, converted_in 1, closing 1', 'segment trial, opening 1, converted_out 1');
SELECT told('what its first entry found is what it was', moved('mrr', 'bare old', '2025-03-01', '2025-04-01'),
	'opening 10.00, changed_out 10.00');
SELECT told('before a renewal changed it', moved('mrr', 'bare new', '2025-03-01', '2025-04-01'),
	'expansion 20.00, changed_in 10.00, closing 30.00');

SELECT import_one('brought', 950, offer('brought', 'EUR', 1000), '2025-01-15Z', '2025-02-15Z', 900, '2025-02-01Z'),
       close_period(15, 'brought', 'renewed') \gset
SELECT import_one('brought late', 951, offer('brought late', 'EUR', 1000), '2024-12-20Z', '2025-01-20Z', 900,
                  '2025-02-01Z'),
       close_period(16, 'brought late', 'renewed') \gset
SELECT told('an import is no sale', moved('subscriptions', 'brought', '2025-02-01', '2025-03-01'),
	'segment paid, imported 1, closing 1');
SELECT told('it brings its monthly revenue', moved('mrr', 'brought', '2025-02-01', '2025-03-01'),
	'imported 10.00, closing 10.00');
SELECT told('one that was overdue was there when it was renewed',
	moved('subscriptions', 'brought late', '2025-01-20', '2025-01-21'), 'segment paid, imported 1, closing 1');
SELECT told('and is no import afterwards', moved('subscriptions', 'brought late', '2025-02-01', '2025-03-01'),
	'segment paid, opening 1, closing 1');

UPDATE perennial.run SET finished_at = now(), result = 'done';
SELECT is_empty('SELECT * FROM generate_series(timestamp ''2025-01-01'', ''2025-06-01'', interval ''1 month'') AS month,
                 untied(month::date, (month + interval ''1 month'')::date)', 'each month of all of this ties out');
SELECT is_empty('SELECT a.plan_code FROM perennial.report_subscriptions(''2025-01-01'', ''2025-03-01'') AS a
                 FULL JOIN perennial.report_subscriptions(''2025-03-01'', ''2025-05-01'') AS b
                 USING (segment, plan_code, currency)
                 WHERE coalesce(a.closing, 0) <> coalesce(b.opening, 0)', 'a period opens as the one before it closed');
SELECT is_empty('SELECT a.plan_code FROM perennial.report_mrr(''2025-01-01'', ''2025-03-01'') AS a
                 FULL JOIN perennial.report_mrr(''2025-03-01'', ''2025-05-01'') AS b USING (plan_code, currency)
                 WHERE coalesce(a.closing, 0) <> coalesce(b.opening, 0)', 'its monthly revenue too');
ROLLBACK TO examples;


-- What was billed, by kind.

SELECT subscribe('first', offer('kinds', 'EUR', 1000), '2025-03-05Z', 2),
       try('trial', offer('kinds', 'EUR', 1000), '2025-03-01Z', 7, true, 3), close_period(1, 'trial', 'converted'),
       subscribe('on', offer('kinds', 'EUR', 1000), '2025-02-10Z', 4), close_period(2, 'on', 'renewed'),
       subscribe('back', offer('kinds', 'EUR', 1000), '2025-01-01Z', 5), cancel('back', '2025-01-02Z'),
       close_period(3, 'back', 'expired'), reactivate('back', offer('kinds', 'EUR', 1000), '2025-03-20Z'),
       subscribe('year', offer('kinds', 'EUR', 10000, 12), '2025-03-31 23:00Z'),
       subscribe('yen', offer('kinds', 'JPY', 500), '2025-03-07Z', 2) \gset
SELECT import_one('elsewhere', 950, offer('kinds', 'EUR', 1000), '2025-03-01Z', '2025-04-01Z', 700, '2025-03-10Z') \gset
SELECT told('what was billed is counted by kind, and by interval and currency',
	'SELECT currency, plan_code, interval_months, periods, subscribed, reactivated, converted, renewed, amount
	 FROM perennial.report_billed(''2025-03-01'', ''2025-04-01'') ORDER BY 1, 3',
	'EUR kinds 1 4 20.00 50.00 30.00 40.00 140.00', 'EUR kinds 12 1 100.00 0.00 0.00 0.00 100.00',
	'JPY kinds 1 1 1000 0 0 0 1000');
SELECT told('in minor units too',
	'SELECT subscribed_minor, reactivated_minor, converted_minor, renewed_minor, amount_minor
	 FROM perennial.report_billed(''2025-03-01'', ''2025-04-01'') WHERE currency = ''EUR'' AND interval_months = 1',
	'2000 5000 3000 4000 14000');
SELECT told('the detail has a row for each',
	'SELECT currency, plan_code, interval_months, billed_at, name, d.account_id, revision, kind, run_id, service_from,
	        service_to, quantity, unit_amount_minor, unit_amount, amount_minor, amount
	 FROM perennial.report_billed_detail(''2025-03-01'', ''2025-04-01'') AS d JOIN sub USING (subscription_id)
	 ORDER BY billed_at',
	'EUR kinds 1 2025-03-05T00:00:00+00:00 first 1 1 subscribed - 2025-03-05 2025-04-05 2 1000 10.00 2000 20.00',
	'JPY kinds 1 2025-03-07T00:00:00+00:00 yen 1 1 subscribed - 2025-03-07 2025-04-07 2 500 500 1000 1000',
	'EUR kinds 1 2025-03-08T00:00:00+00:00 trial 2 2 converted 1 2025-03-08 2025-04-08 3 1000 10.00 3000 30.00',
	'EUR kinds 1 2025-03-10T00:00:00+00:00 on 1 2 renewed 2 2025-03-10 2025-04-10 4 1000 10.00 4000 40.00',
	'EUR kinds 1 2025-03-20T00:00:00+00:00 back 1 4 reactivated - 2025-03-20 2025-04-20 5 1000 10.00 5000 50.00',
	'EUR kinds 12 2025-03-31T23:00:00+00:00 year 1 1 subscribed - 2025-03-31 2026-03-31 1 10000 100.00 10000 100.00');
SELECT told('its days are local',
	'SELECT service_from, service_to
	 FROM perennial.report_billed_detail(''2025-04-01'', ''2025-04-02'', ''Europe/Paris'')',
	'2025-04-01 2026-04-01');

-- The audit.

SELECT told('all that happened is in the audit, by the date that counts',
	'SELECT a.currency, plan_code, name, a.account_id, revision, at, kind, rule, actor = session_user, run_id,
	        from_status, to_status, amount_minor, amount
	 FROM perennial.report_audit(''2025-01-01'', ''2025-04-01'') AS a JOIN sub USING (subscription_id)
	 WHERE name IN (''back'', ''elsewhere'', ''yen'') ORDER BY at, revision',
	'EUR kinds back 1 1 2025-01-01T00:00:00+00:00 subscribed - true - - active 5000 50.00',
	'EUR kinds back 1 2 2025-01-02T00:00:00+00:00 cancelled - true - active pending_cancellation - -',
	'EUR kinds back 1 3 2025-02-01T00:00:00+00:00 expired rule of expired false 3 pending_cancellation expired 0 0.00',
	'JPY kinds yen 1 1 2025-03-07T00:00:00+00:00 subscribed - true - - active 1000 1000',
	'EUR kinds elsewhere 1 1 2025-03-10T00:00:00+00:00 imported - true - - active 700 7.00',
	'EUR kinds back 1 4 2025-03-20T00:00:00+00:00 reactivated - true - expired active 5000 50.00');
SELECT told('with the period that was closed, and that which is running then',
	'SELECT closed_start, closed_end, period_start, period_end, quantity, recorded_at = now()
	 FROM perennial.report_audit(''2025-03-10'', ''2025-03-11'') WHERE kind = ''renewed''',
	'2025-02-10T00:00:00+00:00 2025-03-10T00:00:00+00:00 2025-03-10T00:00:00+00:00 2025-04-10T00:00:00+00:00 4 true');
SELECT is((SELECT count(*) FROM perennial.report_audit('1900-01-01', '3000-01-01')),
          (SELECT count(*) FROM perennial.history), 'each entry is in it once');
ROLLBACK TO examples;


-- Runs.

INSERT INTO perennial.run (run_id, as_of, started_at, finished_at, result, exit_code, invocation_id, failed, left_due,
	left_held, stopped_by)
VALUES (1, '2025-03-15Z', '2025-03-15 00:05Z', '2025-03-15 00:06Z', 'limit', 12, 'abc', 1, 2, 3, 'limit'),
       (2, '2025-03-16Z', '2025-03-16 00:05Z', '2025-03-16 00:06Z', 'done', 0, NULL, 0, 0, 3, NULL),
       (3, '2025-03-17Z', '2025-03-17 00:05Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       (4, '2025-03-18Z', now(), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held)
VALUES (1, 1, 1, 4, 1), (2, 2, 1, 3, 0), (2, 3, 4, 5, 5);
INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
VALUES (1, 1, 1, 'renewed', 'EUR', 2, 2000), (2, 2, 1, 'renewed', 'EUR', 1, 1050), (1, 1, 1, 'expired', 'EUR', 1, 0),
       (2, 2, 1, 'converted', 'JPY', 1, 500), (2, 2, 1, 'trial_expired', 'JPY', 4, 0);
SELECT told('a run has a row for each currency, and one without outcomes too; what it counts as a whole stands once',
	'SELECT run_id, currency, claimed, held, failed, left_due, left_held, renewed, converted, expired, trial_expired,
	        billed_minor, billed
	 FROM perennial.report_runs(''2025-03-01'', ''2025-04-01'') ORDER BY 1, 2',
	'1 EUR 7 1 1 2 3 3 0 1 0 3050 30.50', '1 JPY - - - - - 0 1 0 4 500 500', '2 - 0 0 0 0 3 0 0 0 0 0 0',
	'3 - 0 0 - - - 0 0 0 0 0 0', '4 - 5 5 - - - 0 0 0 0 0 0');
SELECT told('and says what became of it',
	'SELECT run_id, currency, as_of, started_at = as_of + interval ''5 minutes'', finished_at, state, result, exit_code,
	        stopped_by, invocation_id
	 FROM perennial.report_runs(''2025-03-01'', ''2025-04-01'') ORDER BY 1, 2',
	'1 EUR 2025-03-15T00:00:00+00:00 true 2025-03-15T00:06:00+00:00 finished limit 12 limit abc',
	'1 JPY 2025-03-15T00:00:00+00:00 true 2025-03-15T00:06:00+00:00 finished limit 12 limit abc',
	'2 - 2025-03-16T00:00:00+00:00 true 2025-03-16T00:06:00+00:00 finished done 0 - -',
	'3 - 2025-03-17T00:00:00+00:00 true - died - - - -', '4 - 2025-03-18T00:00:00+00:00 false - running - - - -');
SELECT told('a run belongs to the period in which it says that what is due is due',
	'SELECT run_id FROM perennial.report_runs(''2025-03-16'', ''2025-03-17'')', '2');
ROLLBACK TO examples;


-- What is overdue, and what is on hold.

-- The hour that is missing in Paris lies between.
SET LOCAL TimeZone = 'Europe/Paris';
SELECT insert_bare('b' || n, 900 + n, offer('plan', 'EUR', 1000), '2025-03-31Z'::timestamptz - age)
FROM unnest(ARRAY[interval '-0.000001 seconds', '0', '0:59:59.999999', '1:00', '23:59:59.999999', '24:00',
                  '191:59:59.999999', '192:00', '743:59:59.999999', '744:00', '9600:00'])
     WITH ORDINALITY AS a (age, n) \g /dev/null
SET LOCAL TimeZone = 'UTC';
CREATE FUNCTION ages(zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	RETURN QUERY SELECT concat_ws(', ', currency, reason, age, subscriptions, amount, oldest_due_at AT TIME ZONE 'UTC')
	             FROM perennial.report_overdue('2025-03-31Z') ORDER BY oldest_due_at DESC;
	PERFORM set_config('TimeZone', 'UTC', true);
END
$$;
SELECT told('ages are half-open, from the very instant, and the same in ' || zone, format('SELECT ages(%L)', zone),
	'EUR, not processed, less than 1 hour, 2, 20.00, 2025-03-30 23:00:00.000001',
	'EUR, not processed, 1 to 24 hours, 2, 20.00, 2025-03-30 00:00:00.000001',
	'EUR, not processed, 1 to 7 days, 2, 20.00, 2025-03-23 00:00:00.000001',
	'EUR, not processed, 8 to 30 days, 2, 20.00, 2025-02-28 00:00:00.000001',
	'EUR, not processed, 31 days and more, 2, 20.00, 2024-02-25 00:00:00')
FROM unnest(ARRAY['UTC', 'Europe/Paris']) AS zone;
DELETE FROM perennial.subscription;
DELETE FROM sub;

SELECT insert_bare(name, id, offer('plan', currency, 1000), '2025-05-31 12:00Z', status::perennial.status, hold,
                   next_price, next_quantity)
FROM (VALUES ('active', 901, 'EUR', 'active', NULL, NULL, 3),
             ('leaves', 902, 'EUR', 'pending_cancellation', NULL, NULL, 3),
             ('gone', 903, 'EUR', 'expired', NULL, NULL, NULL), ('tries', 904, 'EUR', 'trialing', NULL, NULL, NULL),
             ('pays', 905, 'EUR', 'trialing', NULL, NULL, NULL), ('yen', 906, 'JPY', 'active', NULL, NULL, NULL),
             ('held', 907, 'EUR', 'active', 'operator', offer('dear', 'EUR', 7000), NULL))
     AS v (name, id, currency, status, hold, next_price, next_quantity) \g /dev/null
UPDATE perennial.subscription SET billing_info_at = '2025-05-01Z' WHERE subscription_id = 905;
SELECT told('an amount is what comes next: nothing where it ends; holds stand apart',
	'SELECT currency, reason, age, subscriptions, amount_minor, amount FROM perennial.report_overdue(''2025-06-01Z'')
	 ORDER BY 1, 2',
	'EUR not processed 1 to 24 hours 4 4000 40.00', 'EUR operator 1 to 24 hours 1 7000 70.00',
	'JPY not processed 1 to 24 hours 1 1000 1000');
SELECT told('nothing is overdue before it is due',
	'SELECT * FROM perennial.report_overdue(''2025-05-31 11:59:59.999999Z'')');
SELECT told('one that was put on hold by hand is on hold',
	'SELECT currency, plan_code, subscription_id, account_id, reason, held_at, due_at, amount_minor, amount, run_id,
	        actor, sqlstate, detail, released_at, released_by FROM perennial.report_holds(''2025-06-01Z'')',
	'EUR plan 907 1 operator 2025-05-31T12:00:00+00:00 2025-05-31T12:00:00+00:00 7000 70.00 - - - - - -');
SELECT told('not before', 'SELECT * FROM perennial.report_holds(''2025-05-31 11:59:59.999999Z'')');
UPDATE perennial.subscription SET hold_reason = NULL, held_at = NULL WHERE subscription_id = 907;

INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
	period_start, period_end, price_id, next_price_id, quantity, next_quantity, reason, detail, sqlstate, run_id)
SELECT bucket, subscription_id, account_id, nth, kind, at, actor, status, status, period_start, period_end, price_id,
       next_price_id, quantity, next_quantity, reason, detail, sqlstate, run_id
FROM perennial.subscription, (VALUES
	(1, 'held', '2025-06-01 12:00Z'::timestamptz, 'perennial run', 'row_fault', 'no such thing', '23514', 7::bigint),
	(2, 'released', '2025-06-03 12:00Z', 'ada', NULL, NULL, NULL, NULL),
	(3, 'held', '2025-06-05 12:00Z', 'bob', 'operator', NULL, NULL, NULL))
	AS e (nth, kind, at, actor, reason, detail, sqlstate, run_id)
WHERE subscription_id = 901;
UPDATE perennial.subscription SET hold_reason = 'operator', held_at = '2025-06-05 12:00Z' WHERE subscription_id = 901;
CREATE FUNCTION holds_at(at timestamptz) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT subscription_id, reason, held_at, amount, run_id, actor, sqlstate, detail, released_at,
	                      released_by
	               FROM perennial.report_holds(%L)', at)
$$;
SELECT told('nothing is on hold before it was', holds_at('2025-06-01 11:59:59.999999Z'));
SELECT told('it is from the very instant, and who lifted it is known', holds_at('2025-06-01 12:00Z'),
	'901 row_fault 2025-06-01T12:00:00+00:00 30.00 7 perennial run 23514 no such thing 2025-06-03T12:00:00+00:00 ada');
SELECT told('until it was released', holds_at('2025-06-03 11:59:59.999999Z'),
	'901 row_fault 2025-06-01T12:00:00+00:00 30.00 7 perennial run 23514 no such thing 2025-06-03T12:00:00+00:00 ada');
SELECT told('not at that instant any more', holds_at('2025-06-03 12:00Z'));
SELECT told('and then again, for another reason', holds_at('2025-06-05 12:00Z'),
	'901 operator 2025-06-05T12:00:00+00:00 30.00 - bob - - - -');
ROLLBACK TO examples;


-- Who reads them, and what they do not see.

SELECT subscribe('euro', offer('plan', 'EUR', 1000), '2025-02-10Z'), close_period(1, 'euro', 'renewed'),
       subscribe('yen', offer('plan', 'JPY', 500), '2025-02-10Z'), close_period(1, 'yen', 'renewed'),
       try('trial', offer('plan', 'EUR', 1000), '2025-03-01Z', 7, true), cancel('trial', '2025-03-02Z'),
       insert_bare('held', 900, offer('plan', 'EUR', 1000), '2025-03-20Z', hold => 'operator'),
       insert_bare('held yen', 901, offer('plan', 'JPY', 500), '2025-03-20Z', hold => 'operator') \gset

-- The rows of a report as somebody sees them, or the error.
CREATE FUNCTION seen_by(role text, call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	RETURN QUERY EXECUTE 'SELECT row_to_json(r)::text FROM ' || call || ' AS r';
	RESET ROLE;
EXCEPTION WHEN OTHERS THEN
	RETURN NEXT SQLSTATE;
END
$$;

SELECT isnt_empty(format('SELECT * FROM %s WHERE currency = ''JPY''', call), format('%s: by currency', name))
FROM report;
SELECT is_empty(format('SELECT * FROM %s WHERE currency = ''USD''', call),
                format('%s: of which there may be none', name))
FROM report;
SELECT is_empty(format('SELECT * FROM disagreeing(%L)', call), format('%s: minor units and decimals agree', name))
FROM report WHERE name <> 'tieout';
SELECT bag_eq(format('SELECT seen_by(''perennial_reader'', %L)', call),
              format('SELECT row_to_json(r)::text FROM %s AS r', call), format('%s: a reader sees all', name))
FROM report;
SELECT is_empty(format('SELECT row FROM seen_by(''perennial_reader'', %L) AS row WHERE row ~* ''secret''', call),
                format('%s: but no names and addresses', name))
FROM report;
SELECT told(format('%s: an application may not ask', name),
            format('SELECT seen_by(''perennial_app'', %L)', call), '42501')
FROM report;
SELECT told(format('%s: nor may a run', name), format('SELECT seen_by(''perennial_batch'', %L)', call), '42501')
FROM report;
SELECT is_empty('SELECT role, oid::regprocedure
                 FROM pg_proc, unnest(ARRAY[''perennial_app'', ''perennial_batch'']) AS role
                 WHERE proname ~ ''^report_'' AND pronamespace = ''perennial''::regnamespace
                 AND has_function_privilege(role, oid, ''EXECUTE'')', 'neither was granted any');
SELECT is_empty('SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = ''perennial''::regnamespace
                 AND has_function_privilege(''public'', oid, ''EXECUTE'')', 'nobody else may call anything');

SELECT * FROM finish();
ROLLBACK;
