-- records: what runs did and left, what is late or on hold, and everything that happened.

-- What the next step of a subscription would bill, as it stands: nothing at an end.
CREATE FUNCTION perennial.amount_due(s perennial.subscription) RETURNS numeric
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN s.status = 'active' OR s.status = 'trialing' AND s.billing_info_at IS NOT NULL
	            THEN p.unit_amount::numeric * coalesce(s.next_quantity, s.quantity) ELSE 0 END
	FROM perennial.price p WHERE p.price_id = coalesce(s.next_price_id, s.price_id);
END;

-- runs: those as of an instant in the period, one row for each and currency.  What a run counts as a whole stands in its
-- first row only, so that columns can be added up.
CREATE FUNCTION perennial.report_runs(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	run_id bigint, currency char(3), as_of timestamptz, started_at timestamptz, finished_at timestamptz, state text,
	result text, exit_code int, stopped_by text, invocation_id text, claimed bigint, held bigint, failed bigint,
	left_due bigint, left_held bigint, renewed bigint, converted bigint, expired bigint, trial_expired bigint,
	billed_minor numeric, billed numeric)
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT r.run_id, t.currency, r.as_of, r.started_at, r.finished_at, r.state, r.result, r.exit_code, r.stopped_by,
	       r.invocation_id,
	       CASE WHEN t.is_first THEN r.claimed END, CASE WHEN t.is_first THEN r.held END, CASE WHEN t.is_first THEN r.failed END,
	       CASE WHEN t.is_first THEN r.left_due END, CASE WHEN t.is_first THEN r.left_held END,
	       t.renewed, t.converted, t.expired, t.trial_expired, t.billed, perennial.decimal(t.billed, c.exponent)
	FROM (
		SELECT run.run_id, run.as_of, run.started_at, run.finished_at, life.state, run.result, run.exit_code, run.stopped_by,
		       run.invocation_id, run.failed, run.left_due, run.left_held, coalesce(sum(b.claimed), 0) AS claimed,
		       coalesce(sum(b.held), 0) AS held
		FROM perennial.run
		JOIN perennial.run_state life USING (run_id)
		LEFT JOIN perennial.batch b USING (run_id)
		WHERE run.as_of >= perennial.day_begins(from_date, report_runs.time_zone)
		AND run.as_of < perennial.day_begins(to_date, report_runs.time_zone)
		GROUP BY run.run_id, life.state
	) AS r
	CROSS JOIN LATERAL (
		SELECT u.currency, row_number() OVER (ORDER BY u.currency) = 1 AS is_first,
		       coalesce(sum(u.subscriptions) FILTER (WHERE u.kind = 'renewed'), 0)::bigint AS renewed,
		       coalesce(sum(u.subscriptions) FILTER (WHERE u.kind = 'converted'), 0)::bigint AS converted,
		       coalesce(sum(u.subscriptions) FILTER (WHERE u.kind = 'expired'), 0)::bigint AS expired,
		       coalesce(sum(u.subscriptions) FILTER (WHERE u.kind = 'trial_expired'), 0)::bigint AS trial_expired,
		       coalesce(sum(u.amount), 0) AS billed
		-- A run without outcomes has a row, too.
		FROM (VALUES (r.run_id)) AS own (run_id)
		LEFT JOIN perennial.run_total u ON u.run_id = own.run_id
		GROUP BY u.currency
	) AS t
	LEFT JOIN perennial.currency c ON c.code = t.currency;
END;

