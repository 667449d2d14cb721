/* The tally of a run: what its workers did, and what they may still do.  Safe to use from several
 * threads.  After a commit of unknown fate it may be too high or too low: the rows of batch in the
 * database are the truth. */
#ifndef RUN_TALLY_H
#define RUN_TALLY_H

#include "base/error.h"

#include <pthread.h>
#include <stdint.h>

struct work_done {
	int64_t batches;
	int64_t claimed;   /* one that is very far behind is claimed several times … */
	int64_t continued; /* … these count how often beyond the first */
	int64_t outcomes;
	int64_t held;
};

/* So many rows that were refused are named in the log, of those on hold and of those that failed.
 */
#define TALLY_TOLD_MAX 20

struct failed_row {
	int64_t subscription_id;
	char sqlstate[6];
	char object[128];
};

struct failures {
	int64_t rows;
	struct failed_row row[TALLY_TOLD_MAX]; /* the first of them */
};

struct tally {
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t settled_more;
	int64_t limit;    /* claims at most; 0: no limit */
	int64_t reserved; /* of these; also what a batch in flight may claim */
	int64_t settled;  /* of these; claimed for good */
	int64_t max_held; /* rows newly on hold, or failed, at most; 0: no limit */
	int64_t refused;  /* of these; also what a batch in flight is going to hold */
	int64_t told;     /* rows on hold that were named in the log */
	struct work_done done;
	struct failures
		failing; /* rows that the server refused, and their hold too: of this pass … */
	struct failures failures; /* … and of the last one that was whole */
};

void tally_init(struct tally *tally, int64_t limit, int64_t max_held);
void tally_release(struct tally *tally);

/* Reserves claims: as many as wanted, or what the limit leaves.  Where that is nothing, waits for
 * the batches in flight, which may not use what they reserved.  0 at the limit. */
int tally_take(struct tally *tally, int wanted);

/* Of the claims that were reserved, so many were used; the others are given back. */
void tally_settle(struct tally *tally, int reserved, int used);

/* Whether the limit leaves any. */
bool tally_has_room(struct tally *tally);

/* Reserves holds.  False, with EXIT_LIMIT, if there would be too many. */
bool tally_hold(struct tally *tally, int rows, struct error *err) MUST_CHECK;

/* Gives back those of a batch that was rolled back. */
void tally_unhold(struct tally *tally, int rows);

/* Adds a batch that was committed. */
void tally_add(struct tally *tally, const struct work_done *batch);

/* What is done so far. */
struct work_done tally_done(struct tally *tally);

/* A row failed, because of *refusal; false, with EXIT_LIMIT, if too many were refused. */
bool tally_fail(struct tally *tally, int64_t subscription_id, const struct error *refusal,
		struct error *err) MUST_CHECK;

/* A new pass tries the failed rows again.  Returns how many batches were committed so far. */
int64_t tally_begin_pass(struct tally *tally);

/* What failed in a whole pass is what failed.  One that was stopped may not have come to all of it.
 */
void tally_end_pass(struct tally *tally, bool whole);

/* Whether one more row on hold is to be named in the log. */
bool tally_tells(struct tally *tally);

#endif
