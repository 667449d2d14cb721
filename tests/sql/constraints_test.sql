-- constraints_test: what the tables refuse, whoever writes; and the valid neighbours of what they refuse.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(409);

-- One valid row of each table.  A test changes a few of its columns, so that only the change can be what is refused.
CREATE TABLE valid (target text PRIMARY KEY, facts jsonb);
INSERT INTO valid VALUES
	('currency', '{"code": "ABC", "exponent": 2}'),
	('time_zone', '{"name": "Mars/Olympus"}'),
	('schema_version', '{"version": 9999, "name": "new", "applied_at": "2024-01-01", "applied_by": "me"}'),
	('plan', '{"plan_id": 10, "code": "ten", "name": "Plan ten"}'),
	('price', '{"price_id": 10, "plan_id": 1, "currency": "EUR", "unit_amount": 1000, "interval_months": 1}'),
	('account', '{"bucket": 7, "account_id": 7, "kind": "online", "locale": "en"}'),
	('subscription', '{"bucket": 1, "subscription_id": 10, "account_id": 1, "price_id": 1, "quantity": 1,
		"status": "active", "anchor": "2024-01-31", "time_zone": "UTC", "months_elapsed": 1,
		"period_start": "2024-01-31Z", "period_end": "2024-02-29Z", "catch_up_allowed": false, "revision": 0}'),
	('outcome', '{"bucket": 1, "outcome_id": 10, "run_id": 1, "subscription_id": 1, "account_id": 1, "revision": 2,
		"kind": "renewed", "rule": "renews", "from_status": "active", "to_status": "active",
		"period_start": "2024-02-29Z", "period_end": "2024-03-31Z", "next_period_start": "2024-03-31Z",
		"next_period_end": "2024-04-30Z", "price_id": 1, "quantity": 1, "unit_amount": 1000, "amount": 1000,
		"currency": "EUR", "decided_at": "2024-04-01Z"}'),
	('event', '{"bucket": 1, "event_id": 10, "subscription_id": 1, "account_id": 1, "revision": 2,
		"kind": "cancelled", "at": "2024-03-01Z", "recorded_at": "2024-03-01Z", "actor": "app",
		"to_status": "pending_cancellation"}'),
	('notification_job', '{"bucket": 1, "job_id": 10, "subscription_id": 1, "account_id": 1, "kind": "renewed",
		"boundary": "2024-03-31Z", "event_id": 0, "state": "ready", "available_at": "2024-04-01Z", "attempts": 0}'),
	('run', '{"run_id": 10, "as_of": "2024-03-01Z", "started_at": "2024-03-01Z"}'),
	('batch', '{"bucket": 1, "batch_id": 10, "run_id": 1, "claimed": 10, "held": 0, "continued": 0, "committed_at": "2024-03-01Z"}'),
	('batch_total', '{"bucket": 1, "batch_id": 1, "run_id": 1, "kind": "converted", "currency": "EUR",
		"subscriptions": 1, "amount": 1000}');

-- The SQLSTATE and constraint that stop a statement, or 'nothing'; its effects are taken back.
CREATE FUNCTION stopped_by(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	constraint_ text;
	column_ text;
BEGIN
	EXECUTE statement;
	SET CONSTRAINTS ALL IMMEDIATE;
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		RETURN 'nothing';
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS constraint_ = CONSTRAINT_NAME, column_ = COLUMN_NAME;
		RETURN concat_ws(' ', SQLSTATE, nullif(constraint_, ''), nullif(column_, ''));
END
$$;

CREATE FUNCTION insert_of(target_ text, changes jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('INSERT INTO perennial.%I SELECT (jsonb_populate_record(NULL::perennial.%1$I, %L)).*',
	              target_, facts || changes)
	FROM valid WHERE target = target_
$$;

CREATE FUNCTION refused(target text, changes jsonb, by text, name text) RETURNS text LANGUAGE sql AS $$
	SELECT is(stopped_by(insert_of(target, changes)), by, name)
$$;

CREATE FUNCTION accepted(target text, changes jsonb, name text) RETURNS text LANGUAGE sql AS $$
	SELECT is(stopped_by(insert_of(target, changes)), 'nothing', name)
$$;

-- Rows that others point at or collide with.
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'Plan one');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES (1, 1, 'EUR', 1000, 1);
INSERT INTO perennial.account (bucket, account_id) VALUES (1, 1), (2, 2), (1, 256);
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, period_start,
	period_end)
