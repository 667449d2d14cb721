-- import: brings in subscriptions that were sold elsewhere, by COPY into a table and one function, for the owner.
--
-- What was sold is honoured: period_end stays as it is, and the next period ends at a boundary counted from the anchor.

-- Rows wait here until they are imported; those that were refused stay, and say why.
CREATE TABLE perennial.import_subscription (
	line                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subscription_id      bigint,
	account_id           bigint,
	price_id             int,
	next_price_id        int,
	quantity             int DEFAULT 1,
	next_quantity        int,
	status               text,
	billing_info_at      timestamptz,
	anchor               timestamp,
	time_zone            text DEFAULT 'UTC',
	months_elapsed       int,          -- null: those from the anchor to the boundary that is nearest to period_end
	period_start         timestamptz,
	period_end           timestamptz,
	trial_end            timestamptz,  -- null for a trial: its period_end
	cancel_requested_at  timestamptz,
	ended_at             timestamptz,  -- null for an expired one: its period_end
	end_reason           text,
	billed_amount        bigint,       -- minor units billed for the running period; null: not known
	refused              text
);

-- What speaks against a row: null where nothing does.  Every check of the tables stands here too, so that one bad row
-- never stops the rest.
CREATE VIEW perennial.import_finding AS
	WITH known_zone AS MATERIALIZED (
		SELECT name FROM perennial.time_zone WHERE perennial.local_text('2000-01-01 00:00:00+00', name) IS NOT NULL
	)
	SELECT i.line, m.months_elapsed, nullif(concat_ws('; ',
		CASE WHEN i.subscription_id IS NULL THEN 'subscription_id is missing'
		     WHEN i.subscription_id NOT BETWEEN 1 AND 1000000000000000000 THEN 'subscription_id is not from 1 to 10^18'
		     WHEN s.subscription_id IS NOT NULL THEN 'there is a subscription with this id'
		     WHEN EXISTS (SELECT FROM perennial.event e
		                  WHERE e.bucket = a.bucket AND e.subscription_id = i.subscription_id)
		       OR EXISTS (SELECT FROM perennial.outcome o
		                  WHERE o.bucket = a.bucket AND o.subscription_id = i.subscription_id)
		     THEN 'there is a history of this id'
		     WHEN i.nth > 1 THEN 'this id was given before, in line ' || i.first_line END,
		CASE WHEN i.account_id IS NULL THEN 'account_id is missing'
		     WHEN a.account_id IS NULL THEN 'there is no account ' || i.account_id END,
		CASE WHEN i.price_id IS NULL THEN 'price_id is missing'
		     WHEN p.price_id IS NULL THEN 'there is no price ' || i.price_id END,
		CASE WHEN i.next_price_id IS NOT NULL AND next.price_id IS NULL THEN 'there is no price ' || i.next_price_id
		     WHEN next.currency <> p.currency THEN 'next_price_id is in another currency' END,
		CASE WHEN i.quantity > 0 THEN NULL ELSE 'quantity is not 1 or more' END,
		CASE WHEN i.next_quantity <= 0 THEN 'next_quantity is not 1 or more' END,
		CASE WHEN greatest(p.unit_amount::numeric * i.quantity,
		                   coalesce(next.unit_amount, p.unit_amount)::numeric * coalesce(i.next_quantity, i.quantity))
		          > 1000000000000000 THEN 'quantity times price is more than an amount may be' END,
		CASE WHEN i.status IN ('trialing', 'active', 'pending_cancellation', 'expired') THEN NULL
		     ELSE 'status is not trialing, active, pending_cancellation or expired' END,
		CASE WHEN i.anchor BETWEEN '1899-12-31' AND '3000-01-02' THEN NULL ELSE 'anchor is missing or out of range' END,
		CASE WHEN z.name IS NULL THEN 'there is no time zone ' || coalesce(i.time_zone, 'null') END,
		CASE WHEN i.period_start >= '1900-01-01 00:00:00+00' AND i.period_end <= '3000-01-01 00:00:00+00' THEN NULL
		     ELSE 'period_start or period_end is missing or out of range' END,
		CASE WHEN i.period_end <= i.period_start THEN 'period_end is not after period_start' END,
		CASE WHEN i.months_elapsed NOT BETWEEN 0 AND 13200 THEN 'months_elapsed is not from 0 to 13200' END,
		CASE WHEN i.trial_end <> i.period_end AND i.status = 'trialing' THEN 'trial_end of a trial is not its period_end'
		     WHEN i.trial_end >= i.period_end AND i.status = 'active' THEN 'active, but trial_end is not past' END,
		CASE WHEN (i.ended_at IS NOT NULL OR i.end_reason IS NOT NULL) AND i.status <> 'expired'
		     THEN 'ended_at or end_reason, but not expired' END,
		CASE WHEN EXISTS (SELECT FROM unnest(ARRAY[i.billing_info_at, i.trial_end, i.cancel_requested_at, i.ended_at]) AS given
		                  WHERE given NOT BETWEEN '1900-01-01 00:00:00+00' AND '3000-01-01 00:00:00+00')
		     THEN 'a date is out of range' END,
		CASE WHEN i.billed_amount NOT BETWEEN 0 AND 1000000000000000 THEN 'billed_amount is not from 0 to 10^15'
		     WHEN i.billed_amount IS NOT NULL
		          AND (i.status NOT IN ('active', 'pending_cancellation') OR i.trial_end = i.period_end)
		     THEN 'billed_amount, but no period that was paid is running' END,
		CASE WHEN m.next_end <= i.period_end AND i.status IN ('active', 'pending_cancellation')
		          AND i.trial_end IS DISTINCT FROM i.period_end
		     THEN 'the boundary after period_end, counted from anchor, is not later than it'
		     WHEN m.next_end > sane.period_end + make_interval(months => sold.months + 1)
		          AND i.status IN ('active', 'pending_cancellation') AND i.trial_end IS DISTINCT FROM i.period_end
		     THEN 'the boundary after period_end, counted from anchor, is more than a month too late' END
	), '') AS refused
	FROM (
		SELECT *, row_number() OVER same AS nth, first_value(line) OVER same AS first_line
		FROM perennial.import_subscription
		WINDOW same AS (PARTITION BY subscription_id ORDER BY line)
	) AS i
	LEFT JOIN perennial.account a ON a.bucket = perennial.bucket_of(i.account_id) AND a.account_id = i.account_id
	LEFT JOIN perennial.price p ON p.price_id = i.price_id
	LEFT JOIN perennial.price next ON next.price_id = i.next_price_id
	LEFT JOIN known_zone z ON z.name = i.time_zone
	-- An id is given once, in whatever bucket.
	LEFT JOIN perennial.subscription s ON s.subscription_id = i.subscription_id
	-- The boundary nearest to period_end, and the one that follows.  What is out of range has no months: it would be an
	-- error to count with it.
	LEFT JOIN LATERAL (
		SELECT CASE WHEN i.anchor BETWEEN '1899-12-31' AND '3000-01-02' THEN i.anchor END AS anchor,
		       CASE WHEN i.period_end BETWEEN '1900-01-01 00:00:00+00' AND '3000-01-01 00:00:00+00'
		            THEN i.period_end END AS period_end,
		       CASE WHEN i.months_elapsed BETWEEN 0 AND 13200 THEN i.months_elapsed END AS months_elapsed
	) AS sane ON true
	LEFT JOIN LATERAL (SELECT coalesce(next.interval_months, p.interval_months)::int AS months) AS sold ON true
	LEFT JOIN LATERAL (
		SELECT k AS months_elapsed,
		       perennial.boundary(sane.anchor, z.name, k + sold.months) AS next_end
		FROM (SELECT (extract(year FROM apart) * 12 + extract(month FROM apart))::int AS nearly
		      FROM age(date_trunc('month', sane.period_end AT TIME ZONE z.name), date_trunc('month', sane.anchor)) AS apart
		     ) AS counted
		CROSS JOIN LATERAL generate_series(greatest(0, nearly - 1), greatest(0, nearly + 1)) AS near
		-- A trial, cancelled or not, counts none.
		CROSS JOIN LATERAL (SELECT CASE
			WHEN i.status = 'trialing' OR i.status = 'pending_cancellation' AND i.trial_end = i.period_end THEN 0
			ELSE coalesce(sane.months_elapsed, near) END AS k) AS chosen
		ORDER BY abs(extract(epoch FROM perennial.boundary(sane.anchor, z.name, near) - sane.period_end)), near
		LIMIT 1
	) AS m ON true;

