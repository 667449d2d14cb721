-- customer_test: accounts are put and looked at, as an application does it.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL TimeZone = 'UTC';
SELECT plan(175);

CREATE ROLE perennial_test_seller LOGIN IN ROLE perennial_app;

-- Calls a function of the schema as an application, and answers its rows.
CREATE FUNCTION as_seller(call text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	SET LOCAL SESSION AUTHORIZATION perennial_test_seller;
	EXECUTE 'SELECT jsonb_agg(to_jsonb(x)) FROM perennial.' || call || ' AS x' INTO answer;
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;
CREATE FUNCTION put(arguments text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL SESSION AUTHORIZATION perennial_test_seller;
	EXECUTE format('SELECT perennial.put_account(%s)', arguments);
	RESET SESSION AUTHORIZATION;
END
$$;

-- Every row of every table, with its place: a row that was written without a change moves.
CREATE FUNCTION everything() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	name text;
	content text;
	seen text := '';
BEGIN
	FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'perennial'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('SELECT md5(string_agg(concat(t.ctid, t), ''/'' ORDER BY t.ctid)) FROM perennial.%I t', name)
			INTO content;
		seen := concat(seen, name, content);
	END LOOP;
	RETURN seen;
END
$$;

-- How a statement is refused: its SQLSTATE, what is wrong with the refusal if anything, and what it says.
CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := everything();
	state text := 'taken';
	message text;
	hint text;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	END;
	RETURN concat_ws(' ', state, CASE hint WHEN '' THEN 'without a hint' END,
	                 CASE WHEN everything() <> before THEN 'and something changed' END, message);
END
$$;
CREATE FUNCTION account(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT (to_jsonb(a) - 'account_id')::text FROM perennial.account a WHERE a.account_id = id
$$;

-- put_account

SELECT put($$1, 'online', 'Ada', 'ada@example.com', NULL, 'en'$$) \gset
SELECT is(account(1)::jsonb, '{"bucket": 1, "kind": "online", "name": "Ada", "billing_email": "ada@example.com",
	"representative_email": null, "locale": "en"}', 'an account is created');
SELECT put($$513, 'corporate', 'Acme', NULL, 'rep@example.com', 'pt_BR'$$) \gset
SELECT is(account(513)::jsonb, '{"bucket": 3, "kind": "corporate", "name": "Acme", "billing_email": null,
	"representative_email": "rep@example.com", "locale": "pt_BR"}', 'a corporate account is created in its bucket');
SELECT put($$256, 'online', 'Eve', 'eve@example.com', 'rep@example.com', 'de'$$) \gset
SELECT is(account(256)::jsonb, '{"bucket": 1, "kind": "online", "name": "Eve", "billing_email": "eve@example.com",
	"representative_email": "rep@example.com", "locale": "de"}', 'both addresses can be given');
SELECT put($$-1, 'online', 'Nil', 'nil@example.com', NULL, 'en'$$) \gset
SELECT is(account(-1)::jsonb ->> 'bucket', '0', 'a negative id is an id');

CREATE TABLE before AS SELECT account(256) AS a256, everything() AS everything;
SELECT put($$1, 'online', 'Ada', 'ada@example.com', NULL, 'en'$$) \gset
SELECT put($$513, 'corporate', 'Acme', NULL, 'rep@example.com', 'pt_BR'$$) \gset
SELECT is(everything(), before.everything, 'putting the same account again writes nothing') FROM before;

CREATE FUNCTION after_put(given text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM put(given);
	RETURN account(1)::jsonb - 'bucket';
END
$$;
SELECT is(after_put(given), expected::jsonb, title) FROM (VALUES
	($$1, 'online', 'Ada L.', 'ada@example.com', NULL, 'en'$$, '{"kind": "online", "name": "Ada L.",
		"billing_email": "ada@example.com", "representative_email": null, "locale": "en"}', 'a name changes'),
	($$1, 'online', 'Ada L.', 'al@example.com', NULL, 'en'$$, '{"kind": "online", "name": "Ada L.",
		"billing_email": "al@example.com", "representative_email": null, "locale": "en"}', 'an address changes'),
	($$1, 'online', 'Ada L.', 'al@example.com', NULL, 'fr-CA'$$, '{"kind": "online", "name": "Ada L.",
		"billing_email": "al@example.com", "representative_email": null, "locale": "fr-CA"}', 'a locale changes'),
	($$1, 'online', 'Ada L.', 'al@example.com', 'rep@example.com', 'fr-CA'$$, '{"kind": "online", "name": "Ada L.",
		"billing_email": "al@example.com", "representative_email": "rep@example.com", "locale": "fr-CA"}',
	 'an address is added'),
	($$1, 'corporate', 'Ada L.', 'al@example.com', 'rep@example.com', 'fr-CA'$$, '{"kind": "corporate",
		"name": "Ada L.", "billing_email": "al@example.com", "representative_email": "rep@example.com",
		"locale": "fr-CA"}', 'a kind changes'),
	($$1, 'corporate', 'Ada L.', NULL, 'rep@example.com', 'fr-CA'$$, '{"kind": "corporate", "name": "Ada L.",
		"billing_email": null, "representative_email": "rep@example.com", "locale": "fr-CA"}',
	 'an address that is not needed is taken away'),
	($$1, 'online', 'Ada', 'ada@example.com', NULL, 'en'$$, '{"kind": "online", "name": "Ada",
		"billing_email": "ada@example.com", "representative_email": null, "locale": "en"}', 'all changes at once')
) AS c (given, expected, title);
SELECT is(account(256), a256, 'no other account changes') FROM before;
SELECT is((SELECT count(*) FROM perennial.account), 4::bigint, 'an account is there once');

SELECT is(after_put(format($$1, 'online', %L, 'ada@example.com', NULL, 'en'$$, name)) ->> 'name', name,
          'stored as it is: ' || name)
FROM (VALUES ('Robert''); DROP TABLE perennial.account; --'), ('$$ || pg_sleep(1) || $$'), ('%s %1$I \n'), ('Zoë 雅'),
	(' one blank before'), ('"quoted" <b>'), ('NULL')) AS n (name);
SELECT is(after_put(format($$1, 'online', 'Ada', %L, NULL, 'en'$$, email)) ->> 'billing_email', email,
          'stored as it is: ' || email)
FROM (VALUES ('o''neil@example.com'), ('a+b.c@sub.example.com'), ('x''||current_user||''@example.com'), ('ä@bücher.de'),
	('root@localhost')) AS e (email);
SELECT is(after_put(format($$1, 'online', 'Ada', 'ada@example.com', NULL, %L$$, locale)) ->> 'locale', locale,
          'a locale: ' || locale)
FROM (VALUES ('fil'), ('zh-Hant-TW'), ('sr_Latn_RS'), ('es-419')) AS l (locale);

CREATE TABLE argument (name text, position int, good text);
INSERT INTO argument VALUES
	('account_id', 1, '7'), ('kind', 2, '''online'''), ('name', 3, '''Ada'''),
	('billing_email', 4, '''ada@example.com'''), ('representative_email', 5, '''rep@example.com'''),
	('locale', 6, '''en''');
-- Account 7 with one argument otherwise.
CREATE FUNCTION put_with(name text, value text, kind text DEFAULT 'online') RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT put(%L)', string_agg(
		CASE a.name WHEN put_with.name THEN value WHEN 'kind' THEN quote_literal(kind) ELSE a.good END,
		', ' ORDER BY position))
	FROM argument a
