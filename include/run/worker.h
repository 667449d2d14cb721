/* A worker: walks the buckets that have work, batch by batch, until a whole pass commits nothing.
 *
 * A keyset leads through each bucket: a batch never looks again at rows before it, so that a run
 * stays linear while an old snapshot keeps dead rows alive.  What was stepped past (locked by
 * others) is tried again in the next pass. */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "run/batch.h"

struct work_done {
	int64_t batches;
	int64_t claimed;    /* one that is very far behind is claimed several times … */
	int64_t unfinished; /* … these count how often beyond the first */
	int64_t outcomes;
	int64_t held;
};

/* Works until nothing can be claimed or the limit is reached.  The connection is the worker's alone
 * for that time.  What was committed is added to *done also when it fails. */
bool worker_run(struct conn *conn, const struct work *work, struct work_done *done,
		struct error *err) MUST_CHECK;

#endif
