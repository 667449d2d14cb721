-- tieout: the reports held against each other, and against the tables by another way.

-- What there was at two instants, as the last milestone before each says: another way to what roll_forward adds up.
CREATE FUNCTION perennial.standing(first timestamptz, second timestamptz) RETURNS TABLE (
	at timestamptz, segment text, currency char(3), plan_code text, subscriptions bigint, mrr numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	-- The highest of these arrays is that of the highest revision.
	WITH seen AS (
		SELECT min(CASE m.revision WHEN 1 THEN ARRAY[m.price_id, m.quantity, array_position(segments, m.found)] END) AS found,
		       max(ARRAY[m.revision, m.price_id, m.quantity, array_position(segments, m.segment)])
		           FILTER (WHERE m.at < standing.first) AS by_first,
		       max(ARRAY[m.revision, m.price_id, m.quantity, array_position(segments, m.segment)])
		           FILTER (WHERE m.at < standing.second) AS by_second
		FROM perennial.milestone m, (VALUES (ARRAY['paid', 'trial'])) AS named (segments)
		GROUP BY m.bucket, m.subscription_id
	), stands AS (
		SELECT i.at, (ARRAY['paid', 'trial'])[i.last[3]] AS segment, i.last[1] AS price_id, i.last[2] AS quantity
		FROM seen
		CROSS JOIN LATERAL (VALUES (standing.first, coalesce(seen.by_first[2:4], seen.found)),
			(standing.second, coalesce(seen.by_second[2:4], seen.found))) AS i (at, last)
		UNION ALL
		SELECT i.at, s.segment, s.price_id, s.quantity
		FROM perennial.settled s
		CROSS JOIN (VALUES (standing.first), (standing.second)) AS i (at)
	)
	SELECT s.at, s.segment, o.currency, o.plan_code, sum(s.subscriptions)::bigint,
	       sum(s.subscriptions * CASE s.segment WHEN 'paid' THEN perennial.mrr(o.unit_amount, s.quantity, o.interval_months)
	                                            ELSE 0 END)
	FROM (SELECT at, segment, price_id, quantity, count(*) AS subscriptions FROM stands WHERE segment IS NOT NULL
	      GROUP BY at, segment, price_id, quantity) AS s
	LEFT JOIN perennial.offer o USING (price_id)
	GROUP BY s.at, s.segment, o.currency, o.plan_code;
END;

-- What is still to be earned from a day on, of what was billed before it: month by month.
CREATE FUNCTION perennial.still_deferred(before date, time_zone text) RETURNS TABLE (currency char(3), amount numeric)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.currency, sum(r.items * (perennial.recognised(r.amount, r.service_from, r.service_to, m.ends)
	                                  - perennial.recognised(r.amount, r.service_from, r.service_to, m.starts)))
	FROM perennial.revenue_lots(before, before, still_deferred.time_zone) AS r
	CROSS JOIN LATERAL perennial.months_of(greatest(before, r.service_from),
		greatest(r.service_to, r.service_from + 1)) AS m
	GROUP BY r.currency;
END;

-- Each tie has two sides, by currency.  They are equal, or something is wrong.
CREATE FUNCTION perennial.ties(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	place int, "check" text, currency char(3), "left" numeric, "right" numeric)
	LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH subscriptions AS (
		SELECT * FROM perennial.report_subscriptions(from_date, to_date, ties.time_zone)
	), mrr AS (
		SELECT * FROM perennial.report_mrr(from_date, to_date, ties.time_zone)
	), deferred AS (
		SELECT * FROM perennial.report_deferred(from_date, to_date, ties.time_zone)
	), waterfall AS (
		SELECT * FROM perennial.report_waterfall(from_date, to_date, ties.time_zone)
	), schedule AS (
		SELECT s.currency, s.amount_minor, sum(s.recognised_minor) AS recognised
		FROM perennial.report_schedule(from_date, to_date, ties.time_zone) AS s
		GROUP BY s.subscription_id, s.revision, s.currency, s.amount_minor
	), journal AS (
		SELECT * FROM perennial.report_journal(from_date, to_date, ties.time_zone, 'r', 'd', 'i', 'o')
	), standing AS (
		SELECT s.*, s.at = perennial.day_begins(from_date, ties.time_zone) AS opens
		FROM perennial.standing(perennial.day_begins(from_date, ties.time_zone),
		                        perennial.day_begins(to_date, ties.time_zone)) AS s
	), side (place, "check", is_money, currency, "left", "right") AS (
		SELECT 1, 'subscriptions opening', false, currency, opening, 0 FROM subscriptions
		UNION ALL
		SELECT 1, 'subscriptions opening', false, currency, 0, subscriptions FROM standing WHERE opens
		UNION ALL
		SELECT 2, 'subscriptions closing', false, currency, closing, 0 FROM subscriptions
		UNION ALL
		SELECT 2, 'subscriptions closing', false, currency, 0, subscriptions FROM standing WHERE NOT opens
		UNION ALL
		-- Each number of the report is that of its segment and plan, at the beginning and at the end.
		SELECT 2, 'subscriptions plans', false, currency, 1, (opening = opened AND closing = closed)::int
		FROM (
			SELECT currency, sum(opening) AS opening, sum(closing) AS closing, sum(opened) AS opened, sum(closed) AS closed
			FROM (
				SELECT segment, currency, plan_code, opening, closing, 0 AS opened, 0 AS closed FROM subscriptions
				UNION ALL
				SELECT segment, currency, plan_code, 0, 0, CASE WHEN opens THEN subscriptions ELSE 0 END,
				       CASE WHEN opens THEN 0 ELSE subscriptions END
				FROM standing
			) AS counted
			GROUP BY segment, currency, plan_code
		) AS cell
		UNION ALL
		-- What moved them is what happened.  What was overdue when it was imported counts earlier than it came.
		SELECT 2, 'subscriptions movements', false, currency, 1, (sum(told) = sum(happened))::int
		FROM (
			SELECT currency, move.kind, move.told, 0 AS happened
			FROM subscriptions
			CROSS JOIN LATERAL (VALUES ('new', new), ('reactivated', reactivated), ('converted', converted_in),
				('expired', expired_cancelled), ('trial_expired', expired_trial_ended)) AS move (kind, told)
			UNION ALL
			SELECT o.currency, CASE WHEN h.kind IN ('subscribed', 'trial_started') THEN 'new' ELSE h.kind END, 0, 1
			FROM perennial.history h
			LEFT JOIN perennial.offer o USING (price_id)
			WHERE h.kind IN ('subscribed', 'trial_started', 'reactivated', 'converted', 'expired', 'trial_expired')
			AND h.at >= perennial.day_begins(from_date, ties.time_zone)
			AND h.at < perennial.day_begins(to_date, ties.time_zone)
		) AS moves
		GROUP BY currency, kind
		UNION ALL
		SELECT 3, 'mrr opening', true, currency, opening_minor, 0 FROM mrr
		UNION ALL
		SELECT 3, 'mrr opening', true, currency, 0, mrr FROM standing WHERE opens
		UNION ALL
		SELECT 4, 'mrr closing', true, currency, closing_minor, 0 FROM mrr
		UNION ALL
		SELECT 4, 'mrr closing', true, currency, 0, mrr FROM standing WHERE NOT opens
		UNION ALL
		SELECT 4, 'mrr plans', false, currency, 1, (opening = opened AND closing = closed)::int
		FROM (
			SELECT currency, sum(opening) AS opening, sum(closing) AS closing, sum(opened) AS opened, sum(closed) AS closed
			FROM (
				SELECT currency, plan_code, opening_minor AS opening, closing_minor AS closing, 0 AS opened, 0 AS closed
				FROM mrr
				UNION ALL
				SELECT currency, plan_code, 0, 0, CASE WHEN opens THEN mrr ELSE 0 END, CASE WHEN opens THEN 0 ELSE mrr END
				FROM standing WHERE segment = 'paid'
			) AS counted
			GROUP BY currency, plan_code
		) AS cell
		UNION ALL
		-- Outcomes and their totals are written together, by each batch.
		SELECT 5, 'runs outcomes', false, currency, subscriptions, 0 FROM perennial.run_total
		UNION ALL
		SELECT 5, 'runs outcomes', false, currency, 0, count(*) FROM perennial.outcome GROUP BY currency
		UNION ALL
		SELECT 6, 'runs amount', true, currency, amount, 0 FROM perennial.run_total
		UNION ALL
		SELECT 6, 'runs amount', true, currency, 0, sum(amount) FROM perennial.outcome GROUP BY currency
		UNION ALL
		SELECT 7, 'billed detail', true, currency, amount_minor, 0
		FROM perennial.report_billed(from_date, to_date, ties.time_zone)
		UNION ALL
		SELECT 7, 'billed detail', true, currency, 0, amount_minor
		FROM perennial.report_billed_detail(from_date, to_date, ties.time_zone)
		UNION ALL
		SELECT 7, 'billed kinds', true, currency, amount_minor,
		       subscribed_minor + reactivated_minor + converted_minor + renewed_minor
		FROM perennial.report_billed(from_date, to_date, ties.time_zone)
		UNION ALL
		SELECT 8, 'billed deferred', true, currency, amount_minor, 0
		FROM perennial.report_billed(from_date, to_date, ties.time_zone)
		UNION ALL
		SELECT 8, 'billed deferred', true, currency, 0, billed_minor FROM deferred
		UNION ALL
		SELECT 9, 'deferred opening', true, currency, opening_minor, 0 FROM deferred
		UNION ALL
		SELECT 9, 'deferred opening', true, currency, 0, amount
		FROM perennial.still_deferred(from_date, ties.time_zone)
		UNION ALL
		SELECT 10, 'deferred closing', true, currency, closing_minor, 0 FROM deferred
		UNION ALL
		SELECT 10, 'deferred closing', true, currency, 0, amount
		FROM perennial.still_deferred(to_date, ties.time_zone)
		UNION ALL
		-- Each schedule adds up to its amount, and all of them to what came in.
		SELECT 11, 'schedules', false, currency, 1, (recognised = amount_minor)::int FROM schedule
		UNION ALL
		SELECT 12, 'schedule amount', true, currency, recognised, 0 FROM schedule
		UNION ALL
		SELECT 12, 'schedule amount', true, currency, 0, billed_minor + imported_minor FROM deferred
		UNION ALL
		SELECT 13, 'waterfall recognised', true, currency, recognised_minor, 0 FROM waterfall
		UNION ALL
		SELECT 13, 'waterfall recognised', true, currency, 0, recognised_minor FROM deferred
		UNION ALL
		SELECT 14, 'waterfall remaining', true, currency, remaining_minor, 0
		FROM waterfall WHERE period = to_char(to_date - 1, 'YYYY-MM')
		UNION ALL
		SELECT 14, 'waterfall remaining', true, currency, 0, closing_minor FROM deferred
		UNION ALL
		SELECT 15, 'journal balance', true, currency, debit_minor, credit_minor FROM journal
		UNION ALL
		SELECT 16, 'journal deferred', true, currency, credit_minor - debit_minor, 0 FROM journal WHERE account = 'd'
		UNION ALL
		SELECT 16, 'journal deferred', true, currency, 0, closing_minor FROM deferred
		UNION ALL
		SELECT 17, 'overdue', false, currency, subscriptions, 0
		FROM perennial.report_overdue(least(now(), perennial.day_begins(to_date, ties.time_zone)))
		UNION ALL
		SELECT 17, 'overdue', false, p.currency, 0, 1
		FROM perennial.subscription s LEFT JOIN perennial.price p USING (price_id)
		WHERE s.status <> 'expired'
		AND s.period_end <= least(now(), perennial.day_begins(to_date, ties.time_zone))
	)
	SELECT t.place, t."check", t.currency, perennial.decimal(t."left", c.exponent), perennial.decimal(t."right", c.exponent)
	FROM (
		SELECT s.place, s."check", s.currency, s.is_money, sum(s."left") AS "left", sum(s."right") AS "right"
		FROM side s
		GROUP BY s.place, s."check", s.currency, s.is_money
	) AS t
	LEFT JOIN perennial.currency c ON t.is_money AND c.code = t.currency;
END;

-- tieout: the ties, and how often each invariant is broken, which is never.
CREATE FUNCTION perennial.report_tieout(from_date date, to_date date, time_zone text DEFAULT 'UTC') RETURNS TABLE (
	"check" text, currency char(3), "left" numeric, "right" numeric, difference numeric, result text)
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t."check", t.currency, t."left", t."right", t."left" - t."right",
	       CASE WHEN t."left" = t."right" THEN 'PASS' ELSE 'FAIL' END
	FROM (
		SELECT * FROM perennial.ties(from_date, to_date, report_tieout.time_zone)
		UNION ALL
		SELECT 99, i.name, NULL, sum(i.found), 0
		FROM (
			SELECT invariant AS name, 1 AS found FROM perennial.unsound
			UNION ALL
			SELECT name, 0
			FROM unnest(ARRAY['outcome-doubled', 'outcome-overlap', 'job-missing', 'job-doubled', 'job-unfounded', 'job-astray',
				'history-broken', 'billed-overlap', 'billed-gap', 'due-left', 'total-differs', 'run-unknown',
				'held-differs', 'claimed-differs', 'continued-differs', 'not-due-touched', 'held-touched',
				'price-differs', 'amount-differs', 'start-differs', 'boundary-differs']) AS name
		) AS i
		GROUP BY i.name
	) AS t
	ORDER BY t.place, t."check", t.currency;
END;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	perennial.standing(timestamptz, timestamptz),
	perennial.still_deferred(date, text),
	perennial.ties(date, date, text),
	perennial.report_tieout(date, date, text)
	TO perennial_reader;

INSERT INTO perennial.schema_version (version, name) VALUES (18, 'tieout');