VALUES (1, 1, 1, 1, 'active', '2024-01-31', '2024-01-31Z', '2024-02-29Z');
INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
	to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount, amount,
	currency)
VALUES (1, 1, 1, 1, 1, 'renewed', 'renews', 'active', 'active', '2024-01-31Z', '2024-02-29Z', '2024-02-29Z',
	'2024-03-31Z', 1, 1, 1000, 1000, 'EUR');
INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status)
VALUES (1, 1, 1, 1, 'cancelled', '2024-02-01Z', 'app', 'pending_cancellation');
INSERT INTO perennial.notification_job (bucket, job_id, subscription_id, account_id, kind, boundary)
VALUES (1, 1, 1, 1, 'renewed', '2024-02-29Z');
INSERT INTO perennial.run (run_id, as_of) VALUES (1, '2024-03-01Z');
INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held) VALUES (1, 1, 1, 10, 0);
INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
VALUES (1, 1, 1, 'renewed', 'EUR', 1, 1000);

SELECT accepted(target, '{}', format('%s takes the row that the tests start from', target))
FROM valid ORDER BY target;

SELECT refused(target, jsonb_build_object(name, NULL), format('23502 %s', name),
               format('%s.%s is never null', target, name))
FROM (VALUES
	('account', 'bucket account_id kind locale'),
	('batch', 'bucket batch_id run_id claimed held continued committed_at'),
	('batch_total', 'bucket batch_id run_id kind currency subscriptions amount'),
	('currency', 'code exponent'),
	('event', 'bucket event_id subscription_id account_id revision kind at recorded_at actor to_status'),
	('notification_job',
	 'bucket job_id subscription_id account_id kind boundary event_id state available_at attempts'),
	('outcome',
	 'bucket outcome_id run_id subscription_id account_id revision kind rule from_status to_status period_start '
	 'period_end price_id quantity unit_amount amount currency decided_at'),
	('plan', 'plan_id code name'),
	('price', 'price_id plan_id currency unit_amount interval_months'),
	('run', 'run_id as_of started_at'),
	('schema_version', 'version name applied_at applied_by'),
	('subscription',
	 'bucket subscription_id account_id price_id quantity status anchor time_zone months_elapsed period_start '
	 'period_end catch_up_allowed revision')
) AS needed (target, names), regexp_split_to_table(names, ' ') AS name;

SELECT refused(target, jsonb_build_object(name, value), '22P02',
               format('%s.%s knows no status %s', target, name, value))
FROM (VALUES ('subscription', 'status', 'paused'), ('subscription', 'status', ''), ('event', 'to_status', 'held'),
             ('outcome', 'from_status', 'cancelled'), ('outcome', 'to_status', 'Active')
) AS unknown (target, name, value);

-- What exists once.

SELECT refused(target, changes::jsonb, '23505 ' || by, name) FROM (VALUES
	('outcome', '{"period_end": "2024-02-29Z", "next_period_start": "2024-02-29Z"}', 'outcome_pkey',
	 'a second outcome for the same period is refused'),
	('outcome', '{"period_end": "2024-02-29Z", "kind": "expired", "to_status": "expired", "next_period_start": null,
	              "next_period_end": null, "amount": 0, "run_id": 2, "account_id": 256, "revision": 9}',
	 'outcome_pkey',
	 'a second outcome for the same period is refused, be it of another kind, run and revision'),
	('notification_job', '{"boundary": "2024-02-29Z"}',
	 'notification_job_bucket_subscription_id_kind_boundary_event_key',
	 'a second job for the same outcome is refused'),
	('notification_job', '{"boundary": "2024-02-29Z", "state": "done"}',
	 'notification_job_bucket_subscription_id_kind_boundary_event_key',
	 'a second job for the same outcome is refused, be it done or not'),
	('notification_job', '{"job_id": 1}', 'notification_job_pkey', 'a second job with the same id is refused'),
	('event', '{"revision": 1}', 'event_pkey', 'a second event with the same revision is refused'),
	('event', '{"revision": 1, "kind": "held", "at": "2025-01-01Z"}', 'event_pkey',
	 'a second event with the same revision is refused, be it of another kind and time'),
	('subscription', '{"subscription_id": 1}', 'subscription_pkey',
	 'a second subscription with the same id is refused'),
	('account', '{"bucket": 1, "account_id": 1}', 'account_pkey', 'a second account with the same id is refused'),
	('plan', '{"plan_id": 1}', 'plan_pkey', 'a second plan with the same id is refused'),
	('plan', '{"code": "one"}', 'plan_code_key', 'a second plan with the same code is refused'),
	('price', '{"price_id": 1}', 'price_pkey', 'a second price with the same id is refused'),
	('currency', '{"code": "EUR"}', 'currency_pkey', 'a second currency with the same code is refused'),
	('time_zone', '{"name": "UTC"}', 'time_zone_pkey', 'a second zone with the same name is refused'),
	('schema_version', '{"version": 1}', 'schema_version_pkey', 'a migration is recorded once'),
	('run', '{"run_id": 1}', 'run_pkey', 'a second run with the same id is refused'),
	('batch', '{"batch_id": 1}', 'batch_pkey', 'a second batch with the same id is refused'),
	('batch_total', '{"kind": "renewed"}', 'batch_total_pkey',
	 'a second total of a batch for the same kind and currency is refused')
) AS twice (target, changes, by, name);

