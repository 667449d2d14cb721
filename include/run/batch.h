/* One batch: a transaction that claims due rows, decides them and writes what was decided.
 *
 * It holds row locks and nothing else.  Either all of it is committed, or nothing happened and the
 * rows are due as before: nothing is remembered from a batch that failed. */
#ifndef RUN_BATCH_H
#define RUN_BATCH_H

#include "db/batch_store.h"

struct batch {
	int64_t run_id;
	struct policy policy;
	struct time_limits limits;
	struct claim claim; /* what to claim next; moves on with each batch */
	struct writeset set;

	/* Of the last batch. */
	int claimed;
	int held;
	int outcomes;
};

void batch_release(struct batch *batch);

/* Runs one batch on the connection, on success committed, otherwise rolled back.  claimed is 0 when
 * nothing could be claimed: nothing is due after the keyset, or others hold the locks. */
bool batch_run(struct batch *batch, struct conn *conn, struct error *err) MUST_CHECK;

#endif
