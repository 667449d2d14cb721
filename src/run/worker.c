/* A worker: through one lot of buckets after the other. */
#include "run/worker.h"
#include "base/clock.h"

struct worker {
	struct crew *crew;
	struct conn *conn;
	struct batch batch;
	struct recovery recovery;
	int size;  /* of the next batch */
	int quick; /* batches in a row that were not too slow */
};

static bool is_stopping(struct worker *w)
{
	return stop_level(&w->crew->stop) != STOP_NOT;
}

/* Waits until it is the turn of so many rows; reserves as many of the run's limit as it has. */
static int take_rows(struct worker *w, int most)
{
	int64_t wait_ms = pace_take(&w->crew->pace, most, clock_ms());

	if (wait_ms > 0)
		stop_sleep(&w->crew->stop, wait_ms, STOP_SOON);
	return is_stopping(w) ? 0 : tally_take(&w->crew->tally, most);
}

/* One transaction on at most so many rows; alone is for a row that is to be put on hold when it is
 * refused. */
static bool run_batch(struct worker *w, int most, bool alone, struct error *err)
{
	struct tally *tally = &w->crew->tally;
	int granted = take_rows(w, most);
	bool ok;

	w->batch.seen = 0;
	if (granted == 0)
		return true;
	ok = alone ? batch_run_one(&w->batch, w->conn, err)
		   : batch_run(&w->batch, w->conn, granted, err);
	if (ok)
		tally_settle(tally, granted, (int)w->batch.done.claimed);
	else
		tally_settle(tally, granted, err->fault == FAULT_UNKNOWN ? w->batch.seen : 0);
	pace_give_back(&w->crew->pace, most - w->batch.seen);
	return ok;
}

/* Whether fewer rows at a time may help. */
static bool can_be_split(const struct error *err, int most)
{
	return err->fault == FAULT_ROW || (err->fault == FAULT_SHRINK && most > 1);
}

/* The same again and again, until it succeeds or nothing but fewer rows can help.  Nothing is
 * remembered from a batch that failed: its rows are claimed afresh, and their state decides. */
static bool try_batch(struct worker *w, int most, bool alone, struct error *err)
{
	struct error fault;

	while (!is_stopping(w)) {
		if (run_batch(w, most, alone, &fault)) {
			recovery_reset(&w->recovery);
			return true;
		}
		if (stop_level(&w->crew->stop) == STOP_NOW)
			break;
		if (can_be_split(&fault, most) || (!recovery_try(&w->recovery, w->conn, &fault) &&
						   (fault.fault == FAULT_BUG || !is_stopping(w)))) {
			*err = fault;
			return false;
		}
	}
	w->batch.seen = 0;
	return true;
}

/* Works on the next rows.  When they are refused together, each half is tried by itself: k bad ones
 * of n take some 2k log(n/k) transactions. */
static bool run_rows(struct worker *w, int most, struct error *err)
{
	struct error fault;
	int rows;

	if (try_batch(w, most, false, &fault))
		return true;
	if (!can_be_split(&fault, most)) {
		*err = fault;
		return false;
	}
	rows = w->batch.seen > 0 ? w->batch.seen : most;
	if (fault.fault == FAULT_SHRINK) {
		w->size = (rows + 1) / 2;
		w->quick = 0;
	}
	if (rows == 1)
		return try_batch(w, 1, true, err);
	return run_rows(w, (rows + 1) / 2, err) && run_rows(w, rows / 2, err);
}

/* A batch that had to be made smaller may grow again once so many in a row were quick enough: to
 * try costs a timeout. */
#define QUICK_ENOUGH 8

static void grow(struct worker *w)
{
	int most = w->crew->work.batch_size;

	if (w->size == most || ++w->quick < QUICK_ENOUGH)
		return;
	w->size = w->size < most / 2 ? w->size * 2 : most;
	w->quick = 0;
}

/* Goes through the buckets of a lot, each from its oldest due row on.  Nothing is seen at its end,
 * or when it is time to stop. */
static bool walk_lot(struct worker *w, const struct lot *lot, struct error *err)
{
	batch_enter(&w->batch, lot);
	do {
		if (!run_rows(w, w->size, err))
			return false;
		grow(w);
	} while (w->batch.seen > 0 && batch_has_more(&w->batch));
	return true;
}

bool worker_run(struct crew *crew, struct conn *conn, struct error *err)
{
	struct worker w = {
		.crew = crew,
		.conn = conn,
		.recovery = { .budget_ms = crew->retry_for_ms,
			      .stop = &crew->stop,
			      .gives_up_at = STOP_SOON },
		.size = crew->work.batch_size,
	};
	struct lot lot;
	bool ok = true;

	batch_init(&w.batch, &crew->work, &crew->tally, &crew->stop);
	while (ok && !is_stopping(&w) && crew_next_lot(crew, &lot))
		ok = walk_lot(&w, &lot, err);
	batch_release(&w.batch);
	return ok;
}
