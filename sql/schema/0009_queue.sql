-- queue: how consumers take notification jobs, and what they are told.
--
-- A job is ready, then taken for the time of a lease, then done.  A lease that runs out, or fail_job(), makes it ready
-- again; after ten attempts it is dead.  Jobs are found by their state, never by a highest id: ids are not committed in
-- their order.

-- What can be taken, oldest first …
CREATE INDEX notification_job_ready ON perennial.notification_job (available_at, job_id) WHERE state = 'ready';

-- … and what is out; few rows.
CREATE INDEX notification_job_taken ON perennial.notification_job (taken_until) WHERE state = 'taken';


-- What the functions below share.  Nobody else may execute it.

-- A job is handed out so many times.
CREATE FUNCTION perennial.job_attempts() RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 10;

-- What there is to say: from the outcome or the event that the job is about, and the plan's name as it is now.
CREATE FUNCTION perennial.job_payload(j perennial.notification_job) RETURNS jsonb
	LANGUAGE sql STABLE SET search_path = pg_catalog, perennial, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'kind', j.kind,
		'subscription_id', j.subscription_id,
		'plan_code', plan.code,
		'plan_name', plan.name,
		'interval_months', p.interval_months,
		'quantity', happened.quantity,
		'currency', p.currency,
		'unit_amount_minor', costs.unit_amount,
		'unit_amount', perennial.decimal_text(costs.unit_amount, p.currency),
		'amount_minor', happened.amount,
		'amount', perennial.decimal_text(happened.amount, p.currency),
		'time_zone', s.time_zone,
		'boundary', perennial.utc_text(j.boundary),
		'boundary_local', perennial.local_text(j.boundary, s.time_zone),
		'period_start', perennial.utc_text(happened.period_start),
		'period_start_local', perennial.local_text(happened.period_start, s.time_zone),
		'period_end', perennial.utc_text(happened.period_end),
		'period_end_local', perennial.local_text(happened.period_end, s.time_zone),
		'expires_at', CASE WHEN ends THEN perennial.utc_text(happened.period_end) END,
		'expires_at_local', CASE WHEN ends THEN perennial.local_text(happened.period_end, s.time_zone) END))
	FROM (
		-- The period that opened, or at an expiry the one that ended; nothing is billed then.
		SELECT o.price_id, o.quantity, coalesce(o.next_period_start, o.period_start) AS period_start,
		       coalesce(o.next_period_end, o.period_end) AS period_end, o.unit_amount,
		       CASE WHEN o.next_period_end IS NOT NULL THEN o.amount END AS amount
		FROM perennial.outcome o
		WHERE j.event_id = 0 AND o.bucket = j.bucket AND o.subscription_id = j.subscription_id AND o.period_end = j.boundary
		UNION ALL
		SELECT e.price_id, e.quantity, e.period_start, e.period_end, e.unit_amount, e.amount
		FROM perennial.event e
		WHERE j.event_id <> 0 AND e.bucket = j.bucket AND e.subscription_id = j.subscription_id AND e.event_id = j.event_id
	) AS happened
	JOIN perennial.subscription s ON s.bucket = j.bucket AND s.subscription_id = j.subscription_id
	JOIN perennial.price p ON p.price_id = happened.price_id
	JOIN perennial.plan ON plan.plan_id = p.plan_id
	CROSS JOIN LATERAL (SELECT coalesce(happened.unit_amount, p.unit_amount) AS unit_amount) AS costs
	CROSS JOIN LATERAL (SELECT j.kind IN ('cancellation_confirmed', 'expired', 'trial_expired')) AS fate (ends)
$$;

-- The job that a token was given for, locked.
CREATE FUNCTION perennial.lock_job(bucket int, job_id bigint, token uuid) RETURNS perennial.notification_job
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	j perennial.notification_job;
BEGIN
	PERFORM perennial.refuse_null(json_build_object('bucket', bucket, 'job_id', job_id, 'token', token));
	SELECT * INTO j FROM perennial.notification_job t
	WHERE t.bucket = lock_job.bucket AND t.job_id = lock_job.job_id
	FOR UPDATE;
	IF NOT FOUND THEN
		RAISE SQLSTATE 'PR001' USING
			MESSAGE = format('bucket %s has no job %s', bucket, job_id), HINT = 'take_jobs() says both';
	END IF;
	IF j.state <> 'taken' OR j.token IS DISTINCT FROM lock_job.token THEN
		RAISE SQLSTATE 'PR003' USING
			MESSAGE = CASE WHEN j.state = 'taken' THEN format('job %s was taken anew, with another token', job_id)
			               ELSE format('job %s is %s', job_id, j.state) END,
			HINT = 'the lease ran out, or this was said before: leave the job alone';
	END IF;
	RETURN j;
END
$$;


-- For consumers.

-- Takes up to n jobs, the oldest first.  A consumer commits before it acts on them, and says complete_job() or fail_job()
-- of each before the lease ends.
CREATE FUNCTION perennial.take_jobs(n int, lease interval) RETURNS TABLE (
	bucket smallint, job_id bigint, token uuid, attempt int, taken_until timestamptz,
	kind text, subscription_id bigint, account_id bigint,
	idempotency_key text,  -- the same at every attempt: whoever sends twice can be recognized by it
	recipient text, name text, address text, locale text, payload jsonb)
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	-- Not the transaction's: a lease counts from here.
	clock timestamptz := clock_timestamp();
	-- Counted in seconds: a day has 24 hours, whatever the session's zone.
	seconds numeric := extract(epoch FROM lease);
