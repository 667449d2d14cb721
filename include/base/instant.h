/* Instants: int64 microseconds since 2000-01-01 00:00 UTC, PostgreSQL's own wire value.
 *
 * Only their text in UTC is handled here.  Zones and months belong to the server. */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#define INSTANT_PER_SECOND INT64_C(1000000)
#define INSTANT_PER_DAY    (INT64_C(86400) * INSTANT_PER_SECOND)

/* 2000-01-01 to 2999-12-31T23:59:59.999999Z: what --as-of may say. */
#define INSTANT_AS_OF_MIN INT64_C(0)
#define INSTANT_AS_OF_MAX (INT64_C(365243) * INSTANT_PER_DAY - 1)

/* 3000-01-01: no period ends later; a check of the table says the same. */
#define INSTANT_END_MAX (INT64_C(365243) * INSTANT_PER_DAY)

#define INSTANT_TEXT_SIZE 40

/* Reads "2026-11-23", "2026-11-23T02:00", "2026-11-23 02:00:00.5Z" or "…+01:00"; without an offset
 * it is UTC.  False, and *instant untouched, for anything else: no words, no infinity, no
 * February 30. */
bool instant_parse(const char *text, int64_t *instant);

/* The second that an instant falls in, for text that people read. */
int64_t instant_to_second(int64_t instant);

/* Writes "2026-11-23T02:00:00Z", with a fraction only where there is one.  Returns buffer. */
const char *instant_format(int64_t instant, char buffer[INSTANT_TEXT_SIZE]);

#endif
