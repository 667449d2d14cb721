-- check_test: the statements of perennial check find whatever is wrong, and what they advise mends it.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
SELECT plan(34);

-- Each statement as it is, a view where it takes no parameters.
\set privileges `cat sql/query/privileges.inc`
\set constraints `cat sql/query/constraints.inc`
\set storable_zones `cat sql/query/storable_zones.inc`
\set died_runs `cat sql/query/died_runs.inc`
\set check_schema `cat sql/query/check_schema.sql`
\set check_privileges `cat sql/query/check_privileges.sql`
\set check_indexes `cat sql/query/check_indexes.sql`
\set check_durability `cat sql/query/check_durability.sql`
\set check_data `cat sql/query/check_data.sql`
\set check_runs `cat sql/query/check_runs.sql`
\set check_connection `cat sql/query/check_connection.sql`
\set check_zones `cat sql/query/check_zones.sql`
CREATE VIEW in_schema AS :check_schema;
CREATE VIEW in_privileges AS :check_privileges;
CREATE VIEW in_indexes AS :check_indexes;
CREATE VIEW in_durability AS :check_durability;
CREATE VIEW in_data AS :check_data;
CREATE VIEW in_runs AS :check_runs;
PREPARE in_connection (text, text, boolean, int, int, boolean) AS :check_connection;
PREPARE in_zones (text) AS :check_zones;

