/* One batch: claim, decide, write, commit. */
#include "run/batch.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/facts_rows.h"

void batch_init(struct batch *batch, const struct work *work, struct tally *tally,
		struct stop *stop)
{
	*batch = (struct batch){
		.work = work,
		.tally = tally,
		.stop = stop,
		.claim = { .as_of_us = work->policy.as_of_us,
			   .subscription_id = work->subscription_id,
			   .lost_zones = work->lost_zones },
	};
}

void batch_release(struct batch *batch)
{
	writeset_release(&batch->set);
}

void batch_enter(struct batch *batch, int16_t bucket)
{
	batch->claim.bucket = bucket;
	batch->claim.after = CLAIM_FROM_START;
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

/* Remembers a row that a rule puts on hold. */
static void name_held(struct batch *batch, const struct facts *facts, const struct step *step)
{
	if (step->action != ACTION_HOLD || batch->named == TALLY_TOLD_MAX)
		return;
	batch->held[batch->named].subscription_id = facts->subscription_id;
	batch->held[batch->named++].reason = step->reason;
}

/* Decides the claimed rows; *last is where the next claim goes on. */
static bool decide_rows(struct batch *batch, struct conn *conn, const struct rows *rows,
			struct claim_key *last, struct error *err)
{
	struct step step[STEPS_MAX];
	struct facts_row row;

	for (int i = 0; i < rows_count(rows); i++) {
		int steps;

		if (!read_row(batch, conn, rows, i, &row, err))
			return false;
		*last = (struct claim_key){ row.facts.period_end_us, row.facts.subscription_id };
		steps = decide_all(&row.facts, &batch->work->policy, step);
		name_held(batch, &row.facts, &step[steps - 1]);
		writeset_add(&batch->set, &row.facts, step, steps);
	}
	return true;
}

static void clear(struct batch *batch)
{
	batch->named = 0;
	writeset_begin(&batch->set, batch->work->run_id, batch->claim.bucket,
		       batch->claim.as_of_us);
}

static bool commit(struct batch *batch, struct conn *conn, const struct claim_key *last,
		   struct error *err)
{
	const struct writeset *set = &batch->set;
	const struct work_done done = { 1, set->claimed, set->continued, set->closed, set->held };

	if (!conn_commit(conn, err))
		return false;
	batch->claim.after = *last;
	tally_add(batch->tally, &done);
	return true;
}

/* What is in flight is given up at the second signal. */
static bool may_go_on(struct batch *batch, struct error *err)
{
	if (stop_level(batch->stop) < STOP_NOW)
		return true;
	fail(err, EXIT_LEFT, "stopped");
	err->fault = FAULT_RETRY;
	return false;
}

/* Holds are reserved before they are committed. */
static bool reserve(struct batch *batch, struct error *err)
{
	tally_unhold(batch->tally, batch->reserved);
	batch->reserved = 0;
	if (!tally_hold(batch->tally, batch->set.held, err))
		return false;
	batch->reserved = batch->set.held;
	return true;
}

static void begin(struct batch *batch)
{
	batch->started_ms = clock_ms();
	batch->seen = 0;
	batch->reserved = 0;
	clear(batch);
}

static void log_batch(struct batch *batch)
{
	const struct writeset *set = &batch->set;

	for (int i = 0; i < batch->named; i++)
		if (tally_tells(batch->tally))
			log_event(LOG_WARNING, "row_held", "run=%lld subscription=%lld reason=%s",
				  (long long)set->run_id, (long long)batch->held[i].subscription_id,
				  batch->held[i].reason);
	log_event(LOG_DEBUG, "batch_committed",
		  "run=%lld bucket=%d claimed=%d outcomes=%d held=%d ms=%lld",
		  (long long)set->run_id, set->bucket, set->claimed, set->closed, set->held,
		  (long long)(clock_ms() - batch->started_ms));
}

/* Ends a batch: what failed is rolled back, and its holds are given back unless it may have been
 * committed all the same. */
static bool end(struct batch *batch, struct conn *conn, bool ok, const struct error *err)
{
	if (!ok) {
		if (err->fault != FAULT_UNKNOWN)
			tally_unhold(batch->tally, batch->reserved);
		conn_rollback(conn);
	} else if (batch->set.claimed > 0) {
		log_batch(batch);
	}
	return ok;
}

static bool work_on(struct batch *batch, struct conn *conn, const struct rows *rows,
		    struct error *err)
{
	struct claim_key last;

	batch->seen = rows_count(rows);
	if (batch->seen == 0) {
		conn_rollback(conn);
		return true;
	}
	return decide_rows(batch, conn, rows, &last, err) && reserve(batch, err) &&
	       may_go_on(batch, err) && writeset_write(&batch->set, conn, err) &&
	       may_go_on(batch, err) && commit(batch, conn, &last, err);
}

bool batch_run(struct batch *batch, struct conn *conn, int most, struct error *err)
{
	struct rows *rows;
	bool ok;

	begin(batch);
	batch->claim.most = most;
	rows = claim_rows(conn, &batch->claim, err);
	ok = rows != NULL && work_on(batch, conn, rows, err);
	rows_free(rows);
	return end(batch, conn, ok, err);
}

/* All that a row needs but the commit, so that whatever refuses it speaks. */
static bool write_row(struct batch *batch, struct conn *conn, const struct claim_key *key,
		      struct error *err)
{
	struct rows *rows = claim_again(conn, &batch->claim, key->subscription_id, err);
	struct claim_key last;
	bool ok = rows != NULL && decide_rows(batch, conn, rows, &last, err) &&
		  reserve(batch, err) && may_go_on(batch, err) &&
		  writeset_write(&batch->set, conn, err) &&
		  conn_execute(conn, QUERY_CHECK_NOW, NULL, err);

	rows_free(rows);
	return ok;
}

static void log_held(struct batch *batch, const struct claim_key *key, const struct error *refusal)
{
	char object[2 * sizeof(refusal->object)];

	if (tally_tells(batch->tally))
		log_event(LOG_WARNING, "row_held",
			  "run=%lld subscription=%lld reason=row_fault sqlstate=%s at=%s",
			  (long long)batch->work->run_id, (long long)key->subscription_id,
			  refusal->sqlstate, log_quote(refusal->object, object, sizeof(object)));
}

/* Instead: puts the row on hold, with what refused it. */
static bool hold_row(struct batch *batch, struct conn *conn, const struct claim_key *key,
		     const struct error *refusal, struct error *err)
{
	clear(batch);
	return conn_execute(conn, QUERY_UNDO_ROW, NULL, err) &&
	       writeset_hold_row(&batch->set, conn, key->subscription_id, refusal, err) &&
	       reserve(batch, err);
}

/* The locked row is done, or goes on hold. */
static bool settle(struct batch *batch, struct conn *conn, const struct claim_key *key,
		   struct error *err)
{
	struct error refusal = { 0 };
	bool written = write_row(batch, conn, key, &refusal);

	if (!written && refusal.fault != FAULT_ROW) {
		*err = refusal;
		return false;
	}
	if (!written && !hold_row(batch, conn, key, &refusal, err))
		return false;
	if (!commit(batch, conn, key, err))
		return false;
	if (!written)
		log_held(batch, key, &refusal);
	return true;
}

/* Leaves a row as it is whose hold is refused too. */
static bool pass_over(struct batch *batch, const struct claim_key *key, struct error *err)
{
	struct error refusal = *err;

	clear(batch);
	batch->claim.after = *key;
	return tally_fail(batch->tally, key->subscription_id, &refusal, err);
}

bool batch_run_one(struct batch *batch, struct conn *conn, struct error *err)
{
	struct claim_key key;
	bool ok;

	begin(batch);
	ok = claim_next(conn, &batch->claim, &batch->seen, &key, err);
	if (ok && batch->seen == 0)
		conn_rollback(conn);
	else if (ok)
		ok = settle(batch, conn, &key, err);
	ok = end(batch, conn, ok, err);
	return ok || (batch->seen > 0 && err->fault == FAULT_ROW && pass_over(batch, &key, err));
}
