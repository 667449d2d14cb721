-- recent_amounts: what the last runs billed on the average, by currency.
-- $1 bigint  so many runs at most
-- returns currency text, amount text
WITH recent AS MATERIALIZED (
:recent_runs
)
SELECT t.currency::text, round(sum(t.amount) / (SELECT count(*) FROM recent))::text AS amount
FROM recent
JOIN perennial.run_total t USING (run_id)
WHERE t.kind IN ('renewed', 'converted')
GROUP BY t.currency
ORDER BY t.currency