SELECT accepted(target, changes::jsonb, name) FROM (VALUES
	('outcome', '{}', 'an outcome of another period of the same subscription is accepted'),
	('outcome', '{"subscription_id": 2, "period_end": "2024-02-29Z", "next_period_start": "2024-02-29Z"}',
	 'an outcome of another subscription for the same period is accepted'),
	('outcome', '{"bucket": 2, "period_end": "2024-02-29Z", "next_period_start": "2024-02-29Z"}',
	 'an outcome of another bucket''s subscription with the same id is accepted'),
	('notification_job', '{"boundary": "2024-02-29Z", "kind": "reactivated"}', 'a job of another kind is accepted'),
	('notification_job', '{"boundary": "2024-02-29Z", "event_id": 5}', 'a job of another event is accepted'),
	('notification_job', '{}', 'a job of another boundary is accepted'),
	('event', '{"kind": "cancelled", "at": "2024-02-01Z"}', 'the same event with the next revision is accepted'),
	('subscription', '{"bucket": 2, "account_id": 2, "subscription_id": 1}', 'an id may stand in two buckets'),
	('subscription', '{"account_id": 256}', 'an account may share its bucket'),
	('batch_total', '{"kind": "renewed", "currency": "USD"}', 'a total in another currency is accepted')
) AS once (target, changes, name);

-- Buckets.

SELECT refused(target, jsonb_build_object('bucket', value), '23514 ' || by,
               format('%s refuses bucket %s', target, value))
FROM (VALUES
	('account', 'account_check', 8), ('account', 'account_check', 0), ('account', 'account_check', -1),
	('subscription', 'bucket_of_account', 2), ('subscription', 'bucket_of_account', 0),
	('outcome', 'outcome_bucket_check', 256), ('outcome', 'outcome_bucket_check', -1),
	('event', 'event_bucket_check', 256), ('event', 'event_bucket_check', -1),
	('notification_job', 'notification_job_bucket_check', 256),
	('notification_job', 'notification_job_bucket_check', -1),
	('batch', 'batch_bucket_check', 256), ('batch', 'batch_bucket_check', -1),
	('batch_total', 'batch_total_bucket_check', 256), ('batch_total', 'batch_total_bucket_check', -1)
) AS wrong (target, by, value);

SELECT accepted(target, jsonb_build_object('bucket', value), format('%s takes bucket %s', target, value))
FROM (VALUES ('outcome'), ('event'), ('notification_job'), ('batch')) AS t (target), (VALUES (0), (255)) AS v (value);

SELECT refused('subscription', '{"account_id": 2}', '23514 bucket_of_account',
               'an account of another bucket is refused');
SELECT refused('subscription', '{"bucket": 9, "account_id": 9}', '23503 subscription_bucket_account_id_fkey',
               'an account that does not exist is refused');
SELECT accepted('account', '{"bucket": 128, "account_id": 9223372036854775807}',
                'the greatest account id is accepted');
SELECT accepted('account', '{"bucket": 0, "account_id": -1}', 'a negative account id is accepted');

-- Accounts, plans, prices, currencies.

SELECT refused('account', '{"kind": "private"}', '23514 account_kind_check', 'an account of unknown kind is refused');
SELECT accepted('account', '{"kind": "corporate"}', 'a corporate account is accepted');
SELECT refused('price', '{"interval_months": 0}', '23514 price_interval_months_check',
               'an interval of 0 months is refused');
