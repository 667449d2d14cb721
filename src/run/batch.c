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

/* The beginning of one of the lot's buckets. */
static struct place place_before(int bucket)
{
	return (struct place){ bucket, CLAIM_FROM_START };
}

void batch_enter(struct batch *batch, const struct lot *lot)
{
	batch->lot = *lot;
	batch->next = place_before(0);
}

static bool is_inside(const struct batch *batch, const struct place *at)
{
	return at->bucket < batch->lot.buckets;
}

bool batch_has_more(const struct batch *batch)
{
	return is_inside(batch, &batch->next);
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

/* Goes to a place, where nothing was decided yet. */
static void go_to(struct batch *batch, const struct place *at)
{
	batch->claim.bucket = batch->lot.bucket[at->bucket];
	batch->claim.after = at->after;
	writeset_begin(&batch->set, batch->work->run_id, batch->claim.bucket,
		       batch->claim.as_of_us);
}

/* Adds what was written for a bucket to what the batch does. */
static void add_set(struct batch *batch)
{
	const struct writeset *set = &batch->set;

	batch->done.batches++;
	batch->done.claimed += set->claimed;
	batch->done.continued += set->continued;
	batch->done.outcomes += set->closed;
	batch->done.held += set->held;
}

static bool commit(struct batch *batch, struct conn *conn, const struct place *at,
		   struct error *err)
{
	if (!conn_commit(conn, err))
		return false;
	batch->next = *at;
	tally_add(batch->tally, &batch->done);
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

static void give_back(struct batch *batch)
{
	tally_unhold(batch->tally, batch->reserved);
	batch->reserved = 0;
}

/* Holds are reserved before they are committed. */
static bool reserve(struct batch *batch, struct error *err)
{
	if (!tally_hold(batch->tally, batch->set.held, err))
		return false;
	batch->reserved += batch->set.held;
	return true;
}

static void begin(struct batch *batch)
{
	batch->started_ms = clock_ms();
	batch->seen = 0;
	batch->done = (struct work_done){ 0 };
	batch->reserved = 0;
	batch->named = 0;
	batch->claim.begins = true;
}

static void log_batch(struct batch *batch)
{
	const struct work_done *done = &batch->done;

	for (int i = 0; i < batch->named; i++)
		if (tally_tells(batch->tally))
			log_event(LOG_WARNING, "row_held", "run=%lld subscription=%lld reason=%s",
				  (long long)batch->work->run_id,
				  (long long)batch->held[i].subscription_id, batch->held[i].reason);
	log_event(LOG_DEBUG, "batch_committed",
		  "run=%lld buckets=%lld claimed=%lld outcomes=%lld held=%lld ms=%lld",
		  (long long)batch->work->run_id, (long long)done->batches,
		  (long long)done->claimed, (long long)done->outcomes, (long long)done->held,
		  (long long)(clock_ms() - batch->started_ms));
}

/* Ends a batch: what failed is rolled back, and its holds are given back unless it may have been
 * committed all the same. */
static bool end(struct batch *batch, struct conn *conn, bool ok, const struct error *err)
{
	if (!ok) {
		if (err->fault != FAULT_UNKNOWN)
			give_back(batch);
		conn_rollback(conn);
	} else if (batch->done.claimed > 0) {
		log_batch(batch);
	}
	return ok;
}

static bool write_set(struct batch *batch, struct conn *conn, struct error *err)
{
	if (!reserve(batch, err) || !may_go_on(batch, err) ||
	    !writeset_write(&batch->set, conn, err))
		return false;
	add_set(batch);
	return true;
}

static bool work_on(struct batch *batch, struct conn *conn, const struct rows *rows,
		    struct place *at, struct error *err)
{
	batch->seen += rows_count(rows);
	return rows_count(rows) == 0 ||
	       (decide_rows(batch, conn, rows, &at->after, err) && write_set(batch, conn, err));
}

/* At most so many rows of the bucket of a place, which moves on. */
static bool work_in_bucket(struct batch *batch, struct conn *conn, int most, struct place *at,
			   struct error *err)
{
	struct rows *rows;
	bool ok;

	go_to(batch, at);
	batch->claim.most = most;
	rows = claim_rows(conn, &batch->claim, err);
	batch->claim.begins = false;
	ok = rows != NULL && work_on(batch, conn, rows, at, err);
	if (ok && rows_count(rows) < most)
		*at = place_before(at->bucket + 1);
	rows_free(rows);
	return ok;
}

/* Commits, if there was anything to do. */
static bool complete(struct batch *batch, struct conn *conn, const struct place *at,
		     struct error *err)
{
	if (batch->seen > 0)
		return may_go_on(batch, err) && commit(batch, conn, at, err);
	batch->next = *at;
	conn_rollback(conn);
	return true;
}

bool batch_run(struct batch *batch, struct conn *conn, int most, struct error *err)
{
	struct place at = batch->next;
	bool ok = true;

	begin(batch);
	while (ok && batch->seen < most && is_inside(batch, &at))
		ok = work_in_bucket(batch, conn, most - batch->seen, &at, err);
	ok = ok && complete(batch, conn, &at, err);
	return end(batch, conn, ok, err);
}

/* Locks the next row alone and goes after it; to the end of the lot where there is none. */
static bool find_next(struct batch *batch, struct conn *conn, struct place *at, struct error *err)
{
	for (; is_inside(batch, at); *at = place_before(at->bucket + 1)) {
		go_to(batch, at);
		if (!claim_next(conn, &batch->claim, &batch->seen, &at->after, err))
			return false;
		if (batch->seen > 0)
			return true;
		conn_rollback(conn);
	}
	return true;
}

/* All that a row needs but the commit, so that whatever refuses it speaks. */
static bool write_row(struct batch *batch, struct conn *conn, int64_t subscription_id,
		      struct error *err)
{
	struct rows *rows = claim_again(conn, &batch->claim, subscription_id, err);
	struct claim_key last;
	bool ok = rows != NULL && decide_rows(batch, conn, rows, &last, err) &&
		  write_set(batch, conn, err) && conn_execute(conn, QUERY_CHECK_NOW, NULL, err);

	rows_free(rows);
	return ok;
}

static void log_held(struct batch *batch, int64_t subscription_id, const struct error *refusal)
{
	char object[2 * sizeof(refusal->object)];

	if (tally_tells(batch->tally))
		log_event(LOG_WARNING, "row_held",
			  "run=%lld subscription=%lld reason=row_fault sqlstate=%s at=%s",
			  (long long)batch->work->run_id, (long long)subscription_id,
			  refusal->sqlstate, log_quote(refusal->object, object, sizeof(object)));
}

/* Forgets what was decided for a row. */
static void forget(struct batch *batch, const struct place *at)
{
	give_back(batch);
	batch->done = (struct work_done){ 0 };
	batch->named = 0;
	go_to(batch, at);
}

/* Instead: puts the row on hold, with what refused it. */
static bool hold_row(struct batch *batch, struct conn *conn, const struct place *at,
		     const struct error *refusal, struct error *err)
{
	forget(batch, at);
	if (!conn_execute(conn, QUERY_UNDO_ROW, NULL, err) ||
	    !writeset_hold_row(&batch->set, conn, at->after.subscription_id, refusal, err) ||
	    !reserve(batch, err))
		return false;
	add_set(batch);
	return true;
}

/* The locked row is done, or goes on hold. */
static bool settle(struct batch *batch, struct conn *conn, const struct place *at,
		   struct error *err)
{
	int64_t subscription_id = at->after.subscription_id;
	struct error refusal = { 0 };
	bool written = write_row(batch, conn, subscription_id, &refusal);

	if (!written && refusal.fault != FAULT_ROW) {
		*err = refusal;
		return false;
	}
	if (!written && !hold_row(batch, conn, at, &refusal, err))
		return false;
	if (!commit(batch, conn, at, err))
		return false;
	if (!written)
		log_held(batch, subscription_id, &refusal);
	return true;
}

/* Leaves a row as it is whose hold is refused too. */
static bool pass_over(struct batch *batch, const struct place *at, struct error *err)
{
	struct error refusal = *err;

	batch->done = (struct work_done){ 0 };
	batch->next = *at;
	return tally_fail(batch->tally, at->after.subscription_id, &refusal, err);
}

bool batch_run_one(struct batch *batch, struct conn *conn, struct error *err)
{
	struct place at = batch->next;
	bool ok;

	begin(batch);
	ok = find_next(batch, conn, &at, err);
	if (ok && batch->seen == 0)
		batch->next = at;
	else if (ok)
		ok = settle(batch, conn, &at, err);
	ok = end(batch, conn, ok, err);
	return ok || (batch->seen > 0 && err->fault == FAULT_ROW && pass_over(batch, &at, err));
}
