-- start_run: take as_of once, from the server's clock unless it is given, and name the session after the run.
-- $1 timestamptz  as_of, or null
-- $2 text         host
-- $3 integer      pid
-- $4 text         version
-- $5 text         systemd's invocation id, or null
-- $6 bytea        the configuration file, or null
-- $7 bigint       the only subscription, or null
-- $8 text         limits that it may pass, or null
-- $9 text         why, or null
-- returns run_id bigint, as_of timestamptz, application_name text
WITH r AS (
	INSERT INTO perennial.run (as_of, host, pid, version, invocation_id, config_sha256, subscription_id, allow_over,
		allow_reason)
	VALUES (coalesce($1, now()), $2, $3, $4, $5, encode(sha256($6), 'hex'), $7, $8, $9)
	RETURNING run_id, as_of
)
SELECT r.run_id, r.as_of, set_config('application_name', 'perennial run=' || r.run_id, false) AS application_name
FROM r
