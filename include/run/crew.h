/* The crew of a run: its workers, and the passes that they make over the buckets.
 *
 * A pass takes each bucket that has work once, those with few due rows in lots that fill one batch
 * together: a commit costs more than a few rows do.  A keyset leads through a bucket: a batch never
 * looks again at rows before it, so that a run stays linear while an old snapshot keeps dead rows
 * alive.  What was stepped past (locked by others, or failed) is tried again in the next pass; when
 * a whole pass commits nothing there is nothing more to do.
 *
 * The programs of several hosts share the work in the same way as the workers of one: by the locks
 * of rows, without knowing of each other. */
#ifndef RUN_CREW_H
#define RUN_CREW_H

#include "db/buckets.h"
#include "run/batch.h"
#include "run/pace.h"
#include "run/recovery.h"

#define WORKERS_MAX 64

struct crew {
	const char *conninfo;
	const struct session *session;
	struct work work;
	struct tally tally;
	struct stop stop;
	struct pace pace;
	int64_t retry_for_ms;    /* budget of each worker's recovery */
	struct rows *lost_zones; /* asked for once, before the first claim */

	pthread_mutex_t lock; /* of all that follows */
	bool working;         /* statements may be cancelled */
	struct conn *conn[WORKERS_MAX];
	struct bucket_work found; /* in this pass */
	struct lot lot[BUCKETS];  /* the same; those before next_lot are taken */
	int lots;
	int next_lot;
};

/* Ready to run; the first worker works on the connection given, which stays the caller's. */
void crew_init(struct crew *crew, struct conn *conn);

void crew_release(struct crew *crew);

/* Works, with so many workers at most, until nothing can be claimed or it is time to stop.  What
 * was committed is in the tally also when it fails. */
bool crew_run(struct crew *crew, int workers, struct error *err) MUST_CHECK;

/* Has the server end what the workers' statements are doing, and what is done on the first
 * connection before them.  For another thread. */
void crew_cancel(struct crew *crew);

/* What is done from here on is not cancelled: it tells what was done. */
void crew_rest(struct crew *crew);

/* The next lot of the pass; false when there is no more. */
bool crew_next_lot(struct crew *crew, struct lot *lot);

#endif
