-- roll_forward: how many subscriptions there are, what they bring in a month, and every step that made it so.

-- Whether a period of a subscription was a trial, where the entry does not say so: the subscription remembers its trial until
-- it is reactivated, and its history may tell.
CREATE FUNCTION perennial.was_trial(bucket smallint, subscription_id bigint, period_end timestamptz) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM perennial.subscription s
	               WHERE s.bucket = was_trial.bucket AND s.subscription_id = was_trial.subscription_id
	               AND s.trial_end = was_trial.period_end)
	OR EXISTS (SELECT FROM perennial.history h
	           WHERE h.bucket = was_trial.bucket AND h.subscription_id = was_trial.subscription_id
	           AND coalesce(h.closed_end, h.period_end) = was_trial.period_end AND 'trialing' IN (h.from_status, h.to_status));
END;

-- The entries of histories that open, change or end a subscription, and those that are the first to tell of one.  A segment
-- is paid or trial; null is neither: not there yet, or expired.  found is what it was before the first entry of all, which
-- has the revision 1.
CREATE VIEW perennial.milestone AS
	SELECT o.bucket, o.subscription_id, o.revision, o.kind, o.period_end AS at,
	       CASE WHEN o.revision > 1 THEN NULL
	            WHEN o.kind = 'renewed' THEN 'paid'
	            WHEN o.kind IN ('converted', 'trial_expired') THEN 'trial'
	            WHEN perennial.was_trial(o.bucket, o.subscription_id, o.period_end) THEN 'trial'
	            ELSE 'paid' END AS found,
	       CASE WHEN o.kind IN ('renewed', 'converted') THEN 'paid' END AS segment,
	       o.price_id, o.quantity
	FROM perennial.outcome o
	UNION ALL
	SELECT e.bucket, e.subscription_id, e.revision, e.kind, e.at,
	       CASE WHEN e.from_status IN ('trialing', 'active', 'pending_cancellation') THEN known.segment END,
	       CASE WHEN e.to_status <> 'expired' THEN known.segment END,
	       e.price_id, e.quantity
	FROM perennial.event e
	CROSS JOIN LATERAL (SELECT CASE
		WHEN 'trialing' IN (e.from_status, e.to_status) THEN 'trial'
		WHEN 'active' IN (e.from_status, e.to_status) THEN 'paid'
		WHEN perennial.was_trial(e.bucket, e.subscription_id, e.period_end) THEN 'trial'
		ELSE 'paid' END AS segment) AS known
	WHERE e.kind IN ('subscribed', 'trial_started', 'imported', 'reactivated') OR e.revision = 1;

-- Subscriptions without a history: they have always been what they are.
CREATE VIEW perennial.settled AS
	SELECT s.bucket, s.subscription_id,
	       CASE WHEN s.status = 'trialing' OR s.status = 'pending_cancellation' AND s.trial_end = s.period_end
	            THEN 'trial' ELSE 'paid' END AS segment,
	       s.price_id, s.quantity
	FROM perennial.subscription s
	WHERE s.status <> 'expired'
	AND NOT EXISTS (SELECT FROM perennial.outcome o WHERE o.bucket = s.bucket AND o.subscription_id = s.subscription_id)
	AND NOT EXISTS (SELECT FROM perennial.event e WHERE e.bucket = s.bucket AND e.subscription_id = s.subscription_id);

-- From milestone to milestone.  at is when it counts: an entry that was made later and is dated earlier counts first, and
-- so does all that was made before it.
CREATE VIEW perennial.movement AS
	-- A renewal says nothing new of a subscription that was known from its beginning, unless a change had been scheduled, or
	-- it had been overdue when it was imported.  Most milestones are such.
	WITH story AS (
		SELECT bucket, subscription_id,
		       bool_or(kind IN ('subscribed', 'trial_started', 'imported')) AS founded,
		       bool_or(num_nonnulls(next_price_id, next_quantity) > 0 OR kind = 'imported' AND period_end < at) AS moves
		FROM perennial.event
		GROUP BY bucket, subscription_id
	), telling AS MATERIALIZED (
		SELECT bucket, subscription_id
		FROM perennial.subscription
		LEFT JOIN story USING (bucket, subscription_id)
		WHERE story.founded IS NOT TRUE OR story.moves
	), told AS MATERIALIZED (
		SELECT *
		FROM perennial.milestone
		WHERE kind <> 'renewed' OR (bucket, subscription_id) IN (SELECT bucket, subscription_id FROM telling)
	)
	SELECT bucket, subscription_id, revision, kind, min(at) OVER later AS at,
	       lead(revision) OVER later IS NULL AS is_first,
	       CASE WHEN lead(revision) OVER later IS NULL THEN found ELSE lead(segment) OVER later END AS from_segment,
	       coalesce(lead(price_id) OVER later, price_id) AS from_price_id,
	       coalesce(lead(quantity) OVER later, quantity) AS from_quantity,
	       segment, price_id, quantity
	FROM told
	WINDOW later AS (PARTITION BY bucket, subscription_id ORDER BY revision DESC ROWS UNBOUNDED PRECEDING);

