-- proof: the history of every subscription in one view, and whether it tells how each came to be what it is.

-- Events and outcomes as one story, in order of revision.  Period, price and quantity are those afterwards; an outcome says
-- which period it closed.
CREATE VIEW perennial.history AS
	SELECT bucket, subscription_id, revision, account_id, kind, at, recorded_at, actor, NULL AS rule, from_status, to_status,
	       NULL::timestamptz AS closed_start, NULL::timestamptz AS closed_end, period_start, period_end, price_id,
	       next_price_id, quantity, next_quantity, unit_amount, amount, currency, reason, detail, sqlstate, run_id
	FROM perennial.event
	UNION ALL
	SELECT bucket, subscription_id, revision, account_id, kind, period_end, decided_at, 'perennial run', rule, from_status, to_status,
	       period_start, period_end, coalesce(next_period_start, period_start), coalesce(next_period_end, period_end), price_id,
	       NULL, quantity, NULL, unit_amount, amount, currency, NULL, NULL, NULL, run_id
	FROM perennial.outcome;

-- No row where every history is sound: each entry starts from what the one before it left, and the last leaves what the
-- subscription is.  What a subscription was before its first entry is taken as it is.
CREATE VIEW perennial.broken_history AS
	WITH entry AS (
		SELECT h.*,
		       h.kind IN ('subscribed', 'trial_started', 'imported') AS founds,
		       h.kind IN ('renewed', 'converted') AS opens,
		       h.kind IN ('expired', 'trial_expired') AS ends,
		       h.kind IN ('subscribed', 'reactivated', 'renewed', 'converted') AS bills,
		       lag(h.revision, 1, 0) OVER story AS last_revision,
		       lag(h.account_id) OVER story AS last_account,
		       lag(h.to_status) OVER story AS last_status,
		       lag(h.period_start) OVER story AS last_start,
		       lag(h.period_end) OVER story AS last_end,
		       lag(h.price_id) OVER story AS last_price,
		       lag(h.next_price_id) OVER story AS last_next_price,
		       lag(h.quantity) OVER story AS last_quantity,
		       lag(h.next_quantity) OVER story AS last_next_quantity,
		       lead(h.revision) OVER story IS NULL AS is_last
		FROM perennial.history h
		WINDOW story AS (PARTITION BY h.bucket, h.subscription_id ORDER BY h.revision, h.kind)
	), step AS (
		-- Whether there is an entry before it, and what is in force after it according to that one.
		SELECT e.*, e.last_status IS NOT NULL AS follows,
		       CASE WHEN e.opens THEN coalesce(e.last_next_price, e.last_price) ELSE e.last_price END AS due_price,
		       CASE WHEN e.opens THEN coalesce(e.last_next_quantity, e.last_quantity) ELSE e.last_quantity END AS due_quantity,
		       CASE e.kind
		       WHEN 'subscribed' THEN e.from_status IS NULL AND e.to_status = 'active'
		       WHEN 'trial_started' THEN e.from_status IS NULL AND e.to_status = 'trialing'
		       WHEN 'imported' THEN e.from_status IS NULL
		       WHEN 'cancelled' THEN e.from_status IN ('trialing', 'active') AND e.to_status = 'pending_cancellation'
		       WHEN 'withdrawn' THEN e.from_status = 'pending_cancellation' AND e.to_status IN ('trialing', 'active')
		       WHEN 'reactivated' THEN e.from_status = 'expired' AND e.to_status = 'active'
		       WHEN 'renewed' THEN e.from_status = 'active' AND e.to_status = 'active'
		       WHEN 'converted' THEN e.from_status = 'trialing' AND e.to_status = 'active'
		       WHEN 'expired' THEN e.from_status = 'pending_cancellation' AND e.to_status = 'expired'
		       WHEN 'trial_expired' THEN e.from_status = 'trialing' AND e.to_status = 'expired'
		       ELSE e.from_status = e.to_status
		       END AS possible
		FROM entry e
	)
	SELECT e.bucket, e.subscription_id, e.revision, found.fault
	FROM step e
	LEFT JOIN perennial.subscription s ON e.is_last AND s.bucket = e.bucket AND s.subscription_id = e.subscription_id
	CROSS JOIN LATERAL (VALUES
		(e.revision <> e.last_revision + 1, 'an entry before it is missing, or has the same revision'),
		(e.possible IS NOT TRUE, 'no entry of this kind leads from this status to that one'),
		(e.founds AND e.follows, 'it begins what had begun before'),
		(e.from_status <> e.last_status, 'its from_status is not what the entry before it left'),
		(e.account_id <> e.last_account, 'its account is not that of the entry before it'),
		(e.follows AND e.rule IS NOT NULL
		 AND (e.closed_start, e.closed_end) IS DISTINCT FROM (e.last_start, e.last_end),
		 'it closed another period than the one that was running'),
		(e.follows AND e.rule IS NULL AND NOT e.founds AND e.kind <> 'reactivated'
		 AND (e.period_start, e.period_end) IS DISTINCT FROM (e.last_start, e.last_end), 'it moved the period'),
		(e.follows AND NOT e.founds AND e.kind <> 'reactivated' AND e.price_id IS DISTINCT FROM e.due_price,
		 'its price is not what the entry before it left'),
		(e.follows AND NOT e.founds AND e.quantity IS DISTINCT FROM e.due_quantity,
		 'its quantity is not what the entry before it left'),
		(e.follows AND e.rule IS NULL AND NOT e.founds AND e.kind NOT IN ('reactivated', 'change_scheduled')
		 AND (e.next_price_id, e.next_quantity) IS DISTINCT FROM (e.last_next_price, e.last_next_quantity),
		 'its scheduled change is not what the entry before it left'),
		(e.bills AND (e.amount = e.unit_amount::numeric * e.quantity) IS NOT TRUE,
		 'its amount is not quantity times unit_amount'),
		(NOT e.bills AND e.kind <> 'imported' AND e.amount > 0, 'it has an amount, but bills nothing'),
		(e.is_last AND s.revision IS NULL, 'its subscription is gone'),
		(e.revision <> s.revision, 'the subscription has another revision'),
		(e.account_id <> s.account_id, 'the subscription has another account'),
		(e.to_status <> s.status, 'the subscription has another status'),
		((e.period_start, e.period_end) IS DISTINCT FROM (s.period_start, s.period_end) AND s.revision IS NOT NULL,
		 'the subscription has another period'),
		((e.price_id, e.quantity) IS DISTINCT FROM (s.price_id, s.quantity) AND s.revision IS NOT NULL,
		 'the subscription has another price or quantity'),
		(NOT e.ends AND s.revision IS NOT NULL
		 AND (e.next_price_id, e.next_quantity) IS DISTINCT FROM (s.next_price_id, s.next_quantity),
		 'the subscription has another change scheduled')
	) AS found (here, fault)
	WHERE found.here
	UNION ALL
	-- One that has never had an event or outcome has the revision 0.
	SELECT s.bucket, s.subscription_id, s.revision, 'its history is missing'
	FROM perennial.subscription s
	WHERE s.revision > 0
	AND NOT EXISTS (SELECT FROM perennial.event e WHERE e.bucket = s.bucket AND e.subscription_id = s.subscription_id)
	AND NOT EXISTS (SELECT FROM perennial.outcome o WHERE o.bucket = s.bucket AND o.subscription_id = s.subscription_id)
	UNION ALL
	-- The last word on its hold.  One whose history is known from the beginning was not on hold then.
	SELECT s.bucket, s.subscription_id, h.revision, 'the subscription is on hold or not, against its history'
	FROM (SELECT DISTINCT ON (bucket, subscription_id) bucket, subscription_id, revision, kind, reason
	      FROM perennial.event WHERE kind IN ('held', 'released', 'subscribed', 'trial_started', 'imported')
	      ORDER BY bucket, subscription_id, revision DESC) AS h
	JOIN perennial.subscription s USING (bucket, subscription_id)
	WHERE s.hold_reason IS DISTINCT FROM CASE h.kind WHEN 'held' THEN h.reason END;

GRANT SELECT ON perennial.history, perennial.broken_history TO perennial_reader;

INSERT INTO perennial.schema_version (version, name) VALUES (11, 'proof');