$$;
SELECT is((SELECT array_agg(name ORDER BY position) FROM argument), proargnames, 'every argument is tried')
FROM pg_proc WHERE oid = 'perennial.put_account(bigint, text, text, text, text, text)'::regprocedure;

SELECT alike(refusal(put_with(name, 'NULL', kind)), '22023 ' || name || ' is null',
             format('%s: %s is not null', kind, name))
FROM argument, (VALUES ('online'), ('corporate')) AS k (kind)
WHERE name <> CASE kind WHEN 'online' THEN 'representative_email' ELSE 'billing_email' END
	AND NOT (name = 'kind' AND kind = 'corporate');
SELECT alike(refusal('SELECT put(''NULL, NULL, NULL, NULL, NULL, NULL'')'), '22023 % is null',
             'not everything is null');

SELECT alike(refusal(put_with(name, quote_literal(value))), '22023 ' || about,
             format('no %s %s', name, to_json(value)))
FROM (VALUES
	('kind', '', '%kind%'''''),
	('kind', 'Online', '%kind%''Online'''),
	('kind', 'private', '%kind%''private'''),
	('billing_email', 'Eve <eve@example.com>', 'billing_email is not valid'),
	('billing_email', '<eve@example.com>', 'billing_email is not valid'),
	('billing_email', 'ada@example.com,eve@example.com', 'billing_email is not valid'),
	('billing_email', 'ada@example.com;eve', 'billing_email is not valid'),
	('billing_email', 'ada\@example.com', 'billing_email is not valid'),
	('billing_email', repeat('a', 243) || '@example.com', 'billing_email is not valid'),
	('name', repeat('a', 255), 'name is not valid'),
	('name', '', 'name is not valid'),
	('name', '  ', 'name is not valid'),
	('name', E'\t', 'name is not valid'),
	('name', E'Ada\nBcc: eve@example.com', 'name is not valid'),
	('name', E'Ada\r\nBcc: eve@example.com', 'name is not valid'),
	('name', E'Ada\r', 'name is not valid'),
	('name', E'Ada\n', 'name is not valid'),
	('name', E'\nAda', 'name is not valid'),
	('name', E'Ada\x1b[2J', 'name is not valid'),
	('name', E'Ada\x7f', 'name is not valid'),
	('locale', '', 'locale is not valid'),
	('locale', 'e', 'locale is not valid'),
	('locale', 'engl', 'locale is not valid'),
	('locale', 'en_', 'locale is not valid'),
	('locale', 'en US', 'locale is not valid'),
	('locale', 'en_US.UTF-8', 'locale is not valid'),
	('locale', E'en\n', 'locale is not valid'),
	('locale', '../etc', 'locale is not valid'),
	('locale', 'en-abcdefghi', 'locale is not valid'),
	('locale', '12', 'locale is not valid')
) AS bad (name, value, about);
SELECT alike(refusal(put_with(name, quote_literal(value), kind)), '22023 ' || name || ' is not valid',
             format('%s: no %s %s', kind, name, to_json(value)))