SELECT refused('price', '{"interval_months": 121}', '23514 price_interval_months_check',
               'an interval of 121 months is refused');
SELECT refused('price', '{"interval_months": -1}', '23514 price_interval_months_check',
               'a negative interval is refused');
SELECT accepted('price', '{"interval_months": 120}', 'an interval of 120 months is accepted');
SELECT refused('price', '{"unit_amount": -1}', '23514 price_unit_amount_check', 'a negative unit amount is refused');
SELECT refused('price', '{"unit_amount": 1000000000000001}', '23514 price_unit_amount_check',
               'a unit amount above 10^15 is refused');
SELECT accepted('price', '{"unit_amount": 1000000000000000}', 'a unit amount of 10^15 is accepted');
SELECT accepted('price', '{"unit_amount": 0}', 'a price of 0 is accepted');
SELECT refused('price', '{"currency": "ABC"}', '23503 price_currency_fkey',
               'a price in a currency that is not listed is refused');
SELECT refused('price', '{"currency": "eur"}', '23503 price_currency_fkey', 'a currency in small letters is refused');
SELECT refused('price', '{"plan_id": 2}', '23503 price_plan_id_fkey', 'a price of an unknown plan is refused');
SELECT refused('currency', jsonb_build_object('code', code), '23514 currency_code_check',
               format('"%s" is no code of a currency', code))
FROM (VALUES ('eur'), ('EU'), ('E1R'), ('')) AS c (code);
SELECT refused('currency', '{"code": "EURO"}', '22001', '"EURO" is no code of a currency');
SELECT refused('currency', jsonb_build_object('exponent', exponent), '23514 currency_exponent_check',
               format('a currency with %s decimals is refused', exponent))
FROM (VALUES (-1), (5)) AS e (exponent);

SELECT is((SELECT exponent::int FROM perennial.currency c WHERE c.code = known.code), exponent,
          format('%s has %s decimals', code, exponent))
FROM (VALUES ('EUR', 2), ('USD', 2), ('GBP', 2), ('CHF', 2), ('HUF', 2), ('JPY', 0), ('KRW', 0), ('ISK', 0), ('CLP', 0),
             ('VND', 0), ('KWD', 3), ('BHD', 3), ('TND', 3), ('CLF', 4), ('UYW', 4), ('XXX', 0)
) AS known (code, exponent);
SELECT cmp_ok((SELECT count(*) FROM perennial.currency), '>', 150::bigint, 'there are more than 150 currencies');

-- Subscriptions.

SELECT refused('subscription', changes::jsonb, '23514 ' || by, name) FROM (VALUES
	('{"quantity": 0}', 'quantity_positive', 'a quantity of 0 is refused'),
	('{"quantity": -1}', 'quantity_positive', 'a negative quantity is refused'),
	('{"quantity": 0, "next_quantity": 1}', 'quantity_positive', 'a quantity of 0 is refused beside a scheduled one'),
	('{"next_quantity": 0}', 'quantity_positive', 'a scheduled quantity of 0 is refused'),
	('{"next_quantity": -1}', 'quantity_positive', 'a negative scheduled quantity is refused'),
	('{"period_end": "2024-01-30Z"}', 'period_forward', 'a period that runs backwards is refused'),
	('{"period_end": "2024-01-31Z"}', 'period_forward', 'an empty period is refused'),
	('{"months_elapsed": -1}', 'months_in_range', 'negative months since the anchor are refused'),
	('{"months_elapsed": 13201}', 'months_in_range', 'more than 1100 years since the anchor are refused'),
	('{"revision": -1}', 'revision_counts', 'a negative revision is refused'),
	('{"revision": 2000000001}', 'revision_counts', 'a revision that comes near an integer''s end is refused'),
	('{"status": "trialing", "trial_end": "2024-02-28Z"}', 'trial_ends_with_period',
	 'a trial that ends before its period is refused'),
	('{"status": "trialing", "trial_end": "2024-03-01Z"}', 'trial_ends_with_period',
	 'a trial that ends after its period is refused'),
	('{"status": "trialing", "trial_end": null}', 'trial_ends_with_period', 'a trial without an end is refused'),
	('{"ended_at": "2024-02-29Z"}', 'ended_when_expired', 'an active subscription that has ended is refused'),
	('{"end_reason": "cancelled"}', 'ended_when_expired',
	 'an active subscription with a reason for its end is refused'),
	('{"status": "pending_cancellation", "ended_at": "2024-02-29Z"}', 'ended_when_expired',
	 'a pending cancellation that has ended is refused'),
	('{"status": "trialing", "trial_end": "2024-02-29Z", "ended_at": "2024-02-29Z"}', 'ended_when_expired',
	 'a trial that has ended is refused')
) AS wrong (changes, by, name);

