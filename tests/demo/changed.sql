-- changed: what the run did, read back from the tables that it wrote.

\pset footer off
\pset null '-'
\pset linestyle ascii
\pset border 1
SET TimeZone = 'UTC';

\pset title 'Ada\'s two subscriptions, side by side: one ended, the other goes on'
SELECT fact.name AS " ",
       max(fact.value) FILTER (WHERE o.subscription_id = 1) AS "subscription 1",
       max(fact.value) FILTER (WHERE o.subscription_id = 2) AS "subscription 2"
FROM perennial.outcome o
JOIN perennial.price p USING (price_id)
JOIN perennial.plan USING (plan_id)
JOIN perennial.currency c ON c.code = o.currency
CROSS JOIN LATERAL (VALUES
	(1, 'plan',         format('%s, %s', plan.name, CASE p.interval_months WHEN 1 THEN 'monthly' ELSE 'annual' END)),
	(2, 'before',       o.from_status::text),
	(3, 'after',        o.to_status::text),
	(4, 'decided by',   format('rule %s', o.rule)),
	(5, 'period ended', to_char(o.period_end, 'YYYY-MM-DD HH24:MI "UTC"')),
	(6, 'paid until',   to_char(o.next_period_end, 'YYYY-MM-DD HH24:MI "UTC"')),
	(7, 'billed',       format('%s %s', round(o.amount / 10::numeric ^ c.exponent, c.exponent), o.currency))
) AS fact (line, name, value)
WHERE o.account_id = 1
GROUP BY fact.line, fact.name
ORDER BY fact.line;

\pset title 'What was done, and what was billed, by currency (never added across currencies)'
SELECT o.currency,
       count(*) FILTER (WHERE o.kind = 'renewed') AS renewed,
       round(sum(o.amount) FILTER (WHERE o.kind = 'renewed') / 10::numeric ^ c.exponent, c.exponent) AS "billed for it",
       count(*) FILTER (WHERE o.kind = 'converted') AS converted,
       round(sum(o.amount) FILTER (WHERE o.kind = 'converted') / 10::numeric ^ c.exponent, c.exponent) AS "billed for it",
       count(*) FILTER (WHERE o.kind = 'expired') AS expired,
       count(*) FILTER (WHERE o.kind = 'trial_expired') AS trial_expired
FROM perennial.outcome o
JOIN perennial.currency c ON c.code = o.currency
GROUP BY o.currency, c.exponent
ORDER BY o.currency;

\pset title 'Calendar corners: periods are counted from the anchor, in the customer\'s own zone'
SELECT o.subscription_id AS id, s.time_zone AS zone, to_char(s.anchor, 'YYYY-MM-DD HH24:MI') AS anchor,
       local.ended AS "period ended", local.ends_next AS "next one ends"
FROM perennial.outcome o
JOIN perennial.subscription s USING (bucket, subscription_id)
-- Local time and, after it, how far it is ahead of UTC: these customers all live east of Greenwich.
CROSS JOIN LATERAL (SELECT
	o.period_end AT TIME ZONE s.time_zone AS ended, o.next_period_end AT TIME ZONE s.time_zone AS ends_next
) AS clock
CROSS JOIN LATERAL (SELECT
	to_char(clock.ended, 'YYYY-MM-DD HH24:MI ')
		|| to_char(clock.ended - o.period_end AT TIME ZONE 'UTC', '"+"HH24:MI') AS ended,
	to_char(clock.ends_next, 'YYYY-MM-DD HH24:MI ')
		|| to_char(clock.ends_next - o.next_period_end AT TIME ZONE 'UTC', '"+"HH24:MI') AS ends_next
) AS local
WHERE o.subscription_id BETWEEN 3 AND 7
ORDER BY o.subscription_id, o.period_end;

\pset title 'On hold, for a person to look at'
SELECT s.hold_reason AS reason, count(*) AS subscriptions, count(h.revision) AS "by this run"
FROM perennial.subscription s
LEFT JOIN perennial.event h ON (h.bucket, h.subscription_id, h.revision) = (s.bucket, s.subscription_id, s.revision)
	AND h.kind = 'held' AND h.run_id IS NOT NULL
WHERE s.hold_reason IS NOT NULL
GROUP BY s.hold_reason ORDER BY s.hold_reason;

\pset title 'Do the books agree? One notification waits for each outcome, and the batches counted the same'
WITH counted AS (
	SELECT kind, count(*) AS outcomes, 0 AS jobs, 0 AS totals FROM perennial.outcome GROUP BY kind
	UNION ALL
	SELECT kind, 0, count(*), 0 FROM perennial.notification_job WHERE state = 'ready' AND event_id = 0 GROUP BY kind
	UNION ALL
	SELECT kind, 0, 0, subscriptions FROM perennial.run_total
)
SELECT coalesce(kind, 'all') AS kind, sum(outcomes) AS outcomes, sum(jobs) AS "notifications waiting",
       sum(totals) AS "sum of the batches",
       CASE WHEN sum(outcomes) = sum(jobs) AND sum(outcomes) = sum(totals) THEN 'ok' ELSE 'NOT OK' END AS "check"
FROM counted
GROUP BY ROLLUP (kind)
ORDER BY grouping(kind), kind;
