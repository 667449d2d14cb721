/* Stopping: a level that only rises, and sleep that ends with it. */
#include "run/stop.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

void stop_init(struct stop *stop)
{
	pthread_condattr_t attributes;

	*stop = (struct stop){ 0 };
	pthread_mutex_init(&stop->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&stop->raised, &attributes);
	pthread_condattr_destroy(&attributes);
}

void stop_release(struct stop *stop)
{
	pthread_cond_destroy(&stop->raised);
	pthread_mutex_destroy(&stop->lock);
}

static void raise_level(struct stop *stop, enum stop_level level, const char *reason)
{
	if (stop->level == STOP_NOT)
		snprintf(stop->reason, sizeof(stop->reason), "%s", reason);
	if (stop->level < level)
		stop->level = level;
	pthread_cond_broadcast(&stop->raised);
}

void stop_request(struct stop *stop, enum stop_level level, const char *reason)
{
	pthread_mutex_lock(&stop->lock);
	stop->asked = true;
	raise_level(stop, level, reason);
	pthread_mutex_unlock(&stop->lock);
}

void stop_at_limit(struct stop *stop, const char *reason)
{
	pthread_mutex_lock(&stop->lock);
	raise_level(stop, STOP_SOON, reason);
	pthread_mutex_unlock(&stop->lock);
}

bool stop_asked(struct stop *stop)
{
	bool asked;

	pthread_mutex_lock(&stop->lock);
	asked = stop->asked;
	pthread_mutex_unlock(&stop->lock);
	return asked;
}

void stop_fail(struct stop *stop, const struct error *err)
{
	pthread_mutex_lock(&stop->lock);
	if (stop->err.code == EXIT_DONE)
		stop->err = *err;
	raise_level(stop, STOP_SOON, err->code == EXIT_LIMIT ? "max_held" : "failure");
	pthread_mutex_unlock(&stop->lock);
}

enum stop_level stop_level(struct stop *stop)
{
	enum stop_level level;

	pthread_mutex_lock(&stop->lock);
	level = stop->level;
	pthread_mutex_unlock(&stop->lock);
	return level;
}

void stop_reason(struct stop *stop, char reason[STOP_REASON_SIZE])
{
	pthread_mutex_lock(&stop->lock);
	memcpy(reason, stop->reason, STOP_REASON_SIZE);
	pthread_mutex_unlock(&stop->lock);
}

void stop_sleep(struct stop *stop, int64_t ms, enum stop_level level)
{
	struct timespec until = clock_after_ms(ms);
	int ended = 0;

	pthread_mutex_lock(&stop->lock);
	while (stop->level < level && ended == 0)
		ended = pthread_cond_timedwait(&stop->raised, &stop->lock, &until);
	pthread_mutex_unlock(&stop->lock);
}
