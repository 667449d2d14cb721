/* One batch: a transaction that claims due rows, decides them and writes what was decided.
 *
 * It holds row locks and nothing else.  Either all of it is committed, or nothing happened and the
 * rows are due as before: nothing is remembered from a batch that failed. */
#ifndef RUN_BATCH_H
#define RUN_BATCH_H

#include "core/decide.h"
#include "db/claim.h"
#include "db/writeset.h"

/* What a run is to do. */
struct work {
	int64_t run_id;
	struct policy policy;
	int batch_size;
	int64_t limit;           /* claims at most; 0: no limit */
	int64_t subscription_id; /* only this one; 0: all that are due */
};

struct batch {
	const struct work *work;
	struct claim claim;      /* what to claim next; moves on with each batch */
	struct rows *lost_zones; /* asked for once, before the first claim */

	/* Of the last batch. */
	struct writeset set; /* its counts are 0 when nothing could be claimed */
	int unfinished;      /* rows that are still due: too far behind for one claim */
};

/* Ready for its first batch. */
void batch_init(struct batch *batch, const struct work *work);

void batch_release(struct batch *batch);

/* Runs one batch on the connection: committed on success, otherwise rolled back. */
bool batch_run(struct batch *batch, struct conn *conn, struct error *err) MUST_CHECK;

#endif
