-- revenue: what was billed, and when it is earned.
--
-- A report is a function of its period: from_date until before to_date, local dates in time_zone.  Each is one statement
-- that the planner looks into, so that a condition on its rows costs nothing, and reads with the rights of its caller.

-- An amount in minor units, as a decimal number with the digits of its currency.
CREATE FUNCTION perennial.decimal(minor numeric, exponent smallint) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN minor * CASE exponent WHEN 1 THEN 0.1 WHEN 2 THEN 0.01 WHEN 3 THEN 0.001 WHEN 4 THEN 0.0001 ELSE 1 END;

-- The first instant of a local day.  Where midnight comes twice the server takes the second; the day begins at the first.
CREATE FUNCTION perennial.day_begins(day date, time_zone text) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN least(day::timestamp AT TIME ZONE time_zone,
	             ((day::timestamp - interval '1 hour') AT TIME ZONE time_zone) + interval '1 hour');

-- 2026, 2026-10, or 2026-10-01/2026-10-15 with its end exclusive.
CREATE FUNCTION perennial.period_name(from_date date, to_date date) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN extract(doy FROM from_date) = 1 AND to_date = from_date::timestamp + interval '1 year'
		THEN to_char(from_date::timestamp, 'YYYY')
		WHEN extract(day FROM from_date) = 1 AND to_date = from_date::timestamp + interval '1 month'
		THEN to_char(from_date::timestamp, 'YYYY-MM')
		ELSE to_char(from_date::timestamp, 'YYYY-MM-DD') || '/' || to_char(to_date::timestamp, 'YYYY-MM-DD')
	END;

-- What of an amount is earned before a day begins: a straight line by days, rounded down.  The difference of two of them
-- is what is earned in between, so that the parts of an amount add up to it however it is cut.  With quotient and
-- remainder apart no product overflows.
CREATE FUNCTION perennial.recognised(amount bigint, service_from date, service_to date, before date) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN before <= service_from THEN 0
		WHEN before >= service_to THEN amount
		ELSE amount / (service_to - service_from) * (before - service_from)
		     + amount % (service_to - service_from) * (before - service_from) / (service_to - service_from)
	END;

-- What of an amount was deferred when it came into these books: all of it, but of an imported one only what its former
-- books had not yet earned.
CREATE FUNCTION perennial.deferred_at_first(amount bigint, service_from date, service_to date, billed_on date) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN amount - perennial.recognised(amount, service_from, service_to, billed_on);

-- Every amount that was billed before to_date and not wholly earned before from_date, with its days.
CREATE FUNCTION perennial.revenue(from_date date, to_date date, time_zone text) RETURNS TABLE (
	bucket smallint, subscription_id bigint, account_id bigint, revision int, kind text, run_id bigint, price_id int,
	quantity int, unit_amount bigint, amount bigint, currency char(3), billed_at timestamptz, service_start timestamptz,
	service_end timestamptz, billed_on date, service_from date, service_to date)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT b.bucket, b.subscription_id, b.account_id, b.revision, b.kind, b.run_id, b.price_id, b.quantity, b.unit_amount, b.amount,
	       b.currency, b.billed_at, b.service_start, b.service_end,
	       (b.billed_at AT TIME ZONE revenue.time_zone)::date,
	       (b.service_start AT TIME ZONE revenue.time_zone)::date,
	       (b.service_end AT TIME ZONE revenue.time_zone)::date
	FROM perennial.billed b
	WHERE b.billed_at < perennial.day_begins(to_date, revenue.time_zone)
	AND (b.billed_at >= perennial.day_begins(from_date, revenue.time_zone)
	     OR b.service_end > perennial.day_begins(from_date, revenue.time_zone))
	-- The days are computed once for each row, not wherever they are used.
	OFFSET 0;
END;

