/* The clock of this host: the one file that reads it. */
#include "base/clock.h"

/* 2000-01-01, where instants are counted from, on CLOCK_REALTIME. */
#define YEAR_2000_S INT64_C(946684800)

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t)now.tv_sec - YEAR_2000_S) * 1000000 + now.tv_nsec / 1000;
}

struct timespec clock_after_ms(int64_t ms)
{
	int64_t then_ms = clock_ms() + ms;

	return (struct timespec){ .tv_sec = (time_t)(then_ms / 1000),
				  .tv_nsec = (long)(then_ms % 1000) * 1000000 };
}