-- Imports every row against which nothing speaks, with an event dated at, and leaves the rest with its reasons.  Nobody
-- changes subscriptions meanwhile: ids that are given afterwards continue behind the highest.
CREATE FUNCTION perennial.import_subscriptions(at timestamptz DEFAULT now(), OUT imported bigint, OUT refused bigint)
	LANGUAGE plpgsql SET search_path = pg_catalog, perennial, pg_temp
AS $$
BEGIN
	PERFORM perennial.refuse_null(json_build_object('at', at));
	PERFORM perennial.refuse_instant(at);
	-- An older snapshot would not show what was written before the lock.
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE invalid_transaction_state USING
			MESSAGE = 'an import is not possible in a transaction that is ' || current_setting('transaction_isolation'),
			HINT = 'BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED';
	END IF;
	LOCK TABLE perennial.import_subscription, perennial.subscription IN SHARE ROW EXCLUSIVE MODE;

	UPDATE perennial.import_subscription i
	SET refused = f.refused, months_elapsed = CASE WHEN f.refused IS NULL THEN f.months_elapsed ELSE i.months_elapsed END
	FROM perennial.import_finding f
	WHERE i.line = f.line;

	INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, next_price_id, quantity, next_quantity,
		status, billing_info_at, anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
		cancel_requested_at, ended_at, end_reason, revision)
	SELECT perennial.bucket_of(i.account_id), i.subscription_id, i.account_id, i.price_id, i.next_price_id, i.quantity,
	       i.next_quantity, i.status::perennial.status, i.billing_info_at, i.anchor, i.time_zone, i.months_elapsed,
	       i.period_start, i.period_end,
	       CASE i.status WHEN 'trialing' THEN i.period_end ELSE i.trial_end END, i.cancel_requested_at,
	       CASE i.status WHEN 'expired' THEN coalesce(i.ended_at, i.period_end) END, i.end_reason, 1
	FROM perennial.import_subscription i WHERE i.refused IS NULL;

	INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, to_status, period_start,
		period_end, price_id, next_price_id, quantity, next_quantity, amount, currency)
	SELECT perennial.bucket_of(i.account_id), i.subscription_id, i.account_id, 1, 'imported', import_subscriptions.at,
	       session_user, i.status::perennial.status, i.period_start, i.period_end, i.price_id, i.next_price_id, i.quantity,
	       i.next_quantity, i.billed_amount, CASE WHEN i.billed_amount IS NOT NULL THEN p.currency END
	FROM perennial.import_subscription i
	JOIN perennial.price p USING (price_id)
	WHERE i.refused IS NULL;

	PERFORM setval('perennial.subscription_subscription_id_seq', greatest(max(i.subscription_id), c.last_value)),
	        setval('perennial.account_account_id_seq',
	               greatest(max(i.account_id) FILTER (WHERE i.account_id <= 1000000000000000000), d.last_value))
	FROM perennial.import_subscription i, perennial.subscription_subscription_id_seq c, perennial.account_account_id_seq d
	WHERE i.refused IS NULL
	GROUP BY c.last_value, d.last_value;

	DELETE FROM perennial.import_subscription i WHERE i.refused IS NULL;
	GET DIAGNOSTICS imported = ROW_COUNT;
	SELECT count(*) INTO refused FROM perennial.import_subscription;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA perennial FROM PUBLIC;

INSERT INTO perennial.schema_version (version, name) VALUES (10, 'import');
