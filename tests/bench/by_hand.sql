-- by_hand: what a good hand writes: one statement that locks, decides and writes, the same rows into the same tables as
-- a run of ours.  contenders.py puts it into a transaction of its own, into a procedure, or into one for each row.
-- {as_of}    the instant
-- {run_id}   bigint
-- {claim}    which of the due rows: the rest of a WHERE, an ORDER BY, a LIMIT
-- {result}   what it answers, from decided
WITH due AS MATERIALIZED (
	SELECT s.bucket, s.subscription_id, s.account_id, s.revision, s.status, s.billing_info_at IS NOT NULL AS billing_info,
	       s.period_start, s.period_end, s.anchor, s.time_zone, s.months_elapsed, s.price_id, s.next_price_id, s.quantity,
	       s.next_quantity
	FROM perennial.subscription s
	WHERE s.status <> 'expired' AND s.hold_reason IS NULL AND s.period_end <= {as_of}
	{claim}
	FOR NO KEY UPDATE OF s SKIP LOCKED
), ruled AS (
	SELECT d.*, now.unit_amount AS unit_amount_now, now.currency AS currency_now, next.unit_amount, next.currency,
	       next.price_id AS chosen_price, coalesce(d.next_quantity, d.quantity) AS chosen_quantity, next.interval_months,
	       CASE WHEN d.status = 'pending_cancellation' THEN 'cancelled'
	            WHEN d.status = 'trialing' AND next.unit_amount > 0 AND NOT d.billing_info THEN 'trial-unbilled'
	            WHEN d.status = 'trialing' THEN 'trial-converts'
	            ELSE 'renews' END AS rule
	FROM due d
	JOIN perennial.price now ON now.price_id = d.price_id
	JOIN perennial.price next ON next.price_id = coalesce(d.next_price_id, d.price_id)
), decided AS MATERIALIZED (
	SELECT r.bucket, r.subscription_id, r.account_id, r.revision + 1 AS revision, r.rule,
	       CASE r.rule WHEN 'cancelled' THEN 'expired' WHEN 'trial-unbilled' THEN 'trial_expired'
	                   WHEN 'trial-converts' THEN 'converted' ELSE 'renewed' END AS kind,
	       r.status AS from_status,
	       CASE WHEN opens.so THEN 'active' ELSE 'expired' END::perennial.status AS to_status,
	       opens.so AS opens, r.period_start, r.period_end,
	       CASE WHEN opens.so THEN perennial.boundary(counted.anchor, r.time_zone, counted.months) END AS next_period_end,
	       counted.anchor, counted.months,
	       CASE WHEN opens.so THEN r.chosen_price ELSE r.price_id END AS price_id,
	       CASE WHEN opens.so THEN r.chosen_quantity ELSE r.quantity END AS quantity,
	       CASE WHEN opens.so THEN r.unit_amount ELSE r.unit_amount_now END AS unit_amount,
	       CASE WHEN opens.so THEN r.unit_amount * r.chosen_quantity ELSE 0 END AS amount,
	       CASE WHEN opens.so THEN r.currency ELSE r.currency_now END AS currency
	FROM ruled r
	CROSS JOIN LATERAL (SELECT r.rule IN ('trial-converts', 'renews') AS so) AS opens
	CROSS JOIN LATERAL (SELECT
		CASE r.rule WHEN 'trial-converts' THEN r.period_end AT TIME ZONE r.time_zone ELSE r.anchor END AS anchor,
		CASE r.rule WHEN 'trial-converts' THEN 0 ELSE r.months_elapsed END
			+ CASE WHEN opens.so THEN r.interval_months ELSE 0 END AS months) AS counted
), state AS (
	UPDATE perennial.subscription s
	SET revision = d.revision,
	    status = d.to_status,
	    price_id = d.price_id,
	    quantity = d.quantity,
	    next_price_id = CASE WHEN NOT d.opens THEN s.next_price_id END,
	    next_quantity = CASE WHEN NOT d.opens THEN s.next_quantity END,
	    anchor = d.anchor,
	    months_elapsed = d.months,
	    period_start = CASE WHEN d.opens THEN d.period_end ELSE d.period_start END,
	    period_end = coalesce(d.next_period_end, d.period_end),
	    ended_at = CASE WHEN NOT d.opens THEN d.period_end END,
	    end_reason = CASE d.kind WHEN 'expired' THEN 'cancelled' WHEN 'trial_expired' THEN 'trial_ended' END,
	    catch_up_allowed = false
	FROM decided d
	WHERE s.bucket = d.bucket AND s.subscription_id = d.subscription_id
), written AS (
	INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status,
		to_status, period_start, period_end, next_period_start, next_period_end, price_id, quantity, unit_amount,
		amount, currency)
	SELECT d.bucket, {run_id}, d.subscription_id, d.account_id, d.revision, d.kind, d.rule, d.from_status, d.to_status,
	       d.period_start, d.period_end, CASE WHEN d.opens THEN d.period_end END, d.next_period_end, d.price_id,
	       d.quantity, d.unit_amount, d.amount, d.currency
	FROM decided d
), told AS (
	INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary)
	SELECT d.bucket, d.subscription_id, d.account_id, d.kind, d.period_end
	FROM decided d
), counted AS (
	INSERT INTO perennial.batch (bucket, run_id, claimed, held, continued)
	SELECT d.bucket, {run_id}, count(*), 0, 0
	FROM decided d
	GROUP BY d.bucket
	RETURNING bucket, batch_id
), summed AS (
	INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount)
	SELECT c.bucket, c.batch_id, {run_id}, d.kind, d.currency, count(*), sum(d.amount)
	FROM counted c
	JOIN decided d USING (bucket)
	GROUP BY c.bucket, c.batch_id, d.kind, d.currency
)
SELECT {result}
FROM decided d
