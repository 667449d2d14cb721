-- explain_facts: what an operator asks of one subscription: a row for each fact, for people and as JSON.  What has no
-- value is for programs only.
-- $1 smallint  bucket
-- $2 bigint    subscription_id
-- $3 text[]    lost time zones
-- returns fact text, value text, document text
WITH offered AS (
	SELECT p.price_id, l.code, l.name,
	       format('price %s: %s %s %s', p.price_id, perennial.decimal_text(p.unit_amount, p.currency), p.currency,
	              CASE p.interval_months WHEN 1 THEN 'a month' WHEN 12 THEN 'a year'
	                                     ELSE 'for ' || p.interval_months || ' months' END) AS value,
	       json_build_object('price_id', p.price_id, 'plan', l.code, 'unit_amount', p.unit_amount, 'currency', p.currency,
	                         'interval_months', p.interval_months) AS document
	FROM perennial.price p
	JOIN perennial.plan l ON l.plan_id = p.plan_id
)
SELECT i.fact,
       coalesce(i.value, concat_ws('  ', i.local, perennial.utc_text(i.at))) AS value,
       CASE WHEN i.at IS NULL THEN coalesce(i.document, to_json(i.value), 'null')
            ELSE json_build_object('utc', perennial.utc_text(i.at), 'local', i.local) END::text AS document
FROM (
	SELECT i.place, i.fact, i.value, i.document, i.at,
:local_time
	       AS local
	FROM (
		SELECT f.place, f.fact, f.value, f.document, f.at,
		       (SELECT z.name FROM perennial.time_zone z WHERE z.name = s.time_zone AND z.name <> ALL ($3)) AS time_zone
		FROM perennial.subscription s
		LEFT JOIN perennial.account a ON a.bucket = s.bucket AND a.account_id = s.account_id
		LEFT JOIN offered o ON o.price_id = s.price_id
		LEFT JOIN offered n ON n.price_id = s.next_price_id
		CROSS JOIN LATERAL (VALUES
			(1, 'account', concat_ws(', ', s.account_id, a.kind),
			 json_build_object('account_id', s.account_id, 'kind', a.kind), NULL::timestamptz),
			(2, 'plan', o.code || ', ' || o.name, json_build_object('code', o.code, 'name', o.name), NULL),
			(3, 'status', s.status::text, NULL, NULL),
			(4, 'price', coalesce(o.value, 'price ' || s.price_id || ' is not in the catalogue'), o.document, NULL),
			(5, 'quantity', s.quantity::text, to_json(s.quantity), NULL),
			(6, 'next_price', coalesce(n.value, 'price ' || s.next_price_id || ' is not in the catalogue'), n.document, NULL),
			(7, 'next_quantity', s.next_quantity::text, to_json(s.next_quantity), NULL),
			(8, 'billing_info', CASE WHEN s.billing_info_at IS NULL THEN 'none' END, 'null', s.billing_info_at),
			(9, 'trial_end', NULL, NULL, s.trial_end),
			(10, 'period_start', NULL, NULL, s.period_start),
			(11, 'period_end', NULL, NULL, s.period_end),
			(12, 'cancelled', NULL, NULL, s.cancel_requested_at),
			(13, 'ended', NULL, NULL, s.ended_at),
			(14, 'end_reason', s.end_reason, NULL, NULL),
			(15, 'hold_reason', s.hold_reason, NULL, NULL),
			(16, 'held', NULL, NULL, s.held_at),
			(17, 'catch_up_allowed', CASE WHEN s.catch_up_allowed THEN 'allowed, however many periods were missed' END,
			 to_json(s.catch_up_allowed), NULL),
			(18, 'anchor', to_char(s.anchor, 'YYYY-MM-DD"T"HH24:MI:SS')
			               || rtrim(rtrim(to_char(s.anchor, '.US'), '0'), '.'), NULL, NULL),
			(19, 'months_elapsed', s.months_elapsed::text, to_json(s.months_elapsed), NULL),
			(20, 'time_zone', s.time_zone, NULL, NULL),
			(21, 'revision', s.revision::text, to_json(s.revision), NULL)
		) AS f (place, fact, value, document, at)
		WHERE s.bucket = $1 AND s.subscription_id = $2
	) AS i
) AS i
ORDER BY i.place