SELECT accepted('subscription', changes::jsonb, name) FROM (VALUES
	('{"next_quantity": 1, "next_price_id": 1}', 'a scheduled change is accepted'),
	('{"quantity": 2147483647}', 'the greatest quantity is accepted'),
	('{"period_end": "2024-01-31 00:00:00.000001Z"}', 'a period of a microsecond is accepted'),
	('{"months_elapsed": 0}', 'no months since the anchor are accepted'),
	('{"months_elapsed": 13200}', '1100 years since the anchor are accepted'),
	('{"status": "trialing", "trial_end": "2024-02-29Z"}', 'a trial that ends with its period is accepted'),
	('{"trial_end": "2024-01-31Z"}', 'an active subscription keeps the end of its trial'),
	('{"status": "pending_cancellation", "cancel_requested_at": "2024-02-01Z"}',
	 'a pending cancellation is accepted'),
	('{"status": "pending_cancellation", "trial_end": "2024-02-29Z"}', 'a cancelled trial is accepted'),
	('{"status": "expired", "ended_at": "2024-02-29Z", "end_reason": "cancelled"}',
	 'an expired subscription is accepted'),
	('{"hold_reason": "catch_up_limit", "held_at": "2024-03-01Z"}', 'a held subscription is accepted')
) AS good (changes, name);

-- "ended_at" stands only on expired rows.
SELECT refused('subscription', jsonb_build_object('status', 'expired', name, value), '23514 dates_in_range',
               format('subscription.%s refuses %s', name, value))
FROM regexp_split_to_table('billing_info_at trial_end cancel_requested_at ended_at held_at', ' ') AS name,
     (VALUES ('infinity'), ('-infinity'), ('1899-12-31 23:59:59.999999Z'), ('3000-01-01 00:00:00.000001Z')
     ) AS v (value);
SELECT refused('subscription', jsonb_build_object(name, value), '23514 ' || by,
               format('subscription.%s refuses %s', name, value))
FROM (VALUES
	('anchor', '-infinity', 'dates_in_range'), ('anchor', '1899-12-30 23:59:59.999999', 'dates_in_range'),
	('anchor', 'infinity', 'dates_in_range'), ('anchor', '3000-01-02 00:00:00.000001', 'dates_in_range'),
	('period_start', '-infinity', 'dates_in_range'), ('period_start', '1899-12-31 23:59:59.999999Z', 'dates_in_range'),
	('period_start', 'infinity', 'period_forward'), ('period_start', '3000-01-01 00:00:00.000001Z', 'period_forward'),
	('period_end', 'infinity', 'dates_in_range'), ('period_end', '3000-01-01 00:00:00.000001Z', 'dates_in_range'),
	('period_end', '-infinity', 'period_forward'), ('period_end', '1899-12-31 23:59:59.999999Z', 'period_forward')
) AS wrong (name, value, by);
SELECT accepted('subscription', jsonb_build_object('status', 'expired', name, value),
                format('subscription.%s takes %s', name, value))
FROM regexp_split_to_table('billing_info_at trial_end cancel_requested_at ended_at held_at', ' ') AS name,
     (VALUES ('1900-01-01 00:00:00Z'), ('3000-01-01 00:00:00Z')) AS v (value);
SELECT accepted('subscription', '{"period_start": "1900-01-01Z", "period_end": "3000-01-01Z"}',
                'a period may last from 1900 to 3000');
SELECT accepted('subscription', '{"anchor": "1899-12-31 13:00"}',
                'an anchor may be local time at the start of 1900 in UTC');
SELECT accepted('subscription', '{"anchor": "3000-01-01 14:00"}',
                'an anchor may be local time at the end of 2999 in UTC');

SELECT refused('subscription', jsonb_build_object('time_zone', zone), '23503 subscription_time_zone_fkey',
               format('the time zone "%s" is refused', zone))
