/* One batch: a transaction that claims due rows, decides them and writes what was decided.
 *
 * It goes through a lot: buckets that have few due rows are done together, one that has many in
 * several batches.  It holds row locks and nothing else.  Either all of it is committed, or nothing
 * happened and the rows are due as before: nothing is remembered from a batch that failed. */
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

/* Buckets that a worker goes through, in order. */
struct lot {
	const int16_t *bucket;
	int buckets;
};

/* A place in a lot: after a row in one of its buckets; at its end, bucket is the number of them. */
struct place {
	int bucket;
	struct claim_key after;
};

struct batch {
	const struct work *work;
	struct tally *tally;
	struct stop *stop;
	struct lot lot;
	struct place next; /* where to go on; moves with what was committed */

	/* Of the last batch. */
	int seen; /* rows that were claimed, also by one that failed; 0: there were none */
	struct work_done done;
	struct claim claim;
	struct writeset set; /* of the bucket that it came to */
	int reserved;        /* holds, of the tally */
	int named;           /* rows that a rule put on hold: the first of them, for the log */
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

/* Goes to the beginning of a lot, whose buckets are borrowed. */
void batch_enter(struct batch *batch, const struct lot *lot);

/* Whether the end of the lot was not reached. */
bool batch_has_more(const struct batch *batch);

/* Works on the next rows, at most so many: committed on success, otherwise rolled back.  A bucket
 * is done once it gives fewer rows than it was asked for: those that changed while they were being
 * locked drop out of an answer, and are the next pass's. */
bool batch_run(struct batch *batch, struct conn *conn, int most, struct error *err) MUST_CHECK;

/* Works on the next row alone.  One that the server refuses is put on hold, under the lock under
 * which it was refused; one whose hold is refused too is passed over and counted as failed. */
bool batch_run_one(struct batch *batch, struct conn *conn, struct error *err) MUST_CHECK;

#endif
