/* Periods: what is read as one, and from which day to which it goes. */
#include "report/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void a_period_goes_from_its_first_day_to_before_the_first_of_the_next(void **state)
{
	static const struct {
		const char *text, *from, *to;
	} row[] = {
		{ "2026-10", "2026-10-01", "2026-11-01" },
		{ "2026-12", "2026-12-01", "2027-01-01" },
		{ "2024-02", "2024-02-01", "2024-03-01" },
		{ "2026", "2026-01-01", "2027-01-01" },
		{ "2026-Q1", "2026-01-01", "2026-04-01" },
		{ "2026-Q4", "2026-10-01", "2027-01-01" },
		{ "1900", "1900-01-01", "1901-01-01" },
		{ "2999-12", "2999-12-01", "3000-01-01" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct period period;
		struct error err = { 0 };

		assert_true(period_parse(row[i].text, &period, &err));
		assert_string_equal(period.from, row[i].from);
		assert_string_equal(period.to, row[i].to);
	}
}

static void anything_else_is_no_period(void **state)
{
	static const char *const text[] = {
		"",           "2026-",    "2026-1",   "2026-13",  "2026-00",
		"2026-Q0",    "2026-Q5",  "2026-q1",  "2026Q1",   "26-10",
		"2026-10-01", " 2026-10", "2026-10 ", "202610",   "20261",
		"-2026-10",   "+2026-10", "2026-1O",  "last",     "1899",
		"1899-12",    "3000",     "3000-01",  "2026-Q10", "2026-\xc2\xb2",
		"2026/10",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		struct period period;
		struct error err = { 0 };

		assert_false(period_parse(text[i], &period, &err));
		assert_int_equal(err.code, EXIT_USAGE);
	}
}

static void two_dates_are_a_period_when_the_first_is_earlier(void **state)
{
	static const struct {
		const char *from, *to;
		bool ok;
	} row[] = {
		{ "2026-10-01", "2026-10-02", true },   { "2024-02-29", "2026-01-01", true },
		{ "1900-01-01", "3000-01-01", true },   { "2026-10-01", "2026-10-01", false },
		{ "2026-10-02", "2026-10-01", false },  { "2026-02-29", "2026-10-01", false },
		{ "2026-10-01", "2026-10-32", false },  { "2026-10", "2026-11", false },
		{ "1899-12-31", "2026-10-01", false },  { "2026-10-01", "3001-01-01", false },
		{ "2026-10-01T00:00", "2027", false },  { "2026-10-01", NULL, false },
		{ NULL, "2026-10-01", false },          { "", "2026-10-01", false },
		{ "2026-10-01", "2026-10-02 ", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct period period;
		struct error err = { 0 };

		assert_int_equal(period_between(row[i].from, row[i].to, &period, &err), row[i].ok);
		if (!row[i].ok)
			assert_int_equal(err.code, EXIT_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest test[] = {
		cmocka_unit_test(a_period_goes_from_its_first_day_to_before_the_first_of_the_next),
		cmocka_unit_test(anything_else_is_no_period),
		cmocka_unit_test(two_dates_are_a_period_when_the_first_is_earlier),
	};

	return cmocka_run_group_tests(test, NULL, NULL);
}
