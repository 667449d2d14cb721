/* One batch: a transaction that claims due rows, decides them and writes what was decided.
 *
 * It holds row locks and nothing else.  Either all of it is committed, or nothing happened and the
 * rows are due as before: nothing is remembered from a batch that failed. */
#ifndef RUN_BATCH_H
#define RUN_BATCH_H

#include "core/decide.h"
#include "db/claim.h"
#include "db/writeset.h"
#include "run/stop.h"
#include "run/tally.h"

/* What a run is to do. */
struct work {
	int64_t run_id;
	struct policy policy;
	int batch_size;
	int64_t subscription_id;       /* only this one; 0: all that are due */
	const struct rows *lost_zones; /* of lost_time_zones(): the server may take such a name for
					  something else, or fail a whole claim for it */
};

struct batch {
	const struct work *work;
	struct tally *tally;
	struct stop *stop;
	struct claim claim; /* what to claim next; moves on with what was committed */

	/* Of the last batch. */
	int seen; /* rows that were claimed, also by one that failed; 0: there were none */
	struct writeset set;
	int reserved; /* holds, of the tally */
	int named;    /* rows that a rule put on hold: the first of them, for the log */
	struct {
		int64_t subscription_id;
		const char *reason;
	} held[TALLY_TOLD_MAX];
	int64_t started_ms;
};

/* Ready for its first batch. */
void batch_init(struct batch *batch, const struct work *work, struct tally *tally,
		struct stop *stop);

void batch_release(struct batch *batch);

/* Goes to the beginning of a bucket. */
void batch_enter(struct batch *batch, int16_t bucket);

/* Works on the next rows, at most so many: committed on success, otherwise rolled back. */
bool batch_run(struct batch *batch, struct conn *conn, int most, struct error *err) MUST_CHECK;

/* Works on the next row alone.  One that the server refuses is put on hold, under the lock under
 * which it was refused; one whose hold is refused too is passed over and counted as failed. */
bool batch_run_one(struct batch *batch, struct conn *conn, struct error *err) MUST_CHECK;

#endif
