-- check_privileges: what the user may do, and whether its roles have what the migrations granted.  The owner of the
-- schema is told of all roles.
-- returns severity text, message text, advice text
WITH wanted (role, privilege, of, names) AS (
VALUES
:privileges
), role (name, may) AS (
VALUES
	('perennial_app', NULL),
	('perennial_batch', 'run, plan'),
	('perennial_operator', 'hold, release, prune'),
	('perennial_reader', 'plan, explain, history, status, holds, report, metrics')
), who AS (
	SELECT pg_has_role(n.nspowner, 'USAGE') AS owns, r.rolsuper
	FROM pg_namespace n, pg_roles r
	WHERE n.nspname = 'perennial' AND r.rolname = current_user
), mine AS (
	SELECT r.name, r.may, g.oid, who.owns
	FROM who, role r JOIN pg_roles g ON g.rolname = r.name
	WHERE who.owns OR pg_has_role(g.oid, 'USAGE')
), dormant AS (
	SELECT r.name
	FROM role r JOIN pg_roles g ON g.rolname = r.name
	WHERE r.may IS NOT NULL AND pg_has_role(g.oid, 'MEMBER') AND NOT pg_has_role(g.oid, 'USAGE')
), lacking AS (
	SELECT w.role, w.privilege, w.of, count(*), string_agg(x.name, ', ' ORDER BY x.name) AS names,
	       string_agg('perennial.' || x.name, ', ' ORDER BY x.name) AS qualified
	FROM wanted w
	JOIN mine m ON m.name = w.role
	CROSS JOIN unnest(string_to_array(w.names, ' ')) AS x (name)
	LEFT JOIN pg_class c ON c.relnamespace = to_regnamespace('perennial') AND c.relname = coalesce(w.of, x.name)
	LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = x.name AND NOT a.attisdropped AND w.of IS NOT NULL
	LEFT JOIN pg_proc p ON p.pronamespace = to_regnamespace('perennial') AND p.proname = x.name
	WHERE CASE WHEN w.privilege = 'USAGE' THEN NOT has_schema_privilege(m.oid, 'perennial', 'USAGE')
	           -- What PUBLIC may is not granted.
	           WHEN w.privilege = 'EXECUTE' THEN p.oid IS NOT NULL AND NOT EXISTS (
	           	SELECT FROM pg_roles g, aclexplode(p.proacl) acl
	           	WHERE g.oid = acl.grantee AND pg_has_role(m.oid, g.oid, 'USAGE'))
	           WHEN w.of IS NULL THEN NOT has_table_privilege(m.oid, c.oid, w.privilege)
	           ELSE NOT has_column_privilege(m.oid, c.oid, a.attnum, w.privilege) END
	GROUP BY w.role, w.privilege, w.of
), public_functions AS (
	SELECT count(*)
	FROM pg_proc p
	WHERE p.pronamespace = to_regnamespace('perennial')
	  AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl WHERE acl.grantee = 0)
), found (n, severity, message, advice) AS (
	SELECT 1, 'ok', current_user || CASE WHEN rolsuper THEN ' is a superuser' ELSE ' owns the schema' END
	                             || ': may do everything', NULL
	FROM who WHERE owns
	UNION ALL
	SELECT 1, 'ok', current_user || ' is in ' || string_agg(name, ', ' ORDER BY name) || ': may '
	                             || string_agg(may, '; ' ORDER BY name), NULL
	FROM mine WHERE NOT owns AND may IS NOT NULL HAVING count(*) > 0
	UNION ALL
	SELECT 1, 'error',
	       format('%s is in none of perennial_batch, perennial_operator and perennial_reader', current_user),
	       format('an administrator runs: GRANT perennial_reader TO %1$I; for run it is perennial_batch, for hold, '
	              'release and prune perennial_operator', current_user)
	WHERE NOT EXISTS (SELECT FROM mine WHERE owns OR may IS NOT NULL) AND NOT EXISTS (SELECT FROM dormant)
	UNION ALL
	SELECT 1, 'error',
	       format('%s is in %s and does not inherit what that may', current_user, string_agg(name, ', ' ORDER BY name)),
	       format('an administrator runs: ALTER ROLE %I INHERIT;', current_user)
	FROM dormant HAVING count(*) > 0
	UNION ALL
	SELECT 2, 'error', 'there is no role ' || name, format('an administrator runs: CREATE ROLE %I NOLOGIN;', name)
	FROM role WHERE to_regrole(name) IS NULL
	UNION ALL
	SELECT 3, 'error', 'perennial_operator is not in perennial_reader',
	       'an administrator runs: GRANT perennial_reader TO perennial_operator;'
	WHERE NOT pg_has_role(to_regrole('perennial_operator')::oid, to_regrole('perennial_reader')::oid, 'USAGE')
	UNION ALL
	SELECT 4, 'error', format('%s lacks %s on %s', role, privilege,
	                          CASE WHEN privilege = 'USAGE' THEN 'the schema'
	                               WHEN of IS NOT NULL THEN format('%s (%s)', of, names)
	                               ELSE names END),
	       'the owner runs: GRANT ' || privilege
	       || CASE WHEN of IS NULL THEN '' ELSE format(' (%s)', names) END
	       || CASE privilege WHEN 'USAGE' THEN ' ON SCHEMA perennial'
	                         WHEN 'EXECUTE' THEN ' ON FUNCTION ' || qualified
	                         ELSE ' ON ' || coalesce('perennial.' || of, qualified) END
	       || ' TO ' || role || ';'
	FROM lacking
	UNION ALL
	SELECT 5, 'warning', format('functions of the schema that PUBLIC may execute: %s', count),
	       'the owner runs: REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;'
	FROM public_functions WHERE count > 0
)
SELECT severity, message, advice FROM found ORDER BY n, message
