/* The clock of this host, for durations only: what is due is decided by the server's clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment; never goes back. */
int64_t clock_ms(void);

#endif
