/* Instants: what is read as a time, what is not, and how they are written. */
#include "base/instant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void a_time_is_read_as_utc_unless_it_says_otherwise(void **state)
{
	static const struct {
		const char *text, *utc;
	} row[] = {
		{ "2000-01-01", "2000-01-01T00:00:00Z" },
		{ "2024-02-29", "2024-02-29T00:00:00Z" },
		{ "2026-11-23T02:00", "2026-11-23T02:00:00Z" },
		{ "2026-11-23 02:03:04", "2026-11-23T02:03:04Z" },
		{ "2026-11-23T02:03:04Z", "2026-11-23T02:03:04Z" },
		{ "2026-11-23T02:03:04.5Z", "2026-11-23T02:03:04.5Z" },
		{ "2026-11-23T02:03:04.000001Z", "2026-11-23T02:03:04.000001Z" },
		{ "2026-11-23T02:00+01:00", "2026-11-23T01:00:00Z" },
		{ "2026-11-23T02:00-0330", "2026-11-23T05:30:00Z" },
		{ "2026-12-31T23:30-01", "2027-01-01T00:30:00Z" },
		{ "1999-12-31T23:59:59.999999Z", "1999-12-31T23:59:59.999999Z" },
		{ "1900-03-01", "1900-03-01T00:00:00Z" },
		{ "3000-01-01", "3000-01-01T00:00:00Z" },
		{ "9999-12-31", "9999-12-31T00:00:00Z" },
	};
	char text[INSTANT_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_true(instant_parse(row[i].text, &us));
		assert_string_equal(instant_format(us, text), row[i].utc);
	}
}

static void anything_else_is_no_time(void **state)
{
	static const char *const text[] = {
		"",
		"now",
		"infinity",
		"yesterday",
		"2024",
		"2024-02",
		"2024-2-29",
		"2024-02-30",
		"2023-02-29",
		"1900-02-29",
		"2024-13-01",
		"2024-00-01",
		"2024-01-00",
		"2024-04-31",
		"0000-01-01",
		"2024-01-01T",
		"2024-01-01T24:00",
		"2024-01-01T12:60",
		"2024-01-01T12:00:60",
		"2024-01-01T12",
		"2024-01-01T12:00:00.",
		"2024-01-01T12:00:00.1234567",
		"2024-01-01T12:00Z ",
		"2024-01-01x",
		"2024-01-01T12:00+",
		"2024-01-01T12:00+1",
		"2024-01-01T12:00+16",
		"2024-01-01T12:00+01:60",
		"2024-01-01T12:00+01:0",
		" 2024-01-01",
		"+2024-01-01",
		"2024-01-01T12:00:00.x",
		"2024/01/01",
		"2024-01-01T1x:00",
		"2024-01-01T12.00",
	};
	int64_t us = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (instant_parse(text[i], &us))
			fail_msg("\"%s\" was read as a time", text[i]);
	assert_int_equal(us, 42);
}

static void the_bounds_are_the_dates_they_are_said_to_be(void **state)
{
	char text[INSTANT_TEXT_SIZE];

	(void)state;
	assert_string_equal(instant_format(INSTANT_AS_OF_MIN, text), "2000-01-01T00:00:00Z");
	assert_string_equal(instant_format(INSTANT_AS_OF_MAX, text), "2999-12-31T23:59:59.999999Z");
	assert_string_equal(instant_format(INSTANT_END_MAX, text), "3000-01-01T00:00:00Z");
}

static void every_day_of_a_thousand_years_is_one_day_after_the_last(void **state)
{
	char text[INSTANT_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (int64_t day = -36524; day < 365243; day++) {
		instant_format(day * INSTANT_PER_DAY, text);
		assert_true(instant_parse(text, &us));
		assert_int_equal(us, day * INSTANT_PER_DAY);
	}
}

static void people_read_the_second_that_an_instant_falls_in(void **state)
{
	static const struct {
		const char *text, *second;
	} row[] = {
		{ "2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z" },
		{ "2024-02-29T12:00:00.999999Z", "2024-02-29T12:00:00Z" },
		{ "1999-12-31T23:59:59.000001Z", "1999-12-31T23:59:59Z" },
		{ "1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z" },
	};
	char text[INSTANT_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_true(instant_parse(row[i].text, &us));
		assert_string_equal(instant_format(instant_to_second(us), text), row[i].second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_read_as_utc_unless_it_says_otherwise),
		cmocka_unit_test(people_read_the_second_that_an_instant_falls_in),
		cmocka_unit_test(anything_else_is_no_time),
		cmocka_unit_test(the_bounds_are_the_dates_they_are_said_to_be),
		cmocka_unit_test(every_day_of_a_thousand_years_is_one_day_after_the_last),
	};

	return cmocka_run_group_tests_name("instant", tests, NULL, NULL);
}
