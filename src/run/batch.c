/* One batch: claim, decide, write, commit. */
#include "run/batch.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/facts_rows.h"

void batch_init(struct batch *batch, const struct work *work)
{
	*batch = (struct batch){
		.work = work,
		.claim = { .as_of_us = work->policy.as_of_us,
			   .subscription_id = work->subscription_id },
	};
}

void batch_release(struct batch *batch)
{
	writeset_release(&batch->set);
	rows_free(batch->lost_zones);
}

/* Reads a row again whose price or zone the claim did not see: it may have been committed, with the
 * change that names it, between the claim's snapshot and the lock. */
static bool read_again(struct batch *batch, struct conn *conn, struct facts_row *row,
		       struct error *err)
{
	struct rows *rows = claim_again(conn, &batch->claim, row->facts.subscription_id, err);
	bool ok = rows != NULL && rows_count(rows) == 1 && facts_read(rows, 0, row, err);

	if (rows != NULL && rows_count(rows) != 1)
		fail(err, EXIT_INTERNAL, "a locked row was not found again");
	rows_free(rows);
	return ok;
}

static bool read_row(struct batch *batch, struct conn *conn, const struct rows *rows, int i,
		     struct facts_row *row, struct error *err)
{
	return facts_read(rows, i, row, err) &&
	       (facts_complete(&row->facts) || read_again(batch, conn, row, err));
}

/* Decides the claimed rows, and moves the keyset past them. */
static bool decide_rows(struct batch *batch, struct conn *conn, const struct rows *rows,
			struct error *err)
{
	struct step step[STEPS_MAX];
	struct facts_row row;

	for (int i = 0; i < rows_count(rows); i++) {
		int steps;

		if (!read_row(batch, conn, rows, i, &row, err))
			return false;
		batch->claim.after_end_us = row.facts.period_end_us;
		batch->claim.after_id = row.facts.subscription_id;
		steps = decide_all(&row.facts, &batch->work->policy, step);
		writeset_add(&batch->set, &row.facts, step, steps);
		batch->unfinished += step_opens(&step[steps - 1]) &&
				     row.facts.period_end_us <= batch->work->policy.as_of_us;
	}
	return true;
}

static bool work_on(struct batch *batch, struct conn *conn, const struct rows *rows,
		    struct error *err)
{
	writeset_begin(&batch->set, batch->work->run_id, batch->claim.bucket,
		       batch->claim.as_of_us);
	batch->unfinished = 0;
	if (rows_count(rows) == 0) {
		conn_rollback(conn);
		return true;
	}
	return decide_rows(batch, conn, rows, err) && writeset_write(&batch->set, conn, err) &&
	       conn_commit(conn, err);
}

/* Before the first claim, asks which zones the server lost: it may take a lost name for something
 * else, or fail the whole claim for it. */
static struct rows *claim(struct batch *batch, struct conn *conn, struct error *err)
{
	if (batch->lost_zones == NULL)
		batch->lost_zones = lost_time_zones(conn, err);
	if (batch->lost_zones == NULL)
		return NULL;
	batch->claim.lost_zones = batch->lost_zones;
	return claim_rows(conn, &batch->claim, err);
}

bool batch_run(struct batch *batch, struct conn *conn, struct error *err)
{
	int64_t started_ms = clock_ms();
	struct rows *rows = claim(batch, conn, err);
	bool ok = rows != NULL && work_on(batch, conn, rows, err);

	rows_free(rows);
	if (!ok) {
		conn_rollback(conn);
		return false;
	}
	if (batch->set.claimed > 0)
		log_event(LOG_DEBUG, "batch_committed",
			  "run=%lld bucket=%d claimed=%d outcomes=%d held=%d ms=%lld",
			  (long long)batch->work->run_id, batch->claim.bucket, batch->set.claimed,
			  batch->set.closed, batch->set.held, (long long)(clock_ms() - started_ms));
	return true;
}
