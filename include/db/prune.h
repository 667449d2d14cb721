/* Deleting notification jobs that were finished long ago. */
#ifndef DB_PRUNE_H
#define DB_PRUNE_H

#include "db/conn.h"

struct pruned {
	int64_t done;
	int64_t dead; /* given up after their last attempt */
};

/* Deletes the jobs that were finished before an instant and whose boundary is not later than the
 * clock, in short transactions: what was deleted stays so after a failure, and *pruned counts it.
 * A row of perennial.pruning says so beforehand. */
bool prune_jobs(struct conn *conn, int64_t before_us, int64_t clock_us, struct pruned *pruned,
		struct error *err) MUST_CHECK;

#endif
