/* A worker: takes a lot of buckets, goes through it batch by batch, takes the next.
 *
 * What a batch fails of decides what comes next: rows that the server refuses are found by halving
 * and put on hold, too slow a batch is made smaller, a conflict or a lost connection is tried again
 * within a budget.  Anything else ends the run. */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "run/crew.h"

/* Works through lots until the pass has no more, on a connection that is the worker's alone for
 * that time.  True also when it is time to stop. */
bool worker_run(struct crew *crew, struct conn *conn, struct error *err) MUST_CHECK;

#endif