-- The findings of a statement that are no ok, a line each.
CREATE FUNCTION wrong(findings text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	f record;
	lines text := '';
BEGIN
	FOR f IN EXECUTE CASE WHEN findings LIKE 'EXECUTE %' THEN findings ELSE 'SELECT * FROM ' || findings END LOOP
		IF f.severity <> 'ok' THEN
			lines := lines || concat_ws(' ', f.severity, f.message) || E'\n';
		END IF;
	END LOOP;
	RETURN rtrim(lines, E'\n');
END
$$;

-- The same after a change, which is undone.
CREATE FUNCTION wrong_after(change text, findings text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	lines text;
BEGIN
	EXECUTE change;
	lines := wrong(findings);
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		RETURN lines;
END
$$;

-- Does what is advised.  What is then still wrong.
CREATE FUNCTION wrong_after_advice(findings text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	f record;
BEGIN
	FOR f IN EXECUTE 'SELECT * FROM ' || findings LOOP
		IF f.severity <> 'ok' THEN
			EXECUTE substr(f.advice, strpos(f.advice, ': ') + 2);
		END IF;
	END LOOP;
	RETURN wrong(findings);
END
$$;

-- What is granted in truth: an object, or a column of one.
CREATE VIEW granted AS
	SELECT g.rolname::text AS role, t.privilege, t.of, t.name
	FROM (
		SELECT a.grantee, a.privilege_type AS privilege, NULL AS of, nspname::text AS name
		FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = 'perennial'
		UNION ALL
		SELECT a.grantee, a.privilege_type, NULL, relname
		FROM pg_class, aclexplode(relacl) a WHERE relnamespace = 'perennial'::regnamespace
		UNION ALL
		SELECT a.grantee, a.privilege_type, relname, attname
		FROM pg_class c JOIN pg_attribute ON attrelid = c.oid, aclexplode(attacl) a
		WHERE relnamespace = 'perennial'::regnamespace
		UNION ALL
		SELECT a.grantee, a.privilege_type, NULL, proname
		FROM pg_proc, aclexplode(proacl) a WHERE pronamespace = 'perennial'::regnamespace
	) AS t
	JOIN pg_roles g ON g.oid = t.grantee
	WHERE g.rolname IN ('perennial_app', 'perennial_batch', 'perennial_operator', 'perennial_reader');
-- The same without what operators have as readers.
CREATE VIEW needed AS
	SELECT * FROM granted g
	WHERE g.role <> 'perennial_operator' OR NOT EXISTS (
		SELECT FROM granted r WHERE r.role = 'perennial_reader' AND (r.privilege, r.name) = (g.privilege, g.name)
		AND r.of IS NOT DISTINCT FROM g.of);
CREATE VIEW listed AS
	SELECT l.role, l.privilege, l.of, x.name
	FROM (VALUES :privileges) AS l (role, privilege, of, names), unnest(string_to_array(l.names, ' ')) AS x (name);

CREATE VIEW made AS
	SELECT t.relname::text AS "table", 'index' AS kind, i.relname::text AS name
	FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
	WHERE t.relnamespace = 'perennial'::regnamespace
	UNION ALL
	SELECT t.relname, 'constraint', conname
	FROM pg_constraint JOIN pg_class t ON t.oid = conrelid
	WHERE t.relnamespace = 'perennial'::regnamespace AND contype NOT IN ('p', 'u', 'x');
CREATE VIEW listed_made AS
	SELECT l."table", l.kind, x.name
	FROM (VALUES :constraints) AS l ("table", kind, names), unnest(string_to_array(l.names, ' ')) AS x (name);

-- A fresh database

SELECT is(wrong('in_schema'), '', 'nothing is lost in a fresh database');
SELECT is(wrong('in_privileges'), '', 'no privilege lacks in a fresh database');
SELECT is(wrong('in_indexes'), '', 'every index and constraint is there in a fresh database');
SELECT is(wrong('in_data'), '', 'a fresh database has no skew');
SELECT is(wrong('in_runs'), '', 'no run of a fresh database died');

-- privileges

SELECT set_eq('SELECT * FROM listed', 'SELECT * FROM needed', 'privileges.inc lists what the migrations grant');
SELECT cmp_ok((SELECT count(*) FROM listed), '>', 100::bigint, 'it lists many');

-- How a privilege is written in REVOKE.
CREATE FUNCTION on_what(n needed) RETURNS text LANGUAGE sql AS $$
	SELECT n.privilege || CASE
		WHEN n.privilege = 'USAGE' THEN ' ON SCHEMA perennial'
		WHEN n.privilege = 'EXECUTE' THEN ' ON FUNCTION perennial.' || n.name
		WHEN n.of IS NULL THEN ' ON perennial.' || n.name
		ELSE format(' (%s) ON perennial.%s', n.name, n.of) END
$$;
SELECT is_empty($$
	SELECT n.*, w FROM needed n,
	wrong_after(format('REVOKE %s FROM %s', on_what(n), n.role), 'in_privileges') AS w
	WHERE w <> format('error %s lacks %s on %s', n.role, n.privilege,
		CASE WHEN n.privilege = 'USAGE' THEN 'the schema' ELSE coalesce(format('%s (%s)', n.of, n.name), n.name) END)
	  AND w <> format('error %s lacks %s on %s', n.role, n.privilege, n.name)
$$, 'each privilege that is revoked is told, alone');

SAVEPOINT restored;
CREATE TABLE before AS SELECT * FROM needed;
REVOKE ALL ON SCHEMA perennial FROM perennial_app, perennial_batch, perennial_operator, perennial_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA perennial
	FROM perennial_app, perennial_batch, perennial_operator, perennial_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA perennial
	FROM perennial_app, perennial_batch, perennial_operator, perennial_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial TO PUBLIC;
SELECT is_empty('SELECT * FROM needed', 'after a restore without privileges there are none');
SELECT is((SELECT count(*) FROM in_privileges WHERE severity = 'error'),
          (SELECT count(DISTINCT (role, privilege, of)) FROM before),
          'they are told by role and kind, however PUBLIC may execute every function');
SELECT matches(wrong('in_privileges'), 'warning functions of the schema that PUBLIC may execute: [0-9]+',
               'what PUBLIC may execute is told');
SELECT is(wrong_after_advice('in_privileges'), '', 'what is advised mends it');
SELECT set_eq('SELECT * FROM needed', 'SELECT * FROM before', 'exactly what was granted is granted again');
ROLLBACK TO restored;

SAVEPOINT role;
REVOKE perennial_reader FROM perennial_operator;
SELECT is(wrong('in_privileges'), 'error perennial_operator is not in perennial_reader',
          'operators that are no readers are told');
SELECT is(wrong_after_advice('in_privileges'), '', 'what is advised makes them readers');
ROLLBACK TO role;
ALTER ROLE perennial_app RENAME TO perennial_test_gone;
SELECT is((SELECT severity || ' ' || message || ' ' || advice FROM in_privileges WHERE severity <> 'ok'),
          'error there is no role perennial_app an administrator runs: CREATE ROLE perennial_app NOLOGIN;',
          'a role that is gone is told');
ROLLBACK TO role;

-- A login role: what it is told, as it is.
CREATE FUNCTION told(grants text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	lines text;
BEGIN
	EXECUTE 'CREATE ROLE perennial_test_login LOGIN; GRANT SELECT ON in_privileges TO perennial_test_login;' || grants;
	-- A view is read as its owner, but for the name of the user and what depends on it.
	SET LOCAL SESSION AUTHORIZATION perennial_test_login;
	SELECT string_agg(concat_ws(' ', severity, message), E'\n') INTO lines FROM in_privileges;
	RAISE SQLSTATE 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN
		RETURN lines;
END
$$;
SELECT is(told(''), 'error perennial_test_login is in none of perennial_batch, perennial_operator and perennial_reader',
          'a login without a role is told so');
SELECT is(told('GRANT perennial_app TO perennial_test_login'),
          'error perennial_test_login is in none of perennial_batch, perennial_operator and perennial_reader',
          'the role of applications is none of them');
SELECT is(told('GRANT perennial_reader, perennial_batch TO perennial_test_login'),
          'ok perennial_test_login is in perennial_batch, perennial_reader: may run, plan; plan, explain, history, '
          'status, holds, report, metrics', 'a member is told what it may do');
SELECT is(told('GRANT perennial_batch TO perennial_test_login; ALTER ROLE perennial_test_login NOINHERIT'),
          'error perennial_test_login is in perennial_batch and does not inherit what that may',
          'a member that does not inherit is told so');
SELECT is(told('GRANT perennial_batch TO perennial_test_login; REVOKE SELECT ON perennial.plan FROM perennial_reader'),
          'ok perennial_test_login is in perennial_batch: may run, plan',
          'what lacks to a role that the user has not is none of its business');

-- schema

SELECT matches(wrong_after('DROP FUNCTION perennial.subscriptions_of; ALTER VIEW perennial.unsound RENAME TO sound;
                            ALTER TABLE perennial.run RENAME stopped_by TO ended_by', 'in_schema'),
               '^error the schema has lost run.stopped_by, subscriptions_of\(\), unsound$',
               'functions, views and columns that are gone are told');
SELECT is(wrong_after('DROP FUNCTION perennial.subscriptions_of; ALTER VIEW perennial.unsound RENAME TO sound;
                       ALTER TABLE perennial.run RENAME stopped_by TO ended_by', 'in_privileges'), '',
          'nothing can be granted on what is gone');

-- indexes

SELECT set_eq('SELECT * FROM listed_made', 'SELECT * FROM made', 'constraints.inc lists what the migrations make');
SELECT is_empty($$
	SELECT m.*, w FROM made m, wrong_after(
		CASE WHEN EXISTS (SELECT FROM pg_constraint WHERE conname = m.name)
		     THEN format('ALTER TABLE perennial.%s DROP CONSTRAINT %s CASCADE', m."table", m.name)
		     ELSE format('DROP INDEX perennial.%s', m.name) END, 'in_indexes') AS w
	WHERE strpos(w, format('error the table %s lacks the %s %s', m."table", m.kind, m.name)) = 0
$$, 'each index and constraint that is gone is told');
SELECT is_empty($$
	SELECT m.*, w FROM made m, wrong_after(
		format('UPDATE pg_index SET indisvalid = false WHERE indexrelid = %L::regclass', 'perennial.' || m.name),
		'in_indexes') AS w
	WHERE m.kind = 'index' AND w <> format('error the index %s of %s is not valid', m.name, m."table")
$$, 'each index that is not valid is told, alone');
UPDATE pg_constraint SET convalidated = false WHERE conname = 'subscription_price_id_fkey';
SELECT is(wrong('in_indexes'), 'error the constraint subscription_price_id_fkey of subscription is not valid',
          'a constraint that is not valid is told');
SELECT is(wrong_after_advice('in_indexes'), '', 'what is advised makes it valid');

-- connection

CREATE FUNCTION wrong_at(host text, encrypted boolean, pooled boolean, version int, prepares boolean)
RETURNS text LANGUAGE sql AS $$
	SELECT wrong(format('EXECUTE in_connection (%L, 5432, %L, %s, %s, %L)', host, encrypted,
	                    pg_backend_pid() + pooled::int, version, prepares))
$$;
SELECT is(wrong_at('db1', false, true, 140011, true),
          E'error PostgreSQL 14 is too old\nwarning the connection is not encrypted, and goes over the network\n'
          'warning statements are prepared, and a connection pool stands between', 'all about a connection is told');
SELECT is(wrong_at('db1', true, true, 150000, false), '', 'one that is encrypted and does not prepare is fine');
SELECT is(string_agg(wrong_at(host, false, false, 160001, true), ''), '',
          'a socket and this host need no encryption')
FROM unnest(ARRAY['/var/run/postgresql', '@abstract', 'localhost', '127.0.0.1', '127.1.2.3', '::1']) AS host;
SELECT is(string_agg(wrong_at(host, false, false, 160001, true), ' '),
          'warning the connection is not encrypted, and goes over the network '
          'warning the connection is not encrypted, and goes over the network', 'any other host does')
FROM unnest(ARRAY['192.0.2.127', 'localhost.example']) AS host;

-- zones

SELECT is(wrong('EXECUTE in_zones (''UTC'')'), '', 'a fresh database knows every zone of the server');
SELECT is(wrong_after($$ DELETE FROM perennial.time_zone WHERE name IN ('Europe/Rome', 'Asia/Tokyo');
                         INSERT INTO perennial.time_zone VALUES ('Mars/Olympus') $$,
                      'EXECUTE in_zones (''Europe/Rome'')'),
          E'error report.time_zone: there is no time zone "Europe/Rome"\n'
          'warning the server knows time zones that the schema does not: Asia/Tokyo, Europe/Rome',
          'zones that are new are told, one that nobody uses is not');

SELECT * FROM finish();
ROLLBACK;
