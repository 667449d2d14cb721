/* The clock of this host: the one file that reads it. */
#include "base/clock.h"

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timespec clock_after_ms(int64_t ms)
{
	int64_t then_ms = clock_ms() + ms;

	return (struct timespec){ .tv_sec = (time_t)(then_ms / 1000),
				  .tv_nsec = (long)(then_ms % 1000) * 1000000 };
}
