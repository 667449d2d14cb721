"""small: a handful of subscriptions, each for one way of a run, and what refuses those that the server is to refuse."""

AS_OF = '2024-03-01T00:00:00Z'

FIXTURES = """
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'basic', 'Basic');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES
	(1, 1, 'EUR', 1000, 1), (2, 1, 'EUR', 10000, 12), (3, 1, 'JPY', 1500, 1),
	(4, 1, 'EUR', 600000000000000, 1);  -- two of these are more than an amount may be

-- Accounts 1 to 3, each in the bucket of its number.
INSERT INTO perennial.account (bucket, account_id, kind, name, billing_email)
SELECT perennial.bucket_of(a), a, 'online', 'Account ' || a, 'account' || a || '@example.com'
FROM generate_series(1, 3) AS a;

CREATE SCHEMA test;

CREATE FUNCTION test.add(id bigint, status perennial.status, period_end timestamptz, account bigint DEFAULT 1,
	price int DEFAULT 1, next_price int DEFAULT NULL, quantity int DEFAULT 1, billing boolean DEFAULT true,
	catch_up boolean DEFAULT false, hold text DEFAULT NULL) RETURNS void
LANGUAGE sql SET TimeZone = 'UTC' AS $$
	INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, next_price_id, quantity, status,
		billing_info_at, anchor, months_elapsed, period_start, period_end, trial_end, cancel_requested_at, ended_at,
		end_reason, hold_reason, held_at, catch_up_allowed)
	SELECT perennial.bucket_of(add.account), add.id, add.account, add.price, add.next_price, add.quantity, add.status,
	       CASE WHEN add.billing THEN began END, add.period_end - make_interval(months => elapsed), elapsed, began,
	       add.period_end, CASE WHEN add.status = 'trialing' THEN add.period_end END,
	       CASE WHEN add.status IN ('pending_cancellation', 'expired') THEN began END,
	       CASE WHEN add.status = 'expired' THEN add.period_end END,
	       CASE WHEN add.status = 'expired' THEN 'cancelled' END,
	       add.hold, CASE WHEN add.hold IS NOT NULL THEN began END, add.catch_up
	FROM perennial.price p
	CROSS JOIN LATERAL (SELECT
		CASE WHEN add.status = 'trialing' THEN 0 ELSE p.interval_months END AS elapsed,
		add.period_end - make_interval(months => p.interval_months) AS began) AS period
	WHERE p.price_id = add.price
$$;

CREATE FUNCTION test.refuse() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RAISE 'subscription % is refused', NEW.subscription_id; END $$;
CREATE FUNCTION test.drop_row() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RETURN NULL; END $$;
"""

# What a run writes, and the row of the run itself.
TABLES = ('subscription', 'outcome', 'event', 'notification_job', 'batch_total', 'batch', 'run')


def add(id, status, period_end, **more):
    """A statement that adds a subscription, by the names of test.add's parameters."""
    values = {'id': id, 'status': status, 'period_end': period_end, **more}
    return f"SELECT test.add({', '.join(f'{name} => {literal(value)}' for name, value in values.items())});\n"


def literal(value):
    return f"'{value}'" if isinstance(value, str) else str(value)


def refuse(table, id, late=False):
    """Statements by which the server refuses what is inserted into a table for a subscription, or its commit."""
    kind, when, deferred = ('CONSTRAINT', 'AFTER', 'DEFERRABLE INITIALLY DEFERRED') if late else ('', 'BEFORE', '')
    return (f'CREATE {kind} TRIGGER refuse_{id} {when} INSERT ON perennial.{table} {deferred} FOR EACH ROW '
            f'WHEN (NEW.subscription_id = {id}) EXECUTE FUNCTION test.refuse();\n')


def small(cluster, db, *statements):
    """Makes a database with the schema, the fixtures, and what these statements put into it."""
    cluster.migrated(db)
    cluster.psql(FIXTURES + ''.join(statements), db)
    return db
