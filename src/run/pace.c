/* The pace of a run: one queue of moments at which the next rows may be worked on. */
#include "run/pace.h"

void pace_init(struct pace *pace, int rows_per_second)
{
	*pace = (struct pace){ .rows_per_second = rows_per_second };
	pthread_mutex_init(&pace->lock, NULL);
}

void pace_release(struct pace *pace)
{
	pthread_mutex_destroy(&pace->lock);
}

static int64_t time_of(const struct pace *pace, int rows)
{
	return pace->rows_per_second == 0 ? 0 : (int64_t)rows * 1000000 / pace->rows_per_second;
}

int64_t pace_take(struct pace *pace, int rows, int64_t now_ms)
{
	int64_t now_us = now_ms * 1000, wait_us;

	pthread_mutex_lock(&pace->lock);
	if (pace->free_us < now_us)
		pace->free_us = now_us;
	wait_us = pace->free_us - now_us;
	pace->free_us += time_of(pace, rows);
	pthread_mutex_unlock(&pace->lock);
	return (wait_us + 999) / 1000;
}

void pace_give_back(struct pace *pace, int rows)
{
	pthread_mutex_lock(&pace->lock);
	pace->free_us -= time_of(pace, rows);
	pthread_mutex_unlock(&pace->lock);
}
