/* Instants: reading and writing them as UTC text. */
#include "base/instant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNIX_TO_2000 INT64_C(946684800) /* seconds from 1970 to 2000 */

/* Days from 2000-01-01 to a date of the proleptic Gregorian calendar, years from 1 on. */
static int64_t days_to(int year, int month, int day)
{
	/* Counted from March, a leap day is the last of its year. */
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 730425;
}

/* Reads exactly n digits. */
static bool digits(const char **p, int n, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++) {
		char c = (*p)[i];

		if (c < '0' || c > '9')
			return false;
		*value = *value * 10 + (c - '0');
	}
	*p += n;
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool date_part(const char **p, int64_t *days)
{
	int year, month, day, last;

	if (!digits(p, 4, &year) || !literal(p, '-') || !digits(p, 2, &month) || !literal(p, '-') ||
	    !digits(p, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12)
		return false;
	last = (int)(month == 12 ? 31 : days_to(year, month + 1, 1) - days_to(year, month, 1));
	if (day < 1 || day > last)
		return false;
	*days = days_to(year, month, day);
	return true;
}

static bool fraction_part(const char **p, int64_t *us)
{
	int64_t unit = INSTANT_PER_SECOND / 10;

	if (!literal(p, '.'))
		return true;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10) {
		if (unit == 0)
			return false;
		*us += (**p - '0') * unit;
	}
	return true;
}

static bool time_part(const char **p, int64_t *us)
{
	int hour, minute, second = 0;

	*us = 0;
	if (!digits(p, 2, &hour) || !literal(p, ':') || !digits(p, 2, &minute))
		return false;
	if (literal(p, ':') && (!digits(p, 2, &second) || !fraction_part(p, us)))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*us += ((hour * 60 + minute) * 60 + second) * INSTANT_PER_SECOND;
	return true;
}

/* Reads Z, +hh, +hh:mm or +hhmm, or nothing. */
static bool offset_part(const char **p, int64_t *us)
{
	int hours, minutes = 0;
	int sign = **p == '-' ? -1 : 1;

	*us = 0;
	if (**p == '\0' || literal(p, 'Z'))
		return true;
	if (!literal(p, '+') && !literal(p, '-'))
		return false;
	if (!digits(p, 2, &hours))
		return false;
	if (**p != '\0') {
		literal(p, ':');
		if (!digits(p, 2, &minutes))
			return false;
	}
	if (hours > 15 || minutes > 59)
		return false;
	*us = sign * (hours * INT64_C(60) + minutes) * 60 * INSTANT_PER_SECOND;
	return true;
}

bool instant_parse(const char *text, int64_t *instant)
{
	const char *p = text;
	int64_t days, time = 0, offset = 0;

	if (!date_part(&p, &days))
		return false;
	if (*p != '\0') {
		if (!literal(&p, 'T') && !literal(&p, ' '))
			return false;
		if (!time_part(&p, &time) || !offset_part(&p, &offset))
			return false;
	}
	if (*p != '\0')
		return false;
	*instant = days * INSTANT_PER_DAY + time - offset;
	return true;
}

int64_t instant_to_second(int64_t instant)
{
	int64_t fraction = instant % INSTANT_PER_SECOND;

	return instant - (fraction < 0 ? fraction + INSTANT_PER_SECOND : fraction);
}

const char *instant_format(int64_t instant, char buffer[INSTANT_TEXT_SIZE])
{
	int64_t fraction = instant % INSTANT_PER_SECOND;
	bool before = fraction < 0;
	time_t seconds = (time_t)(instant / INSTANT_PER_SECOND - before + UNIX_TO_2000);
	struct tm tm;
	size_t n;

	if (gmtime_r(&seconds, &tm) == NULL) {
		snprintf(buffer, INSTANT_TEXT_SIZE, "infinity");
		return buffer;
	}
	n = (size_t)snprintf(buffer, INSTANT_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d",
			     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			     tm.tm_sec);
	if (before)
		fraction += INSTANT_PER_SECOND;
	if (fraction != 0) {
		n += (size_t)snprintf(buffer + n, INSTANT_TEXT_SIZE - n, ".%06d", (int)fraction);
		while (buffer[n - 1] == '0')
			n--;
	}
	snprintf(buffer + n, INSTANT_TEXT_SIZE - n, "Z");
	return buffer;
}
