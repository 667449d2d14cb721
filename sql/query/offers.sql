-- offers: which plan each price is of.
-- returns price_id integer, code text
SELECT price.price_id, plan.code
FROM perennial.price
JOIN perennial.plan USING (plan_id)
ORDER BY price.price_id