FROM (VALUES (''), ('ada'), ('@example.com'), ('ada@'), ('ada@example.com@example.org'), ('ada @example.com'),
	('ada@exam ple.com'), ('Ada <ada@example.com>'), (E'ada@example.com\nBcc: eve@example.com'),
	(E'ada@example.com\r\n'), (E'ada@example.com\n'), (E'\nada@example.com'), (E'a\tda@example.com'),
	(E'ada@example.com\x01'), ('ada@example.com, eve@example.com')) AS e (value),
	(VALUES ('online'), ('corporate')) AS k (kind),
	(VALUES ('billing_email'), ('representative_email')) AS n (name);
SELECT alike(refusal(put_with('name', '''''')), '%name%', 'a refusal names what is wrong');
SELECT is(refusal($$ SELECT put('7, ''online'', '''', ''x'', ''y'', ''z''') $$),
          '22023 name, billing_email, representative_email, locale is not valid', 'a refusal names all that is wrong');
SELECT is(account(7), NULL, 'what was refused is not there');

-- subscriptions_of

INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'one', 'Plan one'), (2, 'two', 'Plan two');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
VALUES (1, 1, 'EUR', 1000, 1), (2, 2, 'EUR', 9900, 12), (4, 1, 'EUR', 0, 1);
INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, next_price_id, quantity,
	next_quantity, status, billing_info_at, anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
	cancel_requested_at, ended_at, hold_reason)
SELECT perennial.bucket_of(account), id, account, price, next_price, 2, next_quantity, status::perennial.status,
       billing, '2024-01-31', 'Europe/Paris', 1, '2024-01-31Z', '2024-02-29Z',
       CASE status WHEN 'trialing' THEN '2024-02-29Z'::timestamptz END,
       CASE WHEN status IN ('pending_cancellation', 'expired') THEN '2024-02-05Z'::timestamptz END, ended, hold