-- overdue: what is due as of an instant and not done, by reason and age.  Due a second ago is overdue, too.
CREATE FUNCTION perennial.report_overdue(as_of timestamptz DEFAULT now()) RETURNS TABLE (
	currency char(3), reason text, age text, subscriptions bigint, amount_minor numeric, amount numeric,
	oldest_due_at timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT d.currency, d.reason, (ARRAY['less than 1 hour', '1 to 24 hours', '1 to 7 days', '8 to 30 days', '31 days and more'])[d.age],
	       count(*), sum(d.amount), perennial.decimal(sum(d.amount), c.exponent), min(d.period_end)
	FROM (
		SELECT o.currency, coalesce(s.hold_reason, 'not processed') AS reason, s.period_end,
		       width_bucket(report_overdue.as_of - s.period_end, ARRAY[interval '0', '1 hour', '24 hours', '8 days', '31 days'])
		       AS age,
		       perennial.amount_due(s) AS amount
		FROM perennial.subscription s
		LEFT JOIN perennial.offer o USING (price_id)
		WHERE s.status <> 'expired' AND s.period_end <= report_overdue.as_of
	) AS d
	LEFT JOIN perennial.currency c ON c.code = d.currency
	GROUP BY d.currency, c.exponent, d.reason, d.age;
END;

-- holds: those in force at an instant, with what they kept from being billed, and how they ended since.
CREATE FUNCTION perennial.report_holds(as_of timestamptz DEFAULT now()) RETURNS TABLE (
	currency char(3), plan_code text, subscription_id bigint, account_id bigint, reason text, held_at timestamptz,
	due_at timestamptz, amount_minor numeric, amount numeric, run_id bigint, actor text, sqlstate char(5), detail text,
	released_at timestamptz, released_by text)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT o.currency, o.plan_code, h.subscription_id, h.account_id, h.reason, h.at, h.period_end, due.amount,
	       perennial.decimal(due.amount, c.exponent), h.run_id, h.actor, h.sqlstate, h.detail, h.released_at, h.released_by
	FROM (
		SELECT e.bucket, e.subscription_id, e.account_id, e.kind, e.reason, e.at, e.period_end, e.to_status, e.price_id,
		       e.next_price_id, e.quantity, e.next_quantity, e.run_id, e.actor, e.sqlstate, e.detail,
		       lead(e.at) OVER story AS released_at, lead(e.actor) OVER story AS released_by
		FROM perennial.event e
		WHERE e.kind IN ('held', 'released')
		WINDOW story AS (PARTITION BY e.bucket, e.subscription_id ORDER BY e.revision)
		UNION ALL
		-- Put on hold by other means.
		SELECT t.bucket, t.subscription_id, t.account_id, 'held', t.hold_reason, t.held_at, t.period_end, t.status, t.price_id,
		       t.next_price_id, t.quantity, t.next_quantity, NULL, NULL, NULL, NULL, NULL, NULL
		FROM perennial.subscription t
		WHERE t.hold_reason IS NOT NULL
		AND NOT EXISTS (SELECT FROM perennial.event e WHERE e.bucket = t.bucket AND e.subscription_id = t.subscription_id
		                AND e.kind = 'held')
	) AS h
	LEFT JOIN perennial.subscription s USING (bucket, subscription_id)
	LEFT JOIN perennial.offer o ON o.price_id = h.price_id
	LEFT JOIN perennial.offer next ON next.price_id = coalesce(h.next_price_id, h.price_id)
	LEFT JOIN perennial.currency c ON c.code = o.currency
	CROSS JOIN LATERAL (SELECT CASE
		WHEN h.to_status = 'active' OR h.to_status = 'trialing' AND s.billing_info_at IS NOT NULL
		THEN next.unit_amount::numeric * coalesce(h.next_quantity, h.quantity)
		ELSE 0 END AS amount) AS due
	WHERE h.kind = 'held' AND coalesce(h.at <= report_holds.as_of, true)
	AND coalesce(h.released_at > report_holds.as_of, true);
END;

-- audit: all that happened in the period, by the date that counts.
CREATE FUNCTION perennial.report_audit(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	currency char(3), plan_code text, subscription_id bigint, account_id bigint, revision int, at timestamptz,
	recorded_at timestamptz, kind text, rule text, actor text, run_id bigint, from_status perennial.status,
	to_status perennial.status, closed_start timestamptz, closed_end timestamptz, period_start timestamptz,
	period_end timestamptz, price_id int, quantity int, amount_minor bigint, amount numeric, reason text, detail text,
	sqlstate char(5))
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(h.currency, o.currency), o.plan_code, h.subscription_id, h.account_id, h.revision, h.at, h.recorded_at, h.kind,
	       h.rule, h.actor, h.run_id, h.from_status, h.to_status, h.closed_start, h.closed_end, h.period_start, h.period_end,
	       h.price_id, h.quantity, h.amount, perennial.decimal(h.amount, c.exponent), h.reason, h.detail, h.sqlstate
	FROM perennial.history h
	LEFT JOIN perennial.offer o USING (price_id)
	LEFT JOIN perennial.currency c ON c.code = h.currency
	WHERE h.at >= perennial.day_begins(from_date, report_audit.time_zone)
	AND h.at < perennial.day_begins(to_date, report_audit.time_zone);
END;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	perennial.amount_due(perennial.subscription),
	perennial.report_runs(date, date, text),
	perennial.report_overdue(timestamptz),
	perennial.report_holds(timestamptz),
	perennial.report_audit(date, date, text)
	TO perennial_reader;

INSERT INTO perennial.schema_version (version, name) VALUES (17, 'records');
