/* The period of a report. */
#include "report/period.h"
#include "base/instant.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FIRST_YEAR 1900
#define LAST_YEAR  2999

static bool is_shaped(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++, text++)
		if (*shape == '9' ? !isdigit((unsigned char)*text) : *text != *shape)
			return false;
	return *text == '\0';
}

static int number(const char *digits)
{
	int n = 0;

	for (; isdigit((unsigned char)*digits); digits++)
		n = 10 * n + (*digits - '0');
	return n;
}

/* Writes the first day of a month that is counted from the year 0. */
static void first_day(int month, char date[DATE_TEXT_SIZE])
{
	snprintf(date, DATE_TEXT_SIZE, "%04u-%02u-01", (unsigned)(month / 12) % 10000U,
		 (unsigned)(month % 12) + 1);
}

bool period_parse(const char *text, struct period *period, struct error *err)
{
	int first = -1, months = 0;

	if (is_shaped(text, "9999")) {
		first = 0;
		months = 12;
	} else if (is_shaped(text, "9999-Q9")) {
		first = 3 * (number(text + 6) - 1);
		months = 3;
	} else if (is_shaped(text, "9999-99")) {
		first = number(text + 5) - 1;
		months = 1;
	}
	if (first < 0 || first > 11) {
		fail(err, EXIT_USAGE, "--period: \"%s\" is not a period", text);
		return fail_hint(err, "write it like 2026-10, 2026-Q4 or 2026, or give two dates "
				      "with --from and --to");
	}
	first += 12 * number(text);
	if (first < 12 * FIRST_YEAR || first >= 12 * (LAST_YEAR + 1))
		return fail(err, EXIT_USAGE, "--period: %s is not within the years %d to %d", text,
			    FIRST_YEAR, LAST_YEAR);
	first_day(first, period->from);
	first_day(first + months, period->to);
	return true;
}

static bool set_date(const char *option, const char *text, char date[DATE_TEXT_SIZE],
		     struct error *err)
{
	int64_t ignored;

	if (!is_shaped(text, "9999-99-99") || !instant_parse(text, &ignored)) {
		fail(err, EXIT_USAGE, "%s: \"%s\" is not a date", option, text);
		return fail_hint(err, "write it like 2026-10-01");
	}
	memcpy(date, text, DATE_TEXT_SIZE);
	return true;
}

bool period_between(const char *from, const char *to, struct period *period, struct error *err)
{
	if (from == NULL || to == NULL)
		return fail(err, EXIT_USAGE, "--from and --to are given together");
	if (!set_date("--from", from, period->from, err) || !set_date("--to", to, period->to, err))
		return false;
	if (number(from) < FIRST_YEAR || number(to) > LAST_YEAR + 1)
		return fail(err, EXIT_USAGE, "--from and --to are not within the years %d to %d",
			    FIRST_YEAR, LAST_YEAR);
	if (strcmp(period->from, period->to) >= 0) {
		fail(err, EXIT_USAGE, "--from %s is not before --to %s", from, to);
		return fail_hint(err, "--to is the first day that does not belong to the period");
	}
	return true;
}