FROM (VALUES
	(20, 1, 1, NULL, NULL, 'active', NULL::timestamptz, NULL::timestamptz, NULL),
	(11, 1, 1, NULL, NULL, 'trialing', NULL, NULL, NULL),
	(12, 1, 1, NULL, NULL, 'trialing', '2024-02-02Z', NULL, NULL),
	(13, 1, 4, NULL, NULL, 'trialing', NULL, NULL, NULL),
	(14, 1, 1, 4, NULL, 'trialing', NULL, NULL, NULL),
	(15, 1, 4, 2, NULL, 'trialing', NULL, NULL, NULL),
	(16, 1, 1, NULL, NULL, 'pending_cancellation', '2024-02-02Z', NULL, NULL),
	(17, 1, 1, NULL, NULL, 'expired', NULL, '2024-02-20Z', NULL),
	(18, 1, 1, NULL, NULL, 'expired', NULL, NULL, NULL),
	(19, 1, 1, 2, 5, 'active', NULL, NULL, NULL),
	(21, 1, 1, 2, NULL, 'active', NULL, NULL, 'review'),
	(22, 1, 1, NULL, 5, 'active', NULL, NULL, NULL),
	(31, 256, 1, NULL, NULL, 'active', NULL, NULL, NULL),
	(32, 513, 1, NULL, NULL, 'active', NULL, NULL, NULL)
) AS s (id, account, price, next_price, next_quantity, status, billing, ended, hold);

CREATE TABLE listed AS SELECT (x ->> 'subscription_id')::int AS id, x
FROM jsonb_array_elements(as_seller('subscriptions_of(1)')) x;
SELECT is((SELECT array_agg((x ->> 'subscription_id')::int)
           FROM jsonb_array_elements(as_seller('subscriptions_of(1)')) x),
          ARRAY[11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22],
          'every subscription of the account is listed, in order of ids, and no other');
SELECT is(x, expected::jsonb, title) FROM listed JOIN (VALUES
	(20, '{"subscription_id": 20, "status": "active", "plan_code": "one", "plan_name": "Plan one", "price_id": 1,
		"quantity": 2, "unit_amount": 1000, "currency": "EUR", "interval_months": 1, "time_zone": "Europe/Paris",
		"period_start": "2024-01-31T00:00:00+00:00", "period_end": "2024-02-29T00:00:00+00:00",
		"renews_at": "2024-02-29T00:00:00+00:00", "renewal_amount": 2000, "expires_at": null, "usable": true,
		"billing_info": false, "next_price_id": null, "next_quantity": null, "cancel_requested_at": null}',
	 'an active one, in full'),
	(16, '{"subscription_id": 16, "status": "pending_cancellation", "plan_code": "one", "plan_name": "Plan one",
		"price_id": 1, "quantity": 2, "unit_amount": 1000, "currency": "EUR", "interval_months": 1,
		"time_zone": "Europe/Paris", "period_start": "2024-01-31T00:00:00+00:00",
		"period_end": "2024-02-29T00:00:00+00:00", "renews_at": null, "renewal_amount": null,
		"expires_at": "2024-02-29T00:00:00+00:00", "usable": true, "billing_info": true, "next_price_id": null,
		"next_quantity": null, "cancel_requested_at": "2024-02-05T00:00:00+00:00"}', 'a cancelled one, in full'),
	(19, '{"subscription_id": 19, "status": "active", "plan_code": "one", "plan_name": "Plan one", "price_id": 1,
		"quantity": 2, "unit_amount": 1000, "currency": "EUR", "interval_months": 1, "time_zone": "Europe/Paris",
		"period_start": "2024-01-31T00:00:00+00:00", "period_end": "2024-02-29T00:00:00+00:00",
		"renews_at": "2024-02-29T00:00:00+00:00", "renewal_amount": 49500, "expires_at": null, "usable": true,
		"billing_info": false, "next_price_id": 2, "next_quantity": 5, "cancel_requested_at": null}',
	 'one with a change scheduled, in full')
) AS e (id, expected, title) USING (id);
SELECT is(concat_ws(' ', 'renews ' || left(x ->> 'renews_at', 10), x ->> 'renewal_amount',
                    'expires ' || left(x ->> 'expires_at', 10), CASE WHEN (x ->> 'usable')::boolean THEN 'usable' END),
          expected, title)
