/* The clock of this host, for durations and comparison only: what is due is decided by the server's
 * clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment; never goes back. */
int64_t clock_ms(void);

/* What this host takes for the time: microseconds since 2000, as an instant. */
int64_t clock_now_us(void);

/* The moment at which so many milliseconds have passed, on CLOCK_MONOTONIC. */
struct timespec clock_after_ms(int64_t ms);

#endif
