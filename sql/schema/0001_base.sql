-- base: the schema, its roles, and the two functions that every key and every boundary depend on.

CREATE SCHEMA perennial;
REVOKE ALL ON SCHEMA perennial FROM PUBLIC;

-- Roles belong to the cluster, not to the database: they are created where missing, and whoever may not
-- create them is told what an administrator has to run.  They cannot log in; login roles are members.
DO $$
DECLARE
	wanted text[] := ARRAY['perennial_batch', 'perennial_operator', 'perennial_app', 'perennial_reader'];
	missing text[];
	commands text;
BEGIN
	SELECT array_agg(w ORDER BY w) INTO missing
	FROM unnest(wanted) w WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = w);

	IF missing IS NOT NULL AND NOT (SELECT r.rolcreaterole OR r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) THEN
		SELECT string_agg(format('CREATE ROLE %I NOLOGIN;', m), ' ' ORDER BY m) INTO commands FROM unnest(missing) m;
		RAISE insufficient_privilege USING
			MESSAGE = format('roles are missing and %s may not create them', current_user),
			HINT = 'an administrator runs this once: ' || commands || ' GRANT perennial_reader TO perennial_operator;';
	END IF;

	FOR i IN 1 .. coalesce(array_length(missing, 1), 0) LOOP
		EXECUTE format('CREATE ROLE %I NOLOGIN', missing[i]);
	END LOOP;

	IF NOT pg_catalog.pg_has_role('perennial_operator', 'perennial_reader', 'USAGE') THEN
		BEGIN
			GRANT perennial_reader TO perennial_operator;
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE insufficient_privilege USING
				MESSAGE = format('perennial_operator is not a member of perennial_reader and %s may not change that', current_user),
				HINT = 'an administrator runs this once: GRANT perennial_reader TO perennial_operator;';
		END;
	END IF;
END
$$;

GRANT USAGE ON SCHEMA perennial TO perennial_batch, perennial_operator, perennial_app, perennial_reader;

-- One row for each migration, which writes it itself; the program compares the highest with its own.
CREATE TABLE perennial.schema_version (
	version     int PRIMARY KEY,
	name        text NOT NULL,
	applied_at  timestamptz NOT NULL DEFAULT now(),
	applied_by  text NOT NULL DEFAULT current_user
);

-- The bytes of the account's id, folded by XOR into 0..255: sequential and time-based ids both spread.
CREATE FUNCTION perennial.bucket_of(account_id bigint) RETURNS smallint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ((account_id # (account_id >> 8) # (account_id >> 16) # (account_id >> 24) # (account_id >> 32)
	       # (account_id >> 40) # (account_id >> 48) # (account_id >> 56)) & 255)::smallint;

-- The k-th boundary after the anchor, always counted from the anchor: Jan 31, Feb 29, Mar 31.  The server's rules
-- hold: the month's last day where the day is missing; in a gap of daylight saving the wall clock moves forward,
-- in an overlap the second instant counts.
CREATE FUNCTION perennial.boundary(anchor timestamp, time_zone text, months int) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (anchor + make_interval(months => months)) AT TIME ZONE time_zone;

REVOKE EXECUTE ON FUNCTION perennial.bucket_of(bigint), perennial.boundary(timestamp, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION perennial.bucket_of(bigint), perennial.boundary(timestamp, text, int)
	TO perennial_batch, perennial_operator, perennial_reader;

-- The names of time zones that may be stored.  The server also accepts FOO5, +05 and PST, which are no zones with
-- a history: the foreign key refuses them at no cost for an update of other columns.  Every migrate adds what a
-- newer tzdata brought.
CREATE TABLE perennial.time_zone (
	name text PRIMARY KEY
);

INSERT INTO perennial.schema_version (version, name) VALUES (1, 'base');