BEGIN
	PERFORM perennial.refuse_null(json_build_object('n', n, 'lease', lease));
	IF n NOT BETWEEN 1 AND 10000 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('n is %s', n), HINT = 'it is 1 to 10000';
	END IF;
	-- Months have another length in seconds than in comparisons.
	IF lease <= '0' OR lease > '1 day' OR seconds <= 0 OR seconds > 86400 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('a lease of %s', lease), HINT = 'it is more than 0, and 1 day at most';
	END IF;

	-- What was out when its consumer died.
	WITH late AS MATERIALIZED (
		SELECT t.bucket, t.job_id FROM perennial.notification_job t
		WHERE t.state = 'taken' AND t.taken_until <= clock
		ORDER BY t.taken_until
		LIMIT 1000
		FOR UPDATE SKIP LOCKED
	)
	UPDATE perennial.notification_job t
	SET state = CASE WHEN t.attempts < perennial.job_attempts() THEN 'ready' ELSE 'dead' END,
	    finished_at = CASE WHEN t.attempts >= perennial.job_attempts() THEN clock END,
	    last_error = 'the lease ran out', token = NULL, taken_until = NULL
	FROM late
	WHERE t.bucket = late.bucket AND t.job_id = late.job_id;

	RETURN QUERY
	WITH oldest AS MATERIALIZED (
		SELECT t.bucket, t.job_id FROM perennial.notification_job t
		WHERE t.state = 'ready' AND t.available_at <= clock
		ORDER BY t.available_at, t.job_id
		LIMIT n
		FOR UPDATE SKIP LOCKED
	), taken AS (
		UPDATE perennial.notification_job t
		SET state = 'taken', attempts = t.attempts + 1, taken_until = clock + make_interval(secs => seconds::float8), token = gen_random_uuid()
		FROM oldest
		WHERE t.bucket = oldest.bucket AND t.job_id = oldest.job_id
		RETURNING t AS job, t.*
	)
	SELECT t.bucket, t.job_id, t.token, t.attempts, t.taken_until,
	       t.kind, t.subscription_id, t.account_id,
	       concat_ws(':', t.bucket, t.subscription_id, t.kind, perennial.utc_text(t.boundary), t.event_id),
	       CASE a.kind WHEN 'corporate' THEN 'representative' WHEN 'online' THEN 'billing_contact' END,
	       a.name, CASE a.kind WHEN 'corporate' THEN a.representative_email ELSE a.billing_email END, a.locale,
	       perennial.job_payload(t.job)
	FROM taken t
	LEFT JOIN perennial.account a ON a.bucket = t.bucket AND a.account_id = t.account_id
	ORDER BY t.available_at, t.job_id;
END
$$;

CREATE FUNCTION perennial.complete_job(bucket int, job_id bigint, token uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	j perennial.notification_job := perennial.lock_job(bucket, job_id, token);
BEGIN
	UPDATE perennial.notification_job t
	SET state = 'done', finished_at = clock_timestamp(), token = NULL, taken_until = NULL
	WHERE t.bucket = j.bucket AND t.job_id = j.job_id;
END
$$;

-- Ready again after a minute, then two, four … minutes; dead after the tenth attempt.  error is kept with it.
CREATE FUNCTION perennial.fail_job(bucket int, job_id bigint, token uuid, error text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
DECLARE
	j perennial.notification_job := perennial.lock_job(bucket, job_id, token);
	dies boolean := j.attempts >= perennial.job_attempts();
BEGIN
	PERFORM perennial.refuse_null(json_build_object('error', error));
	UPDATE perennial.notification_job t
	SET state = CASE WHEN dies THEN 'dead' ELSE 'ready' END,
	    available_at = CASE WHEN dies THEN t.available_at
	                        ELSE clock_timestamp() + interval '1 minute' * 2 ^ (t.attempts - 1) END,
	    finished_at = CASE WHEN dies THEN clock_timestamp() END,
	    last_error = left(error, 1000), token = NULL, taken_until = NULL
	WHERE t.bucket = j.bucket AND t.job_id = j.job_id;
END
$$;

-- For operators: gives a dead job another ten attempts, once the cause is mended.
CREATE FUNCTION perennial.revive_job(bucket int, job_id bigint) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	PERFORM perennial.refuse_null(json_build_object('bucket', bucket, 'job_id', job_id));
	UPDATE perennial.notification_job t
	SET state = 'ready', available_at = clock_timestamp(), attempts = 0, finished_at = NULL
	WHERE t.bucket = revive_job.bucket AND t.job_id = revive_job.job_id AND t.state = 'dead';
	IF NOT FOUND THEN
		RAISE SQLSTATE 'PR001' USING
			MESSAGE = format('bucket %s has no dead job %s', bucket, job_id),
			HINT = 'dead ones have the state dead in perennial.notification_job';
	END IF;
	PERFORM pg_notify('perennial_job', '');
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	perennial.take_jobs(int, interval),
	perennial.complete_job(int, bigint, uuid),
	perennial.fail_job(int, bigint, uuid, text)
	TO perennial_app;
GRANT EXECUTE ON FUNCTION perennial.revive_job(int, bigint) TO perennial_operator;
GRANT DELETE ON perennial.notification_job TO perennial_operator;  -- prune

INSERT INTO perennial.schema_version (version, name) VALUES (9, 'queue');
