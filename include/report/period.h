/* The period of a report: local dates, from the first to before the last. */
#ifndef REPORT_PERIOD_H
#define REPORT_PERIOD_H

#include "base/error.h"

#define DATE_TEXT_SIZE 11

/* "2026-10-01", so that they compare as text. */
struct period {
	char from[DATE_TEXT_SIZE];
	char to[DATE_TEXT_SIZE]; /* exclusive */
};

/* Reads "2026-10", "2026-Q4" or "2026"; false with EXIT_USAGE. */
bool period_parse(const char *text, struct period *period, struct error *err) MUST_CHECK;

/* Reads two dates, the second exclusive; false with EXIT_USAGE, also where one is NULL. */
bool period_between(const char *from, const char *to, struct period *period,
		    struct error *err) MUST_CHECK;

#endif
