/* A worker: walks the buckets that have work, batch by batch, until a whole pass commits nothing.
 *
 * A keyset leads through each bucket: a batch never looks again at rows before it, so that a run
 * stays linear while an old snapshot keeps dead rows alive.  What was stepped past (locked by
 * others) is tried again in the next pass. */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "core/decide.h"
#include "db/batch_store.h"

struct work {
	int64_t run_id;
	struct policy policy;
	struct time_limits limits;
	int batch_size;
	int64_t limit;           /* subscriptions to claim at most; 0: no limit */
	int64_t subscription_id; /* only this one; 0: all that are due */
};

struct work_done {
	int64_t batches;
	int64_t claimed;
	int64_t outcomes;
	int64_t held;
};

/* Works on a connection of its own until nothing can be claimed or the limit is reached.  What was
 * committed is counted in *done also when it fails. */
bool worker_run(struct conn *conn, const struct work *work, struct work_done *done,
		struct error *err) MUST_CHECK;

#endif