-- What a subscription brings in a month, rounded once: all sums are then of whole numbers, and tie.
CREATE FUNCTION perennial.mrr(unit_amount bigint, quantity int, interval_months smallint) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN round(unit_amount::numeric * quantity / interval_months);

-- The steps of the numbers: up and down, by what they count.  Only what is paid has a monthly revenue.  A change of plan
-- takes what there was from one to the other, and what it adds or takes away belongs to the new one.
CREATE VIEW perennial.roll_forward AS
	WITH moved AS MATERIALIZED (
		SELECT m.*, old.plan_code AS from_plan, old.currency AS from_currency, new.plan_code AS to_plan,
		       new.currency AS to_currency,
		       CASE m.from_segment WHEN 'paid' THEN perennial.mrr(old.unit_amount, m.from_quantity, old.interval_months)
		                           ELSE 0 END AS from_mrr,
		       CASE m.segment WHEN 'paid' THEN perennial.mrr(new.unit_amount, m.quantity, new.interval_months) ELSE 0 END AS to_mrr
		FROM perennial.movement m
		LEFT JOIN perennial.offer old ON old.price_id = m.from_price_id
		LEFT JOIN perennial.offer new ON new.price_id = m.price_id
		WHERE m.is_first OR (m.from_segment, m.from_price_id, m.from_quantity) IS DISTINCT FROM (m.segment, m.price_id, m.quantity)
	)
	-- It was there before its history.
	SELECT bucket, subscription_id, '-infinity'::timestamptz AS at, from_segment AS segment, from_plan AS plan_code,
	       from_currency AS currency, 'opening' AS what, 1 AS subscriptions, from_mrr AS mrr
	FROM moved WHERE is_first AND from_segment IS NOT NULL
	UNION ALL
	-- It left where it was …
	SELECT bucket, subscription_id, at, from_segment, from_plan, from_currency,
	       CASE kind WHEN 'renewed' THEN 'changed' ELSE kind END, -1, -from_mrr
	FROM moved
	WHERE from_segment IS NOT NULL AND (from_segment, from_plan, from_currency) IS DISTINCT FROM (segment, to_plan, to_currency)
	UNION ALL
	-- … and came to where it is, with what it brought there, …
	SELECT bucket, subscription_id, at, segment, to_plan, to_currency,
	       CASE kind WHEN 'renewed' THEN 'changed' ELSE kind END, 1, CASE kind WHEN 'renewed' THEN from_mrr ELSE to_mrr END
	FROM moved
	WHERE segment IS NOT NULL AND (from_segment, from_plan, from_currency) IS DISTINCT FROM (segment, to_plan, to_currency)
	UNION ALL
	-- … which a renewal may have made more or less.
	SELECT bucket, subscription_id, at, segment, to_plan, to_currency,
	       CASE WHEN to_mrr > from_mrr THEN 'expanded' ELSE 'contracted' END, 0, to_mrr - from_mrr
	FROM moved WHERE kind = 'renewed' AND from_mrr <> to_mrr
	UNION ALL
	SELECT s.bucket, s.subscription_id, '-infinity', s.segment, o.plan_code, o.currency, 'opening', 1,
	       CASE s.segment WHEN 'paid' THEN perennial.mrr(o.unit_amount, s.quantity, o.interval_months) ELSE 0 END
	FROM perennial.settled s
	LEFT JOIN perennial.offer o USING (price_id);