-- The same with what is alike counted, which is most of it: the same amount for the same days.
CREATE FUNCTION perennial.revenue_lots(from_date date, to_date date, time_zone text) RETURNS TABLE (
	kind text, run_id bigint, price_id int, amount bigint, currency char(3), billed_on date, service_from date,
	service_to date, items numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.kind, r.run_id, r.price_id, r.amount, r.currency, r.billed_on, r.service_from, r.service_to, count(*)
	FROM perennial.revenue(from_date, to_date, revenue_lots.time_zone) AS r
	GROUP BY r.kind, r.run_id, r.price_id, r.amount, r.currency, r.billed_on, r.service_from, r.service_to;
END;

-- Prices with what reports say of them.
CREATE VIEW perennial.offer AS
	SELECT p.price_id, n.code AS plan_code, p.currency, c.exponent, p.interval_months, p.unit_amount
	FROM perennial.price p
	JOIN perennial.plan n USING (plan_id)
	JOIN perennial.currency c ON c.code = p.currency;

-- billed: what was billed in the period, by currency, plan and interval.
CREATE FUNCTION perennial.report_billed(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	currency char(3), plan_code text, interval_months smallint, periods bigint,
	subscribed_minor numeric, subscribed numeric, reactivated_minor numeric, reactivated numeric,
	converted_minor numeric, converted numeric, renewed_minor numeric, renewed numeric,
	amount_minor numeric, amount numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT sums.currency, o.plan_code, o.interval_months, sum(sums.periods)::bigint,
	       sum(sums.subscribed), perennial.decimal(sum(sums.subscribed), c.exponent),
	       sum(sums.reactivated), perennial.decimal(sum(sums.reactivated), c.exponent),
	       sum(sums.converted), perennial.decimal(sum(sums.converted), c.exponent),
	       sum(sums.renewed), perennial.decimal(sum(sums.renewed), c.exponent),
	       sum(sums.amount), perennial.decimal(sum(sums.amount), c.exponent)
	FROM (
		SELECT b.price_id, b.currency, count(*) AS periods,
		       coalesce(sum(b.amount) FILTER (WHERE b.kind = 'subscribed'), 0) AS subscribed,
		       coalesce(sum(b.amount) FILTER (WHERE b.kind = 'reactivated'), 0) AS reactivated,
		       coalesce(sum(b.amount) FILTER (WHERE b.kind = 'converted'), 0) AS converted,
		       coalesce(sum(b.amount) FILTER (WHERE b.kind = 'renewed'), 0) AS renewed,
		       sum(b.amount) AS amount
		FROM perennial.billed b
		WHERE b.billed_at >= perennial.day_begins(from_date, report_billed.time_zone)
		AND b.billed_at < perennial.day_begins(to_date, report_billed.time_zone)
		AND b.kind <> 'imported'
		GROUP BY b.price_id, b.currency
	) AS sums
	LEFT JOIN perennial.offer o USING (price_id)
	LEFT JOIN perennial.currency c ON c.code = sums.currency
	GROUP BY sums.currency, c.exponent, o.plan_code, o.interval_months;
END;

-- billed, one row for each period that was billed.
CREATE FUNCTION perennial.report_billed_detail(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	currency char(3), plan_code text, interval_months smallint, billed_at timestamptz, subscription_id bigint,
	account_id bigint, revision int, kind text, run_id bigint, service_from date, service_to date, quantity int,
	unit_amount_minor bigint, unit_amount numeric, amount_minor bigint, amount numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT b.currency, o.plan_code, o.interval_months, b.billed_at, b.subscription_id, b.account_id, b.revision, b.kind,
	       b.run_id,
	       (b.service_start AT TIME ZONE report_billed_detail.time_zone)::date,
	       (b.service_end AT TIME ZONE report_billed_detail.time_zone)::date,
	       b.quantity, b.unit_amount, perennial.decimal(b.unit_amount, c.exponent),
	       b.amount, perennial.decimal(b.amount, c.exponent)
	FROM perennial.billed b
	LEFT JOIN perennial.offer o USING (price_id)
	LEFT JOIN perennial.currency c ON c.code = b.currency
	WHERE b.billed_at >= perennial.day_begins(from_date, report_billed_detail.time_zone)
	AND b.billed_at < perennial.day_begins(to_date, report_billed_detail.time_zone)
	AND b.kind <> 'imported';
END;

-- deferred: what had been billed and not yet earned, from the beginning of the period to its end.
CREATE FUNCTION perennial.report_deferred(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	period text, currency char(3), plan_code text, opening_minor numeric, opening numeric,
	imported_minor numeric, imported numeric, billed_minor numeric, billed numeric,
	recognised_minor numeric, recognised numeric, closing_minor numeric, closing numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT perennial.period_name(from_date, to_date), sums.currency, o.plan_code,
	       sum(sums.opening), perennial.decimal(sum(sums.opening), c.exponent),
	       sum(sums.imported), perennial.decimal(sum(sums.imported), c.exponent),
	       sum(sums.billed), perennial.decimal(sum(sums.billed), c.exponent),
	       sum(sums.recognised), perennial.decimal(sum(sums.recognised), c.exponent),
	       sum(sums.opening + sums.imported + sums.billed - sums.recognised),
	       perennial.decimal(sum(sums.opening + sums.imported + sums.billed - sums.recognised), c.exponent)
	FROM (
		SELECT r.price_id, r.currency,
		       coalesce(sum(r.items * (r.amount - perennial.recognised(r.amount, r.service_from, r.service_to, from_date)))
		                FILTER (WHERE r.billed_on < from_date), 0) AS opening,
		       coalesce(sum(r.items * perennial.deferred_at_first(r.amount, r.service_from, r.service_to, r.billed_on))
		                FILTER (WHERE r.billed_on >= from_date AND r.kind = 'imported'), 0) AS imported,
		       coalesce(sum(r.items * r.amount) FILTER (WHERE r.billed_on >= from_date AND r.kind <> 'imported'), 0)
		       AS billed,
		       sum(r.items * (perennial.recognised(r.amount, r.service_from, r.service_to, to_date)
		           - perennial.recognised(r.amount, r.service_from, r.service_to, greatest(from_date, r.billed_on))))
		       AS recognised
		FROM perennial.revenue_lots(from_date, to_date, report_deferred.time_zone) AS r
		GROUP BY r.price_id, r.currency
	) AS sums
	LEFT JOIN perennial.offer o USING (price_id)
	LEFT JOIN perennial.currency c ON c.code = sums.currency
	GROUP BY sums.currency, c.exponent, o.plan_code;
END;

-- The parts of a period that lie in one calendar month each.
CREATE FUNCTION perennial.months_of(from_date date, to_date date) RETURNS TABLE (starts date, ends date)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT greatest(m::date, from_date), least((m + interval '1 month')::date, to_date)
	FROM generate_series(date_trunc('month', from_date::timestamp), (to_date - 1)::timestamp, interval '1 month') AS m
	WHERE from_date < to_date
	OFFSET 0;
END;

-- schedule: for each amount that was billed or imported in the period, what is earned in each month until its end.
CREATE FUNCTION perennial.report_schedule(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	currency char(3), plan_code text, subscription_id bigint, revision int, kind text, billed_on date, service_from date,
	service_to date, amount_minor bigint, amount numeric, period text, recognised_minor bigint, recognised numeric,
	cumulative_minor bigint, cumulative numeric, remaining_minor bigint, remaining numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT d.currency, o.plan_code, d.subscription_id, d.revision, d.kind, d.billed_on, d.service_from, d.service_to,
	       d.deferred, perennial.decimal(d.deferred, c.exponent), to_char(m.starts::timestamp, 'YYYY-MM'),
	       upto.ends - upto.starts, perennial.decimal(upto.ends - upto.starts, c.exponent),
	       upto.ends - d.earned, perennial.decimal(upto.ends - d.earned, c.exponent),
	       d.amount - upto.ends, perennial.decimal(d.amount - upto.ends, c.exponent)
	FROM (
		SELECT r.*, r.amount - earned AS deferred, earned
		FROM perennial.revenue(from_date, to_date, report_schedule.time_zone) AS r
		CROSS JOIN LATERAL (
			SELECT perennial.recognised(r.amount, r.service_from, r.service_to, r.billed_on) AS earned OFFSET 0
		) AS before_it_came
		WHERE r.billed_on >= from_date
	) AS d
	CROSS JOIN LATERAL perennial.months_of(greatest(d.service_from, d.billed_on), greatest(d.service_to, d.service_from + 1)) AS m
	CROSS JOIN LATERAL (
		SELECT perennial.recognised(d.amount, d.service_from, d.service_to, m.starts) AS starts,
		       perennial.recognised(d.amount, d.service_from, d.service_to, m.ends) AS ends
		OFFSET 0
	) AS upto
	LEFT JOIN perennial.offer o USING (price_id)
	LEFT JOIN perennial.currency c ON c.code = d.currency;
END;

-- waterfall: what was billed or imported in each month, and how much of it is earned in each month of the period.  Months
-- that were wholly earned before the period are left out.
CREATE FUNCTION perennial.report_waterfall(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	currency char(3), booked_period text, booked_minor numeric, booked numeric, period text,
	recognised_minor numeric, recognised numeric, recognised_to_date_minor numeric, recognised_to_date numeric,
	remaining_minor numeric, remaining numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH lot AS MATERIALIZED (
		SELECT r.*, r.billed_on - extract(day FROM r.billed_on)::int + 1 AS month
		FROM perennial.revenue_lots('1900-01-01', report_waterfall.to_date, report_waterfall.time_zone) AS r
	), booked AS (
		SELECT r.currency, r.month,
		       sum(r.items * perennial.deferred_at_first(r.amount, r.service_from, r.service_to, r.billed_on)) AS amount,
		       sum(CASE WHEN r.billed_on < from_date
		                THEN r.items * (perennial.recognised(r.amount, r.service_from, r.service_to, from_date)
		                                - perennial.recognised(r.amount, r.service_from, r.service_to, r.billed_on))
		                ELSE 0 END) AS earned_before
		FROM lot r
		GROUP BY r.currency, r.month
	), earned AS (
		SELECT r.currency, r.month, m.starts,
		       sum(r.items * (perennial.recognised(r.amount, r.service_from, r.service_to, m.ends)
		           - perennial.recognised(r.amount, r.service_from, r.service_to, greatest(m.starts, r.billed_on)))) AS amount
		FROM lot r
		JOIN perennial.months_of(from_date, report_waterfall.to_date) AS m
		  ON r.service_from < m.ends AND greatest(r.service_to, r.service_from + 1) > m.starts AND r.billed_on < m.ends
		GROUP BY r.currency, r.month, m.starts
	)
	SELECT told.currency, to_char(told.month::timestamp, 'YYYY-MM'), told.booked, perennial.decimal(told.booked, c.exponent),
	       to_char(told.starts::timestamp, 'YYYY-MM'), told.recognised, perennial.decimal(told.recognised, c.exponent),
	       told.earned, perennial.decimal(told.earned, c.exponent),
	       told.booked - told.earned, perennial.decimal(told.booked - told.earned, c.exponent)
	FROM (
		SELECT b.currency, b.month, m.starts, b.amount AS booked, coalesce(e.amount, 0) AS recognised,
		       b.earned_before + sum(coalesce(e.amount, 0)) OVER (PARTITION BY b.currency, b.month ORDER BY m.starts) AS earned
		FROM booked b
		JOIN perennial.months_of(from_date, report_waterfall.to_date) AS m ON b.month < m.ends
		LEFT JOIN earned e ON e.currency = b.currency AND e.month = b.month AND e.starts = m.starts
		WHERE b.amount > b.earned_before
	) AS told
	LEFT JOIN perennial.currency c ON c.code = told.currency;
END;

-- journal: double entry.  What is billed is owed by customers and deferred; what is earned moves from there to revenue, by
-- month.  One entry for each day, currency and kind; the opening balance of what is deferred comes first.
CREATE FUNCTION perennial.report_journal(from_date date, to_date date, time_zone text DEFAULT 'UTC',
	receivable text DEFAULT 'assets:receivable', deferred text DEFAULT 'liabilities:deferred revenue',
	revenue text DEFAULT 'income:subscriptions', opening text DEFAULT 'equity:opening balances') RETURNS TABLE (
	entry bigint, date date, kind text, currency char(3), account text, debit_minor numeric, debit numeric,
	credit_minor numeric, credit numeric, runs text)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH lot AS MATERIALIZED (
		SELECT * FROM perennial.revenue_lots(from_date, to_date, report_journal.time_zone)
	)
	SELECT dense_rank() OVER (ORDER BY e.date, e.place, e.kind, e.currency), e.date, e.kind, e.currency, posting.account,
	       posting.debit, perennial.decimal(posting.debit, c.exponent),
	       posting.credit, perennial.decimal(posting.credit, c.exponent), e.runs
	FROM (
		SELECT 1 AS place, from_date AS date, 'opening' AS kind, r.currency,
		       sum(r.items * (r.amount - perennial.recognised(r.amount, r.service_from, r.service_to, from_date))) AS amount,
		       report_journal.opening AS debited, report_journal.deferred AS credited, NULL AS runs
		FROM lot r
		WHERE r.billed_on < from_date
		GROUP BY r.currency
		UNION ALL
		SELECT 2, b.billed_on, b.kind, b.currency, sum(b.amount),
		       CASE b.kind WHEN 'imported' THEN report_journal.opening ELSE report_journal.receivable END,
		       report_journal.deferred, string_agg(b.run_id::text, ' ' ORDER BY b.run_id)
		FROM (
			SELECT r.billed_on, r.kind, r.currency, r.run_id,
			       sum(r.items * perennial.deferred_at_first(r.amount, r.service_from, r.service_to, r.billed_on)) AS amount
			FROM lot r
			WHERE r.billed_on >= from_date
			GROUP BY r.billed_on, r.kind, r.currency, r.run_id
		) AS b
		GROUP BY b.billed_on, b.kind, b.currency
		UNION ALL
		SELECT 3, m.ends - 1, 'recognised', r.currency,
		       sum(r.items * (perennial.recognised(r.amount, r.service_from, r.service_to, m.ends)
		           - perennial.recognised(r.amount, r.service_from, r.service_to, greatest(m.starts, r.billed_on)))),
		       report_journal.deferred, report_journal.revenue, NULL
		FROM lot r
		JOIN perennial.months_of(from_date, to_date) AS m
		  ON r.service_from < m.ends AND greatest(r.service_to, r.service_from + 1) > m.starts AND r.billed_on < m.ends
		GROUP BY m.ends, r.currency
	) AS e
	CROSS JOIN LATERAL (VALUES (e.debited, e.amount, 0), (e.credited, 0, e.amount)) AS posting (account, debit, credit)
	LEFT JOIN perennial.currency c ON c.code = e.currency
	WHERE e.amount > 0;
END;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT SELECT ON perennial.offer TO perennial_reader;
GRANT EXECUTE ON FUNCTION
	perennial.decimal(numeric, smallint),
	perennial.day_begins(date, text),
	perennial.period_name(date, date),
	perennial.recognised(bigint, date, date, date),
	perennial.deferred_at_first(bigint, date, date, date),
	perennial.revenue(date, date, text),
	perennial.revenue_lots(date, date, text),
	perennial.months_of(date, date),
	perennial.report_billed(date, date, text),
	perennial.report_billed_detail(date, date, text),
	perennial.report_deferred(date, date, text),
	perennial.report_schedule(date, date, text),
	perennial.report_waterfall(date, date, text),
	perennial.report_journal(date, date, text, text, text, text, text)
	TO perennial_reader;

INSERT INTO perennial.schema_version (version, name) VALUES (15, 'revenue');
