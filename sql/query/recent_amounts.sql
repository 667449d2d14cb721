-- recent_amounts: what the same runs as those of recent_pace billed on the average, by currency.
-- $1 bigint  so many runs at most
-- returns currency text, amount text
WITH recent AS MATERIALIZED (
	SELECT r.run_id
	FROM perennial.run r
	WHERE r.subscription_id IS NULL AND r.result IN ('done', 'held', 'left')
	AND EXISTS (SELECT FROM perennial.batch b WHERE b.run_id = r.run_id)
	ORDER BY r.run_id DESC
	LIMIT $1
)
SELECT t.currency::text, round(sum(t.amount) / (SELECT count(*) FROM recent))::text AS amount
FROM recent
JOIN perennial.run_total t USING (run_id)
WHERE t.kind IN ('renewed', 'converted')
GROUP BY t.currency
ORDER BY t.currency
