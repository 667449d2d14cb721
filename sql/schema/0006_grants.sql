-- grants: what each role may do, in one place.  Owners of the schema need none of it.

-- Reads what a decision needs, changes the columns that a decision sets, appends what a batch writes.
GRANT SELECT ON perennial.schema_version, perennial.time_zone, perennial.currency, perennial.price,
	perennial.subscription, perennial.outcome, perennial.run, perennial.batch, perennial.batch_total, perennial.run_total
	TO perennial_batch;
GRANT UPDATE (price_id, next_price_id, quantity, next_quantity, status, anchor, months_elapsed, period_start, period_end,
	ended_at, end_reason, hold_reason, held_at, catch_up_allowed, revision)
	ON perennial.subscription TO perennial_batch;
GRANT INSERT ON perennial.outcome, perennial.event, perennial.notification_job,
	perennial.run, perennial.batch, perennial.batch_total
	TO perennial_batch;
GRANT UPDATE (finished_at, result, exit_code) ON perennial.run TO perennial_batch;

-- Reads everything but the names and addresses of accounts.  perennial_operator is a member.
GRANT SELECT ON perennial.schema_version, perennial.time_zone, perennial.currency, perennial.plan, perennial.price,
	perennial.subscription, perennial.outcome, perennial.event, perennial.notification_job,
	perennial.run, perennial.batch, perennial.batch_total,
	perennial.billed, perennial.run_total, perennial.run_state
	TO perennial_reader;
GRANT SELECT (bucket, account_id, kind, locale) ON perennial.account TO perennial_reader;

INSERT INTO perennial.schema_version (version, name) VALUES (6, 'grants');
