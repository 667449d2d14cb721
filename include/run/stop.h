/* Stopping: what every worker looks at before its next batch, and while it waits.  Safe to use from
 * several threads. */
#ifndef RUN_STOP_H
#define RUN_STOP_H

#include "base/error.h"

#include <pthread.h>
#include <stdint.h>

#define STOP_REASON_SIZE 16

enum stop_level {
	STOP_NOT,
	STOP_SOON,  /* after the batch in flight */
	STOP_NOW,   /* without it */
	STOP_NEVER, /* is not raised: who waits for it is not disturbed */
};

struct stop {
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t raised;
	enum stop_level level;
	bool asked; /* by somebody who waits for the end */
	char reason[STOP_REASON_SIZE];
	struct error err; /* of the worker that failed first; code 0: none */
};

void stop_init(struct stop *stop);
void stop_release(struct stop *stop);

/* Asks everybody to stop: a signal, or the deadline.  The first reason stays, the level only rises.
 */
void stop_request(struct stop *stop, enum stop_level level, const char *reason);

/* A limit is reached: everybody stops after the batch in flight, and nobody waits for it. */
void stop_at_limit(struct stop *stop, const char *reason);

/* Whether it was requested. */
bool stop_asked(struct stop *stop);

/* A worker failed: the others stop after their batch. */
void stop_fail(struct stop *stop, const struct error *err);

enum stop_level stop_level(struct stop *stop);

/* Copies the first reason; empty where nobody asked. */
void stop_reason(struct stop *stop, char reason[STOP_REASON_SIZE]);

/* Sleeps for so long, or until the level is reached. */
void stop_sleep(struct stop *stop, int64_t ms, enum stop_level level);

#endif