FROM (VALUES ('Nowhere/Land'), ('FOO5'), ('PST'), ('CEST'), ('+05'), ('-03:30'), ('UTC+1'), ('<+05>-5'), ('utc'),
             ('europe/paris'), ('posix/Europe/Paris'), ('right/UTC'), ('posixrules'), ('localtime'), ('Factory'), (''),
             ('CET'), ('EST')  -- abbreviations too: without summers, and as each session says
) AS z (zone);
SELECT accepted('subscription', jsonb_build_object('time_zone', zone), format('the time zone "%s" is accepted', zone))
FROM (VALUES ('Europe/Paris'), ('America/New_York'), ('America/Argentina/Buenos_Aires'), ('Australia/Lord_Howe'),
             ('Asia/Kolkata'), ('Etc/GMT+5'), ('GMT')) AS z (zone);
SELECT refused('subscription', '{"price_id": 2}', '23503 subscription_price_id_fkey', 'an unknown price is refused');
SELECT refused('subscription', '{"next_price_id": 2}', '23503 subscription_next_price_id_fkey',
               'an unknown scheduled price is refused');

-- History.

SELECT refused('outcome', changes::jsonb, '23514 ' || by, name) FROM (VALUES
	('{"kind": "cancelled", "to_status": "expired", "next_period_start": null, "next_period_end": null, "amount": 0}',
	 'outcome_kind_check', 'an outcome of unknown kind is refused'),
	('{"next_period_start": "2024-04-01Z"}', 'opens_or_ends', 'an outcome that opens with a gap is refused'),
	('{"next_period_start": "2024-03-30Z"}', 'opens_or_ends', 'an outcome that opens with an overlap is refused'),
	('{"next_period_end": "2024-03-31Z"}', 'opens_or_ends', 'an outcome that opens an empty period is refused'),
	('{"next_period_end": "2024-03-30Z"}', 'opens_or_ends', 'an outcome that opens a period backwards is refused'),
	('{"next_period_start": null, "next_period_end": null}', 'opens_or_ends',
	 'a renewal that opens no period is refused'),
	('{"next_period_end": null}', 'opens_or_ends', 'a renewal that opens a period without end is refused'),
	('{"next_period_start": null}', 'opens_or_ends', 'a renewal that opens a period without start is refused'),
	('{"to_status": "expired"}', 'opens_or_ends', 'a renewal that leaves the subscription expired is refused'),
	('{"kind": "converted", "to_status": "trialing"}', 'opens_or_ends',
	 'a conversion that leaves a trial is refused'),
	('{"kind": "converted", "next_period_start": null, "next_period_end": null}', 'opens_or_ends',
	 'a conversion that opens no period is refused'),
	('{"amount": -1}', 'outcome_amount_check', 'a negative amount is refused'),
	('{"amount": 1000000000000001}', 'outcome_amount_check', 'an amount above 10^15 is refused')
) AS wrong (changes, by, name);

SELECT refused('outcome', '{"to_status": "expired", "next_period_start": null, "next_period_end": null, "amount": 0}'
                          || jsonb_build_object('kind', kind) || changes::jsonb,
               '23514 opens_or_ends', format(name, kind))
FROM (VALUES ('expired'), ('trial_expired')) AS k (kind), (VALUES
	('{"amount": 1}', 'an outcome "%s" with an amount is refused'),
	('{"next_period_start": "2024-03-31Z", "next_period_end": "2024-04-30Z"}',
	 'an outcome "%s" that opens a period is refused'),
	('{"next_period_start": "2024-03-31Z"}', 'an outcome "%s" with the start of a period is refused'),
	('{"next_period_end": "2024-04-30Z"}', 'an outcome "%s" with the end of a period is refused'),
	('{"to_status": "active"}', 'an outcome "%s" that leaves the subscription active is refused')
) AS wrong (changes, name);

SELECT accepted('outcome', changes::jsonb, name) FROM (VALUES
	('{"kind": "converted", "from_status": "trialing"}', 'a conversion is accepted'),
	('{"kind": "expired", "to_status": "expired", "next_period_start": null, "next_period_end": null, "amount": 0}',
	 'an expiry is accepted'),
	('{"kind": "trial_expired", "to_status": "expired", "next_period_start": null, "next_period_end": null,
	   "amount": 0}',
	 'the expiry of a trial is accepted'),
	('{"amount": 0}', 'a renewal for 0 is accepted'),
	('{"amount": 1000000000000000}', 'an amount of 10^15 is accepted')
) AS good (changes, name);

