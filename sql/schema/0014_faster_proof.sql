-- faster_proof: the views that say whether all is sound, for years of millions of outcomes.
--
-- Conditions get their names first, and words are found only where one of them holds.  That is said as a number,
-- (…)::int = 1: the planner takes an equality for rare, and looks in parallel.

-- No row where every history is sound: each entry starts from what the one before it left, and the last leaves what the
-- subscription is.  What a subscription was before its first entry is taken as it is.
CREATE OR REPLACE VIEW perennial.broken_history AS
	WITH entry AS (
		SELECT h.*,
		       h.kind IN ('subscribed', 'trial_started', 'imported') AS founds,
		       h.kind IN ('renewed', 'converted') AS opens,
		       h.kind IN ('expired', 'trial_expired') AS ends,
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
		       CASE WHEN e.opens THEN coalesce(e.last_next_quantity, e.last_quantity)
		            ELSE e.last_quantity END AS due_quantity
		FROM entry e
	), looked_at AS (
		-- Each way to be broken, from one entry to the next and from the last one to the subscription.
		SELECT e.bucket, e.subscription_id, e.revision,
		       e.revision <> e.last_revision + 1 AS jumps,
		       e.founds AND e.follows AS begins_again,
		       e.from_status <> e.last_status AS other_from,
		       e.account_id <> e.last_account AS other_account,
		       e.follows AND e.rule IS NOT NULL
		       AND (e.closed_start, e.closed_end) IS DISTINCT FROM (e.last_start, e.last_end) AS other_closed,
		       e.follows AND e.rule IS NULL AND NOT e.founds AND e.kind <> 'reactivated'
		       AND (e.period_start, e.period_end) IS DISTINCT FROM (e.last_start, e.last_end) AS moved,
		       e.follows AND NOT e.founds AND e.kind <> 'reactivated'
		       AND e.price_id IS DISTINCT FROM e.due_price AS other_price,
		       e.follows AND NOT e.founds AND e.quantity IS DISTINCT FROM e.due_quantity AS other_quantity,
		       e.follows AND e.rule IS NULL AND NOT e.founds AND e.kind NOT IN ('reactivated', 'change_scheduled')
		       AND (e.next_price_id, e.next_quantity) IS DISTINCT FROM (e.last_next_price, e.last_next_quantity)
		       AS other_change,
		       e.is_last AND s.revision IS NULL AS gone,
		       e.revision <> s.revision AS s_revision,
		       e.account_id <> s.account_id AS s_account,
		       e.to_status <> s.status AS s_status,
		       s.revision IS NOT NULL
		       AND (e.period_start, e.period_end) IS DISTINCT FROM (s.period_start, s.period_end) AS s_period,
		       s.revision IS NOT NULL AND (e.price_id, e.quantity) IS DISTINCT FROM (s.price_id, s.quantity) AS s_sold,
		       s.revision IS NOT NULL AND NOT e.ends
		       AND (e.next_price_id, e.next_quantity) IS DISTINCT FROM (s.next_price_id, s.next_quantity)
		       AS s_change
		FROM step e
		LEFT JOIN perennial.subscription s
			ON e.is_last AND s.bucket = e.bucket AND s.subscription_id = e.subscription_id
	)
	SELECT e.bucket, e.subscription_id, e.revision, found.fault
	FROM looked_at e
	CROSS JOIN LATERAL (VALUES
		(e.jumps, 'an entry before it is missing, or has the same revision'),
		(e.begins_again, 'it begins what had begun before'),
		(e.other_from, 'its from_status is not what the entry before it left'),
		(e.other_account, 'its account is not that of the entry before it'),
		(e.other_closed, 'it closed another period than the one that was running'),
		(e.moved, 'it moved the period'),
		(e.other_price, 'its price is not what the entry before it left'),
		(e.other_quantity, 'its quantity is not what the entry before it left'),
		(e.other_change, 'its scheduled change is not what the entry before it left'),
		(e.gone, 'its subscription is gone'),
		(e.s_revision, 'the subscription has another revision'),
		(e.s_account, 'the subscription has another account'),
		(e.s_status, 'the subscription has another status'),
		(e.s_period, 'the subscription has another period'),
		(e.s_sold, 'the subscription has another price or quantity'),
		(e.s_change, 'the subscription has another change scheduled')
	) AS found (here, fault)
	WHERE found.here
	AND (e.jumps OR e.begins_again OR e.other_from OR e.other_account OR e.other_closed OR e.moved OR e.other_price
	     OR e.other_quantity OR e.other_change OR e.gone OR e.s_revision OR e.s_account OR e.s_status OR e.s_period
	     OR e.s_sold OR e.s_change)::int = 1
	UNION ALL
	-- What an entry says by itself, wherever it stands.
	SELECT e.bucket, e.subscription_id, e.revision, found.fault
	FROM (
		SELECT h.bucket, h.subscription_id, h.revision,
		       CASE h.kind
		       WHEN 'renewed' THEN h.from_status = 'active' AND h.to_status = 'active'
		       WHEN 'converted' THEN h.from_status = 'trialing' AND h.to_status = 'active'
		       WHEN 'expired' THEN h.from_status = 'pending_cancellation' AND h.to_status = 'expired'
		       WHEN 'trial_expired' THEN h.from_status = 'trialing' AND h.to_status = 'expired'
		       WHEN 'subscribed' THEN h.from_status IS NULL AND h.to_status = 'active'
		       WHEN 'trial_started' THEN h.from_status IS NULL AND h.to_status = 'trialing'
		       WHEN 'imported' THEN h.from_status IS NULL
		       WHEN 'cancelled' THEN h.from_status IN ('trialing', 'active') AND h.to_status = 'pending_cancellation'
		       WHEN 'withdrawn' THEN h.from_status = 'pending_cancellation' AND h.to_status IN ('trialing', 'active')
		       WHEN 'reactivated' THEN h.from_status = 'expired' AND h.to_status = 'active'
		       ELSE h.from_status = h.to_status
		       END IS NOT TRUE AS impossible,
		       h.kind IN ('subscribed', 'reactivated', 'renewed', 'converted')
		       AND (h.amount = h.unit_amount::numeric * h.quantity) IS NOT TRUE AS other_amount,
		       h.kind NOT IN ('subscribed', 'reactivated', 'renewed', 'converted', 'imported')
		       AND h.amount > 0 AS billed
		FROM perennial.history h
	) AS e
	CROSS JOIN LATERAL (VALUES
		(e.impossible, 'no entry of this kind leads from this status to that one'),
		(e.other_amount, 'its amount is not quantity times unit_amount'),
		(e.billed, 'it has an amount, but bills nothing')
	) AS found (here, fault)
	WHERE found.here AND (e.impossible OR e.other_amount OR e.billed)::int = 1
	UNION ALL
	-- One that has never had an event or outcome has the revision 0.
	SELECT s.bucket, s.subscription_id, s.revision, 'its history is missing'
	FROM perennial.subscription s
	WHERE s.revision > 0
	AND NOT EXISTS (SELECT FROM perennial.event e WHERE e.bucket = s.bucket AND e.subscription_id = s.subscription_id)
	AND NOT EXISTS (SELECT FROM perennial.outcome o WHERE o.bucket = s.bucket AND o.subscription_id = s.subscription_id)
	UNION ALL
	-- The last word on its hold: only where there is a hold, or was.  One whose history is known from the beginning was
	-- not on hold then.
	SELECT h.bucket, h.subscription_id, h.revision, 'the subscription is on hold or not, against its history'
	FROM (SELECT DISTINCT ON (s.bucket, s.subscription_id) s.bucket, s.subscription_id, s.hold_reason, e.revision,
	             CASE e.kind WHEN 'held' THEN e.reason END AS reason
	      FROM perennial.subscription s
	      JOIN perennial.event e ON e.bucket = s.bucket AND e.subscription_id = s.subscription_id
	                             AND e.kind IN ('held', 'released', 'subscribed', 'trial_started', 'imported')
	      WHERE s.hold_reason IS NOT NULL
	      OR (s.bucket, s.subscription_id) IN (SELECT t.bucket, t.subscription_id FROM perennial.event t
	                                           WHERE t.kind = 'held')
	      ORDER BY s.bucket, s.subscription_id, e.revision DESC) AS h
	WHERE h.hold_reason IS DISTINCT FROM h.reason;