FROM listed JOIN (VALUES
	(11, 'expires 2024-02-29 usable', 'a trial without billing information expires'),
	(12, 'renews 2024-02-29 2000 usable', 'a trial with billing information renews'),
	(13, 'renews 2024-02-29 0 usable', 'a free trial renews without billing information'),
	(14, 'renews 2024-02-29 0 usable', 'a trial whose next price is free renews'),
	(15, 'expires 2024-02-29 usable', 'a free trial whose next price is not free expires'),
	(16, 'expires 2024-02-29 usable', 'a cancelled one is usable until it expires'),
	(17, 'expires 2024-02-20', 'an expired one is not usable, and says when it ended'),
	(18, 'expires 2024-02-29', 'an expired one without ended_at ended with its period'),
	(20, 'renews 2024-02-29 2000 usable', 'an overdue one is usable until the run comes to it'),
	(21, 'renews 2024-02-29 19800 usable', 'one on hold is usable; the next price counts with the quantity in force'),
	(22, 'renews 2024-02-29 5000 usable', 'the next quantity counts with the price in force')
) AS e (id, expected, title) USING (id);
SELECT is(as_seller('subscriptions_of(256)') #>> '{0,subscription_id}', '31',
          'another account in the same bucket has its own');
SELECT is(jsonb_array_length(as_seller('subscriptions_of(256)')), 1,
          'another account in the same bucket has no other');
UPDATE perennial.subscription SET quantity = 2147483647, price_id = (
	SELECT price_id FROM perennial.price ORDER BY unit_amount DESC LIMIT 1) WHERE subscription_id = 31;
UPDATE perennial.price SET unit_amount = 1000000000000000
WHERE price_id = (SELECT price_id FROM perennial.subscription WHERE subscription_id = 31);
SELECT is(as_seller('subscriptions_of(256)') #>> '{0,renewal_amount}', NULL,
          'a renewal that costs more than an amount may be is listed without it');
SELECT is(as_seller('subscriptions_of(-1)'), NULL, 'an account without subscriptions has none');
SELECT alike(refusal('SELECT as_seller(''subscriptions_of(99)'')'), 'PR001 % account 99',
             'an unknown account is refused');
SELECT alike(refusal('SELECT as_seller(''subscriptions_of(NULL)'')'), '22023 account_id is null', 'null is refused');
SELECT is(left(refusal('SET LOCAL transaction_read_only = on; SELECT as_seller(''subscriptions_of(1)'')'), 5), 'taken',
          'looking needs no write');

-- Text for people and programs, wherever they are.

SET LOCAL TimeZone = 'Pacific/Apia';
SELECT is(perennial.utc_text(instant::timestamptz), expected, format('utc_text: %s', expected)) FROM (VALUES
	('2024-02-29 01:02:03+01', '2024-02-29T00:02:03Z'), ('2024-02-29 00:00Z', '2024-02-29T00:00:00Z'),
	('2024-02-29 00:00:00.5Z', '2024-02-29T00:00:00.5Z'),
	('2024-02-29 00:00:00.000001Z', '2024-02-29T00:00:00.000001Z'),
	('2024-02-29 00:00:10Z', '2024-02-29T00:00:10Z'), (NULL, NULL)
) AS t (instant, expected);
SELECT is(perennial.decimal_text(minor, currency), expected, format('decimal_text: %s %s', minor, currency))
FROM (VALUES
	(1234, 'EUR', '12.34'), (5, 'EUR', '0.05'), (0, 'EUR', '0.00'), (1234, 'JPY', '1234'), (1234, 'KWD', '1.234'),
	(1234, 'CLF', '0.1234'), (-1, 'EUR', '-0.01'), (1000000000000000, 'EUR', '10000000000000.00'),
	(18446744073709551614, 'EUR', '184467440737095516.14'), (1234, 'QQQ', NULL)
) AS t (minor, currency, expected);

-- The functions' rights.

SELECT is_empty($$ SELECT p.oid::regprocedure
                   FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
                   WHERE pronamespace = 'perennial'::regnamespace AND prosecdef AND acl.grantee = 0 $$,
                'PUBLIC executes no function that has its owner''s rights');
SELECT is(prosecdef AND 'search_path=pg_catalog, perennial, pg_temp' = ANY (proconfig), true,
          proname || ' has its owner''s rights on a fixed path')
FROM pg_proc WHERE pronamespace = 'perennial'::regnamespace AND proname IN ('put_account', 'subscriptions_of');

SELECT * FROM finish();
ROLLBACK;
