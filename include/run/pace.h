/* The pace of a run: at most so many rows a second, all its workers together.  Safe to use from
 * several threads. */
#ifndef RUN_PACE_H
#define RUN_PACE_H

#include <pthread.h>
#include <stdint.h>

struct pace {
	int rows_per_second; /* 0: as many as there are */

	pthread_mutex_t lock; /* of all that follows */
	int64_t free_us;      /* when what was taken so far has had its time */
};

void pace_init(struct pace *pace, int rows_per_second);
void pace_release(struct pace *pace);

/* Takes so many rows, now by clock_ms(); returns for how many milliseconds to wait before working
 * on them.  Time in which nothing was taken is not made up for. */
int64_t pace_take(struct pace *pace, int rows, int64_t now_ms);

/* Gives back what was taken and not needed. */
void pace_give_back(struct pace *pace, int rows);

#endif