-- No row where all is sound.  Each part asks the tables for itself: what is broken may show in several.
CREATE OR REPLACE VIEW perennial.unsound (invariant, bucket, subscription_id, run_id, detail) AS
	SELECT found.invariant, s.bucket, s.subscription_id, found.run_id, found.detail
	FROM (
		-- Where the history is sound each outcome closes what the entry before it opened.  Periods can overlap then, or
		-- leave a gap, only where an entry by itself does it.  All that could are looked at with those that are broken.
		SELECT bucket, subscription_id, array_agg(fault) FILTER (WHERE fault IS NOT NULL) AS faults
		FROM (
			SELECT bucket, subscription_id, format('revision %s: %s', revision, fault) AS fault
			FROM perennial.broken_history
			UNION ALL
			-- The period that it opens does not begin where the closed one ends, or ends before it begins.
			SELECT bucket, subscription_id, NULL
			FROM perennial.outcome
			WHERE kind IN ('renewed', 'converted')
			AND coalesce(next_period_start = period_end AND next_period_end > next_period_start, false)::int = 0
			UNION ALL
			-- It has an amount and opens nothing, or opens a period that ends before it begins.
			SELECT e.bucket, e.subscription_id, NULL
			FROM perennial.event e
			WHERE (e.amount IS NOT NULL OR e.kind = 'reactivated') AND e.kind <> 'imported'
			AND (e.kind NOT IN ('subscribed', 'reactivated') OR (e.period_end > e.period_start) IS NOT TRUE)
			UNION ALL
			-- It begins before the end of a period that had been closed.
			SELECT e.bucket, e.subscription_id, NULL
			FROM perennial.event e
			JOIN perennial.outcome o ON o.bucket = e.bucket AND o.subscription_id = e.subscription_id
			                         AND o.revision < e.revision AND o.period_end > e.period_start
			WHERE e.kind = 'reactivated'
		) AS suspect
		GROUP BY bucket, subscription_id
	) AS s
	CROSS JOIN LATERAL (
		SELECT 'history-broken' AS invariant, NULL::bigint AS run_id, fault AS detail
		FROM unnest(s.faults) AS fault
		UNION ALL
		-- Each period is closed once, and those that were closed do not overlap: also where the table's key is gone.
		SELECT CASE WHEN o.period_end = o.last_end THEN 'outcome-doubled' ELSE 'outcome-overlap' END, o.run_id,
		       CASE WHEN o.period_end = o.last_end THEN format('the period that ended at %s was closed twice', ended)
		            ELSE format('the period that ended at %s begins within the one before it', ended) END
		FROM (SELECT run_id, period_start, period_end, lag(period_end) OVER (ORDER BY period_end) AS last_end
		      FROM perennial.outcome
		      WHERE bucket = s.bucket AND subscription_id = s.subscription_id) AS o
		CROSS JOIN LATERAL perennial.utc_text(o.period_end) AS ended
		WHERE o.period_end = o.last_end OR o.period_start < o.last_end
		UNION ALL
		-- What was billed is billed once and without a gap, but for the one that a reactivation ends.
		SELECT CASE WHEN b.service_start < b.billed_until THEN 'billed-overlap' ELSE 'billed-gap' END, b.run_id,
		       format('a period is billed from %s, and what was before it until %s',
		              perennial.utc_text(b.service_start), perennial.utc_text(b.billed_until))
		FROM (SELECT run_id, kind, service_start, max(service_end) OVER (
		             ORDER BY service_start, service_end
		             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS billed_until
		      FROM perennial.billed
		      WHERE bucket = s.bucket AND subscription_id = s.subscription_id AND kind <> 'imported') AS b
		WHERE b.service_start < b.billed_until OR b.service_start > b.billed_until AND b.kind <> 'reactivated'
	) AS found

	UNION ALL
	-- Each outcome, and each event that customers hear of, has its job, and each job is about one of them.
	SELECT found.invariant, j.bucket, j.subscription_id, j.run_id,
	       format('%s job %s about %s', found.wrong, j.kind, CASE WHEN j.event_id = 0
	              THEN 'the period that ended at ' || perennial.utc_text(j.boundary) ELSE 'event ' || j.event_id END)
	FROM (
		SELECT bucket, subscription_id, kind, boundary, event_id, max(run_id) AS run_id, count(fact_account) AS facts,
		       count(job_account) AS jobs,
		       least(min(fact_account), min(job_account)) <> greatest(max(fact_account), max(job_account)) AS strays
		FROM (
			SELECT bucket, subscription_id, kind, period_end AS boundary, 0::bigint AS event_id,
			       account_id AS fact_account, run_id, decided_at AS recorded_at
			FROM perennial.outcome
			UNION ALL
			SELECT bucket, subscription_id,
			       CASE kind WHEN 'cancelled' THEN 'cancellation_confirmed'
			                 WHEN 'withdrawn' THEN 'cancellation_withdrawn' ELSE kind END,
			       period_end, event_id, account_id, NULL::bigint, recorded_at
			FROM perennial.event
			WHERE kind IN ('subscribed', 'trial_started', 'cancelled', 'withdrawn', 'reactivated')
		) AS fact
		FULL JOIN (SELECT bucket, subscription_id, kind, boundary, event_id, account_id AS job_account
		           FROM perennial.notification_job) AS job USING (bucket, subscription_id, kind, boundary, event_id)
		CROSS JOIN (SELECT coalesce(max(finished_before), '-infinity') AS pruned_until FROM perennial.pruning) AS p
		WHERE (fact_account IS NULL OR fact_account <> job_account
		       OR job_account IS NULL AND recorded_at >= pruned_until)::int = 1
		GROUP BY bucket, subscription_id, kind, boundary, event_id
	) AS j
	CROSS JOIN LATERAL (VALUES
		('job-missing', 'there is no', j.jobs = 0),
		('job-unfounded', 'nothing happened that needs the', j.facts = 0),
		('job-astray', 'another account has the', j.strays)
	) AS found (invariant, wrong, here)
	WHERE found.here

	UNION ALL
	-- No job is there twice: also where the table's key is gone.
	SELECT 'job-doubled', j.bucket, j.subscription_id,
	       (SELECT max(o.run_id) FROM perennial.outcome o
	        WHERE o.bucket = j.bucket AND o.subscription_id = j.subscription_id AND o.period_end = j.boundary
	        AND o.kind = j.kind AND j.event_id = 0),
	       format('there is more than one job %s about %s', j.kind, CASE WHEN j.event_id = 0
	              THEN 'the period that ended at ' || perennial.utc_text(j.boundary) ELSE 'event ' || j.event_id END)
	FROM perennial.notification_job j
	GROUP BY j.bucket, j.subscription_id, j.kind, j.boundary, j.event_id
	HAVING count(*) > 1

	UNION ALL
	-- The last run that left nothing left nothing: whatever was due then has changed since it started.
	SELECT 'due-left', s.bucket, s.subscription_id, r.run_id,
	       format('due since %s, but the run left nothing, and nothing has happened since it started',
	              perennial.utc_text(s.period_end))
	FROM (SELECT max(run_id) FILTER (WHERE result IN ('done', 'held') AND left_due = 0 AND failed = 0
	                                 AND stopped_by IS NULL AND subscription_id IS NULL) AS run_id
	      FROM perennial.run) AS last
	JOIN perennial.run r USING (run_id)
	JOIN perennial.subscription s ON s.status <> 'expired' AND s.hold_reason IS NULL AND s.period_end <= r.as_of
	WHERE NOT EXISTS (SELECT FROM perennial.event e WHERE e.bucket = s.bucket AND e.subscription_id = s.subscription_id
	                  AND e.recorded_at >= r.started_at)
	AND NOT EXISTS (SELECT FROM perennial.outcome o WHERE o.bucket = s.bucket AND o.subscription_id = s.subscription_id
	                AND o.decided_at >= r.started_at)

	UNION ALL
	-- Batches count the outcomes that there are.
	SELECT 'total-differs', t.bucket, NULL, t.run_id,
	       format('%s in %s: ', t.kind, t.currency)
	       || CASE WHEN t.outcomes = t.counted THEN 'batches count another amount'
	               ELSE format('batches count %s, and there are %s', t.counted, t.outcomes) END
	FROM (
		SELECT bucket, run_id, kind, currency, sum(outcomes) AS outcomes, sum(counted) AS counted,
		       sum(amount) AS amount, sum(counted_amount) AS counted_amount
		FROM (
			SELECT bucket, run_id, kind, currency, count(*) AS outcomes, 0 AS counted, sum(amount) AS amount,
			       0::numeric AS counted_amount
			FROM perennial.outcome
			GROUP BY bucket, run_id, kind, currency
			UNION ALL
			SELECT bucket, run_id, kind, currency, 0, subscriptions, 0, amount FROM perennial.batch_total
		) AS counts
		GROUP BY bucket, run_id, kind, currency
	) AS t
	WHERE (t.outcomes, t.amount) <> (t.counted, t.counted_amount)

	UNION ALL
	-- Batches count what they claimed.  One claim writes entries of the history that follow each other; where others
	-- stand between those of a run it claimed again what had become due again: released, or reactivated in the past.
	-- Only a claim that was continued can be followed by another without a sign of it.
	SELECT found.invariant, c.bucket, NULL, c.run_id, found.wrong
	FROM (
		SELECT bucket, run_id, sum(batches) AS batches, sum(claimed) AS claimed, sum(continued) AS continued,
		       sum(held) AS held, sum(entries) AS entries, sum(strands) AS strands, sum(holds) AS holds,
		       sum(still_due) AS still_due
		FROM (
			SELECT bucket, run_id, 1 AS batches, claimed, continued, held,
			       0 AS entries, 0 AS strands, 0 AS holds, 0 AS still_due
			FROM perennial.batch
			UNION ALL
			SELECT h.bucket, h.run_id, 0, 0, 0, 0, count(*), 0, count(*) FILTER (WHERE h.kind = 'held'),
			       count(*) FILTER (WHERE h.kind IN ('renewed', 'converted') AND h.period_end <= r.as_of)
			FROM perennial.history h
			LEFT JOIN perennial.run r USING (run_id)
			WHERE h.run_id IS NOT NULL
			GROUP BY h.bucket, h.run_id
			UNION ALL
			SELECT h.bucket, h.run_id, 0, 0, 0, 0, 0, count(*), 0, 0
			FROM (SELECT bucket, run_id,
			             lag(run_id) OVER (PARTITION BY bucket, subscription_id ORDER BY revision) AS last_run_id
			      FROM perennial.history) AS h
			WHERE h.run_id IS NOT NULL AND h.run_id IS DISTINCT FROM h.last_run_id
			GROUP BY h.bucket, h.run_id
		) AS counts
		GROUP BY bucket, run_id
	) AS c
	LEFT JOIN perennial.run r USING (run_id)
	CROSS JOIN LATERAL (VALUES
		('run-unknown', r.run_id IS NULL,
		 format('%s batches and %s outcomes and holds are of a run that is not there', c.batches, c.entries)),
		('held-differs', c.held <> c.holds, format('batches count %s held, and there are %s', c.held, c.holds)),
		('claimed-differs', c.claimed NOT BETWEEN c.strands AND c.strands + c.continued,
		 format('batches count %s claimed, of them %s continued, and the history has %s',
		        c.claimed, c.continued, c.strands)),
		('continued-differs', c.continued > c.still_due,
		 format('batches count %s continued, and %s outcomes left what was still due', c.continued, c.still_due))
	) AS found (invariant, here, wrong)
	WHERE found.here

	UNION ALL
	-- Runs leave alone what is on hold.
	SELECT 'held-touched', h.bucket, h.subscription_id, t.run_id,
	       format('%s with revision %s, though on hold since revision %s', t.kind, t.revision, h.revision)
	FROM (SELECT bucket, subscription_id, kind, revision, lead(revision) OVER (
	             PARTITION BY bucket, subscription_id ORDER BY revision) AS until
	      FROM perennial.event WHERE kind IN ('held', 'released')) AS h
	JOIN perennial.history t ON t.bucket = h.bucket AND t.subscription_id = h.subscription_id
	                         AND t.revision > h.revision AND (t.revision <= h.until OR h.until IS NULL)
	WHERE h.kind = 'held' AND t.run_id IS NOT NULL

	UNION ALL
	-- What each entry says by itself.
	SELECT found.invariant, h.bucket, h.subscription_id, h.run_id, found.detail
	FROM (
		SELECT e.bucket, e.subscription_id, e.revision, e.run_id, e.kind, e.price_id, r.as_of,
		       coalesce(e.closed_end, e.period_end) AS due_at,
		       coalesce(e.closed_end, e.period_end) > r.as_of AS early,
		       e.currency IS NOT NULL
		       AND CASE WHEN p.price_id IS NOT NULL THEN e.unit_amount <> p.unit_amount OR e.currency <> p.currency
		                ELSE e.kind NOT IN ('expired', 'trial_expired') OR (e.unit_amount, e.currency) <> (0, 'XXX')
		           END AS other_price,
		       e.amount <> CASE WHEN e.kind IN ('expired', 'trial_expired') THEN 0
		                        ELSE e.unit_amount::numeric * e.quantity END AS other_amount,
		       e.kind IN ('subscribed', 'reactivated', 'renewed', 'converted') AND e.at <> e.period_start AS other_start
		FROM perennial.history e
		LEFT JOIN perennial.run r USING (run_id)
		LEFT JOIN perennial.price p USING (price_id)
	) AS h
	CROSS JOIN LATERAL (VALUES
		-- Runs leave alone what was not due.
		('not-due-touched', h.early, format('%s, though its period ended at %s, by a run as of %s', h.kind,
		                                    perennial.utc_text(h.due_at), perennial.utc_text(h.as_of))),
		-- What was billed is what the catalogue says.  An end needs no price: without one it has no amount and no
		-- currency.
		('price-differs', h.other_price,
		 format('%s with revision %s has another unit amount or currency than price %s', h.kind, h.revision,
		        h.price_id)),
		('amount-differs', h.other_amount,
		 format('%s with revision %s has another amount than quantity times unit amount', h.kind, h.revision)),
		-- What is billed is billed when its period begins.
		('start-differs', h.other_start,
		 format('%s with revision %s is dated otherwise than the beginning of its period', h.kind, h.revision))
	) AS found (invariant, here, detail)
	WHERE found.here AND (h.early OR h.other_price OR h.other_amount OR h.other_start)::int = 1

	UNION ALL
	-- A period that was opened here ends at a boundary.  The server is not asked for a zone that it no longer knows.
	SELECT 'boundary-differs', s.bucket, s.subscription_id, NULL,
	       format('its period ends at %s, which is not %s months after its anchor', perennial.utc_text(s.period_end),
	              s.months_elapsed)
	FROM perennial.subscription s
	WHERE s.status <> 'expired'
	AND EXISTS (SELECT FROM perennial.billed b WHERE b.bucket = s.bucket AND b.subscription_id = s.subscription_id
	            AND b.service_start = s.period_start AND b.kind <> 'imported')
	AND CASE WHEN s.time_zone IN (SELECT z.name FROM pg_catalog.pg_timezone_names z)
	         THEN s.period_end <> perennial.boundary(s.anchor, s.time_zone, s.months_elapsed) END;

INSERT INTO perennial.schema_version (version, name) VALUES (14, 'faster_proof');
