/* Points at which a test build kills itself. */
#include "base/fault_point.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FAULT_POINTS

void fault_point(const char *when, const char *statement)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static long passed;
	const char *kill_at = getenv("PERENNIAL_KILL_AT"), *path = getenv("PERENNIAL_POINTS");
	FILE *points;

	pthread_mutex_lock(&lock);
	passed++;
	points = path != NULL ? fopen(path, "a") : NULL;
	if (points != NULL) {
		fprintf(points, "%ld %s %s\n", passed, when, statement);
		fclose(points);
	}
	if (kill_at != NULL && atol(kill_at) == passed)
		raise(SIGKILL);
	pthread_mutex_unlock(&lock);
}

#endif
