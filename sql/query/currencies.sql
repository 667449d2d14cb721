-- currencies: how many decimals each one has.
-- returns code text, exponent integer
SELECT c.code::text, c.exponent::int
FROM perennial.currency c
ORDER BY c.code
