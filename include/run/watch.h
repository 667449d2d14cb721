/* Signals and the deadline of a run, seen by a thread of their own.
 *
 * The first SIGTERM or SIGINT, or the deadline, stops after the batch in flight; the second signal
 * also without it; a third ends the process.  All of them are safe: what is not committed is rolled
 * back. */
#ifndef RUN_WATCH_H
#define RUN_WATCH_H

#include "run/stop.h"

struct watch {
	struct stop *stop;
	int64_t deadline_ms;           /* from now on; 0: none */
	void (*cancel)(void *subject); /* called at the second signal */
	void *subject;
	pthread_t thread;
};

/* Begins.  Threads that are started from now on leave the signals to it.  False when there can be
 * no thread. */
bool watch_begin(struct watch *watch, struct error *err) MUST_CHECK;

/* Ends; signals that come later are left pending. */
void watch_end(struct watch *watch);

#endif
