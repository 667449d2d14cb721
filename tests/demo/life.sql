-- life: what is for sale, and the customer's account.

BEGIN;

INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'pro', 'Pro'), (2, 'starter', 'Starter');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES
	(1, 1, 'EUR', 2900, 1),
	(2, 2, 'EUR',  900, 1);

SET LOCAL SESSION AUTHORIZATION perennial_app;
SELECT perennial.put_account(7, 'online', 'Nora Example', 'nora@example.com', NULL, 'fr') \g /dev/null

COMMIT;