SELECT refused('event', changes::jsonb, '23514 ' || by, name) FROM (VALUES
	('{"kind": "renewed"}', 'event_kind_check', 'an event of unknown kind is refused'),
	('{"amount": 1000}', 'amount_has_currency', 'an event''s amount without a currency is refused'),
	('{"currency": "EUR"}', 'amount_has_currency', 'an event''s currency without an amount is refused'),
	('{"amount": -1, "currency": "EUR"}', 'event_amount_check', 'an event''s negative amount is refused'),
	('{"amount": 1000000000000001, "currency": "EUR"}', 'event_amount_check',
	 'an event''s amount above 10^15 is refused')
) AS wrong (changes, by, name);
SELECT accepted('event', '{"kind": "subscribed", "amount": 1000000000000000, "currency": "EUR"}',
                'an event''s amount of 10^15 is accepted');
SELECT accepted('event', '{"kind": "subscribed", "amount": 0, "currency": "EUR"}',
                'an event''s amount of 0 is accepted');
SELECT accepted('event', jsonb_build_object('kind', kind), format('an event "%s" is accepted', kind))
FROM regexp_split_to_table('subscribed trial_started imported cancelled withdrawn reactivated change_scheduled '
                           'billing_info_set billing_info_cleared held released', ' ') AS kind;

SELECT refused('notification_job', '{"kind": "held"}', '23514 notification_job_kind_check',
               'a job of unknown kind is refused');
SELECT refused('notification_job', '{"state": "sent"}', '23514 notification_job_state_check',
               'a job in an unknown state is refused');
SELECT refused('notification_job', '{"attempts": -1}', '23514 notification_job_attempts_check',
               'negative attempts are refused');
SELECT accepted('notification_job', jsonb_build_object('kind', kind), format('a job "%s" is accepted', kind))
FROM regexp_split_to_table('renewed converted expired trial_expired subscribed trial_started cancellation_confirmed '
                           'cancellation_withdrawn reactivated', ' ') AS kind;

-- Runs.

SELECT refused('run', changes::jsonb, '23514 ' || by, name) FROM (VALUES
	('{"result": "done"}', 'finished_with_result', 'a run with a result but no end is refused'),
	('{"finished_at": "2024-03-01Z"}', 'finished_with_result', 'a run with an end but no result is refused'),
	('{"finished_at": "2024-03-01Z", "result": "good"}', 'run_result_check',
	 'a run with an unknown result is refused'),
	('{"as_of": "1999-12-31 23:59:59.999999Z"}', 'run_as_of_check', 'an as_of before 2000 is refused'),
	('{"as_of": "3000-01-01Z"}', 'run_as_of_check', 'an as_of after 2999 is refused'),
	('{"as_of": "infinity"}', 'run_as_of_check', 'an infinite as_of is refused'),
	('{"as_of": "-infinity"}', 'run_as_of_check', 'a negative infinite as_of is refused')
) AS wrong (changes, by, name);
SELECT accepted('run', jsonb_build_object('finished_at', '2024-03-01Z', 'result', result),
                format('a run that ended "%s" is accepted', result))
FROM (VALUES ('done'), ('held'), ('left'), ('failed')) AS r (result);
SELECT accepted('run', '{"as_of": "2000-01-01Z"}', 'the first as_of is accepted');
SELECT accepted('run', '{"as_of": "2999-12-31 23:59:59.999999Z"}', 'the last as_of is accepted');

SELECT refused('batch', '{"claimed": 0}', '23514 batch_claimed_check', 'a batch that claimed nothing is refused');
SELECT refused('batch', '{"held": -1}', '23514 batch_check', 'a batch that held less than nothing is refused');
SELECT refused('batch', '{"held": 11}', '23514 batch_check', 'a batch that held more than it claimed is refused');
SELECT accepted('batch', '{"held": 10}', 'a batch that held all it claimed is accepted');
SELECT refused('batch', '{"continued": 11}', '23514 batch_continued_check', 'a batch that goes on with more than it claimed is refused');
SELECT refused('batch', '{"continued": -1}', '23514 batch_continued_check', 'a batch that goes on with less than nothing is refused');
SELECT accepted('batch', '{"continued": 10}', 'a batch that goes on with all it claimed is accepted');
SELECT refused('batch_total', '{"batch_id": 2}', '23503 batch_total_bucket_batch_id_fkey',
               'a total of an unknown batch is refused');
