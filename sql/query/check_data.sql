-- check_data: what makes runs slow.
-- returns severity text, message text, advice text
WITH bucket AS (
	SELECT s.bucket, count(*) AS subscriptions
	FROM perennial.subscription s
	WHERE s.status <> 'expired' AND s.hold_reason IS NULL
	GROUP BY s.bucket
), skewed AS (
	SELECT b.bucket, b.subscriptions
	FROM bucket b
	WHERE b.subscriptions > 1000 AND b.subscriptions > 4 * (SELECT sum(a.subscriptions) / 256 FROM bucket a)
), found (n, severity, message, advice) AS (
	SELECT 1, 'warning',
	       format('bucket %s has %s of %s subscriptions, account %s %s of them', b.bucket, b.subscriptions,
	              (SELECT sum(a.subscriptions) FROM bucket a), a.account_id, a.subscriptions),
	       'work is divided by bucket, and accounts belong to one: give a large customer several accounts'
	FROM skewed b
	CROSS JOIN LATERAL (
		SELECT s.account_id, count(*) AS subscriptions
		FROM perennial.subscription s
		WHERE s.bucket = b.bucket AND s.status <> 'expired' AND s.hold_reason IS NULL
		GROUP BY s.account_id
		ORDER BY subscriptions DESC, s.account_id
		LIMIT 1) AS a
	UNION ALL
	SELECT 2, 'warning', 'autovacuum is off: tables grow, and plans of queries go wrong',
	       'set it on: ALTER SYSTEM SET autovacuum = on;'
	WHERE NOT current_setting('autovacuum')::boolean
	UNION ALL
	SELECT 3, 'warning', format('autovacuum is off for the table %s: it grows, and plans of queries go wrong', c.relname),
	       format('the owner runs: ALTER TABLE perennial.%I RESET (autovacuum_enabled);', c.relname)
	FROM pg_class c
	CROSS JOIN pg_options_to_table(c.reloptions) AS o
	WHERE c.relnamespace = to_regnamespace('perennial') AND o.option_name = 'autovacuum_enabled'
	  AND NOT o.option_value::boolean
)
SELECT severity, message, advice
FROM (
	SELECT n, severity, message, advice FROM found
	UNION ALL
	SELECT 0, 'ok', 'subscriptions spread over the buckets, and the tables are vacuumed', NULL
	WHERE NOT EXISTS (SELECT FROM found)
) AS all_of_it
ORDER BY n, message
