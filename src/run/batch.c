/* One batch: claim, decide, write, commit. */
#include "run/batch.h"
#include "db/facts_rows.h"
#include "base/clock.h"
#include "base/log.h"

void batch_release(struct batch *batch)
{
	writeset_release(&batch->set);
}

static bool decide_rows(struct batch *batch, const struct rows *rows, struct error *err)
{
	struct facts_row row;
	struct step step[STEPS_MAX];

	writeset_begin(&batch->set, batch->run_id, &batch->claim);
	for (int i = 0; i < batch->claimed; i++) {
		int steps;

		if (!facts_read(rows, i, &row, err))
			return false;
		batch->claim.after_end_us = row.facts.period_end_us;
		batch->claim.after_id = row.facts.subscription_id;
		steps = decide_all(&row.facts, &batch->policy, step);
		writeset_add(&batch->set, &row.facts, step, steps);
	}
	batch->held = batch->set.held;
	batch->outcomes = batch->set.outcome_rows;
	return true;
}

static bool decide_and_write(struct batch *batch, struct conn *conn, const struct rows *rows,
			     struct error *err)
{
	batch->claimed = rows_count(rows);
	if (batch->claimed == 0) {
		conn_rollback(conn);
		return true;
	}
	return decide_rows(batch, rows, err) &&
	       store_write(conn, &batch->set, batch->run_id, &batch->claim, batch->claimed, err) &&
	       conn_commit(conn, err);
}

bool batch_run(struct batch *batch, struct conn *conn, struct error *err)
{
	int64_t started_ms = clock_ms();
	struct rows *rows = store_claim(conn, &batch->claim, &batch->limits, err);
	bool ok = rows != NULL && decide_and_write(batch, conn, rows, err);

	rows_free(rows);
	if (!ok) {
		conn_rollback(conn);
		return false;
	}
	if (batch->claimed > 0)
		log_event(LOG_DEBUG, "batch_committed",
			  "run=%lld bucket=%d claimed=%d outcomes=%d held=%d ms=%lld",
			  (long long)batch->run_id, batch->claim.bucket, batch->claimed,
			  batch->outcomes, batch->held, (long long)(clock_ms() - started_ms));
	return true;
}