SELECT refused('batch_total', '{"bucket": 2}', '23503 batch_total_bucket_batch_id_fkey',
               'a total in another bucket than its batch is refused');
SELECT refused('batch_total', '{"kind": "held"}', '23514 batch_total_kind_check',
               'a total of unknown kind is refused');
SELECT refused('batch_total', '{"subscriptions": 0}', '23514 batch_total_subscriptions_check',
               'a total of nothing is refused');
SELECT accepted('batch_total', '{"amount": 18446744073709551614}', 'a total above a bigint is accepted');

-- What others point at stays.

SELECT is(stopped_by(statement), '23503 ' || by, name) FROM (VALUES
	('DELETE FROM perennial.account WHERE account_id = 1', 'subscription_bucket_account_id_fkey',
	 'an account with a subscription stays'),
	('UPDATE perennial.account SET bucket = 0, account_id = 257 WHERE account_id = 1',
	 'subscription_bucket_account_id_fkey',
	 'an account with a subscription keeps its id'),
	('DELETE FROM perennial.price', 'subscription_price_id_fkey', 'a price in use stays'),
	('DELETE FROM perennial.plan', 'price_plan_id_fkey', 'a plan with prices stays'),
	('DELETE FROM perennial.currency', 'price_currency_fkey', 'a currency in use stays'),
	('DELETE FROM perennial.time_zone', 'subscription_time_zone_fkey', 'a time zone in use stays'),
	('DELETE FROM perennial.batch', 'batch_total_bucket_batch_id_fkey', 'a batch with totals stays')
) AS used (statement, by, name);

-- Constraints hold for a change as they do for a new row.

SELECT is(stopped_by('UPDATE perennial.subscription SET ' || change), by, name) FROM (VALUES
	('quantity = 0', '23514 quantity_positive', 'a change to a quantity of 0 is refused'),
	('period_end = period_start', '23514 period_forward', 'a change to an empty period is refused'),
	('period_end = ''infinity''', '23514 dates_in_range', 'a change to an endless period is refused'),
	('account_id = 2', '23514 bucket_of_account', 'a change to an account of another bucket is refused'),
	('time_zone = ''FOO5''', '23503 subscription_time_zone_fkey', 'a change to an unknown zone is refused'),
	('ended_at = period_end', '23514 ended_when_expired', 'an end without expiry is refused'),
	('status = ''expired'', ended_at = period_end, end_reason = ''cancelled''', 'nothing',
	 'a change to expired is accepted')
) AS u (change, by, name);

-- Defaults, in the rows at the top that left them out.

SELECT is(to_jsonb(s) ->> field, value, title) FROM perennial.subscription s, (VALUES
	('time_zone', 'UTC', 'a subscription''s time zone is UTC unless given'),
	('quantity', '1', 'a subscription''s quantity is 1 unless given'),
	('months_elapsed', '0', 'a subscription''s months are 0 unless given'),
	('catch_up_allowed', 'false', 'a subscription may not catch up without limit unless allowed'),
	('revision', '0', 'a subscription''s revision begins with 0'),
	('billing_info_at', NULL, 'a subscription has no billing information unless given'),
	('hold_reason', NULL, 'a subscription is not held unless told so')
) AS preset (field, value, title);
SELECT is(to_jsonb(a) ->> field, value, title) FROM perennial.account a, (VALUES
	('kind', 'online', 'an account is online unless told otherwise'),
	('locale', 'en', 'an account''s locale is en unless given')
) AS preset (field, value, title) WHERE a.account_id = 1;
SELECT is(to_jsonb(j) ->> field, value, title) FROM perennial.notification_job j, (VALUES
	('state', 'ready', 'a job is ready when it is new'),
	('attempts', '0', 'a job begins without attempts'),
	('event_id', '0', 'a job belongs to no event unless told so')
) AS preset (field, value, title);
SELECT is((SELECT available_at FROM perennial.notification_job), now(), 'a job may be taken at once');
SELECT is((SELECT started_at FROM perennial.run), now(), 'a run starts when its row is written');
SELECT is((SELECT finished_at FROM perennial.run), NULL, 'a run begins without an end');

SELECT * FROM finish();
ROLLBACK;