-- subscriptions: how many there were, came and went, by plan and currency; trials apart.
CREATE FUNCTION perennial.report_subscriptions(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	period text, segment text, currency char(3), plan_code text, opening bigint, imported bigint, new bigint,
	reactivated bigint, converted_in bigint, changed_in bigint, changed_out bigint, converted_out bigint,
	expired_cancelled bigint, expired_trial_ended bigint, closing bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT perennial.period_name(from_date, to_date), sums.*, sums.opening + sums.imported + sums.new + sums.reactivated
	       + sums.converted_in + sums.changed_in - sums.changed_out - sums.converted_out - sums.expired_cancelled
	       - sums.expired_trial_ended
	FROM (
		SELECT r.segment, r.currency, r.plan_code,
		       coalesce(sum(r.subscriptions) FILTER (WHERE NOT r.during), 0) AS opening,
		       coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'imported'), 0) AS imported,
		       coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what IN ('subscribed', 'trial_started')), 0) AS new,
		       coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'reactivated'), 0) AS reactivated,
		       coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'converted' AND r.subscriptions > 0), 0)
		       AS converted_in,
		       coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'changed' AND r.subscriptions > 0), 0)
		       AS changed_in,
		       -coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'changed' AND r.subscriptions < 0), 0)
		       AS changed_out,
		       -coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'converted' AND r.subscriptions < 0), 0)
		       AS converted_out,
		       -coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'expired'), 0) AS expired_cancelled,
		       -coalesce(sum(r.subscriptions) FILTER (WHERE r.during AND r.what = 'trial_expired'), 0) AS expired_trial_ended
		FROM (
			SELECT f.*, f.at >= perennial.day_begins(from_date, report_subscriptions.time_zone) AS during
			FROM perennial.roll_forward f
			WHERE f.at < perennial.day_begins(to_date, report_subscriptions.time_zone)
		) AS r
		GROUP BY r.segment, r.currency, r.plan_code
		HAVING bool_or(r.during) OR sum(r.subscriptions) <> 0
	) AS sums;
END;

-- mrr: what the paid subscriptions bring in a month, and what moved it.
CREATE FUNCTION perennial.report_mrr(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	period text, currency char(3), plan_code text, opening_minor numeric, opening numeric,
	imported_minor numeric, imported numeric, new_minor numeric, new numeric, reactivated_minor numeric, reactivated numeric,
	converted_minor numeric, converted numeric, expansion_minor numeric, expansion numeric,
	contraction_minor numeric, contraction numeric, changed_in_minor numeric, changed_in numeric,
	changed_out_minor numeric, changed_out numeric, churned_minor numeric, churned numeric,
	closing_minor numeric, closing numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT perennial.period_name(from_date, to_date), s.currency, s.plan_code,
	       s.opening, perennial.decimal(s.opening, c.exponent), s.imported, perennial.decimal(s.imported, c.exponent),
	       s.new, perennial.decimal(s.new, c.exponent), s.reactivated, perennial.decimal(s.reactivated, c.exponent),
	       s.converted, perennial.decimal(s.converted, c.exponent), s.expansion, perennial.decimal(s.expansion, c.exponent),
	       s.contraction, perennial.decimal(s.contraction, c.exponent),
	       s.changed_in, perennial.decimal(s.changed_in, c.exponent),
	       s.changed_out, perennial.decimal(s.changed_out, c.exponent), s.churned, perennial.decimal(s.churned, c.exponent),
	       closing.minor, perennial.decimal(closing.minor, c.exponent)
	FROM (
		SELECT r.currency, r.plan_code,
		       coalesce(sum(r.mrr) FILTER (WHERE NOT r.during), 0) AS opening,
		       coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'imported'), 0) AS imported,
		       coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'subscribed'), 0) AS new,
		       coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'reactivated'), 0) AS reactivated,
		       coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'converted'), 0) AS converted,
		       coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'expanded'), 0) AS expansion,
		       -coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'contracted'), 0) AS contraction,
		       coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'changed' AND r.subscriptions > 0), 0) AS changed_in,
		       -coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'changed' AND r.subscriptions < 0), 0) AS changed_out,
		       -coalesce(sum(r.mrr) FILTER (WHERE r.during AND r.what = 'expired'), 0) AS churned
		FROM (
			SELECT f.*, f.at >= perennial.day_begins(from_date, report_mrr.time_zone) AS during
			FROM perennial.roll_forward f
			WHERE f.at < perennial.day_begins(to_date, report_mrr.time_zone) AND f.segment = 'paid'
		) AS r
		GROUP BY r.currency, r.plan_code
		HAVING bool_or(r.during) OR sum(r.subscriptions) <> 0
	) AS s
	CROSS JOIN LATERAL (SELECT s.opening + s.imported + s.new + s.reactivated + s.converted + s.expansion - s.contraction
	                           + s.changed_in - s.changed_out - s.churned AS minor) AS closing
	LEFT JOIN perennial.currency c ON c.code = s.currency;
END;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT SELECT ON perennial.milestone, perennial.settled, perennial.movement, perennial.roll_forward TO perennial_reader;
GRANT EXECUTE ON FUNCTION
	perennial.was_trial(smallint, bigint, timestamptz),
	perennial.mrr(bigint, int, smallint),
	perennial.report_subscriptions(date, date, text),
	perennial.report_mrr(date, date, text)
	TO perennial_reader;

INSERT INTO perennial.schema_version (version, name) VALUES (16, 'roll_forward');
