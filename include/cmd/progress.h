/* How far a command that takes long has come: on the terminal, if stderr is one, after a second and
 * four times in each from then on; and to systemd, once a second.
 *
 * A thread of its own looks at what is counted, draws and sends. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include "run/stop.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_TEXT_SIZE 200

struct progress_count {
	int64_t done; /* subscriptions */
	int64_t held; /* of these; newly */
};

struct progress {
	bool quiet;    /* the terminal is spared */
	int64_t total; /* as counted before the start; 0: not known */
	/* Tells what there is, from another thread. */
	void (*look)(void *subject, struct progress_count *count);
	void *subject;

	/* Not the caller's. */
	bool begun;
	struct stop end; /* of the thread's sleep */
	pthread_t thread;
	int64_t started_ms;
};

/* Whether anybody will see it: otherwise a total need not be counted. */
bool progress_wanted(bool quiet);

/* Begins, if anybody will see it. */
void progress_begin(struct progress *progress);

/* Takes it off the terminal.  Also what did not begin may end. */
void progress_end(struct progress *progress);

/* The line after so long, "12 400 of about 19 832 due, 3 on hold, 2 100/s, 4 s left".
 * What is not known, or says nothing yet, is left out.  Returns buffer. */
const char *progress_text(const struct progress_count *count, int64_t total, int64_t passed_ms,
			  char buffer[PROGRESS_TEXT_SIZE]);

#endif
