/* Progress: the line that says how far a run has come. */
#include "cmd/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

struct row {
	struct progress_count count;
	int64_t total, passed_ms;
	const char *text;
};

static void reads(const struct row *row, size_t rows)
{
	char text[PROGRESS_TEXT_SIZE];

	for (size_t i = 0; i < rows; i++)
		assert_string_equal(
			progress_text(&row[i].count, row[i].total, row[i].passed_ms, text),
			row[i].text);
}

#define READS(row) reads(row, sizeof(row) / sizeof((row)[0]))

static void it_tells_done_total_holds_rate_and_time_left(void **state)
{
	static const struct row row[] = {
		{ { 12400, 3 },
		  19832,
		  6000,
		  "12 400 of about 19 832 due, 3 on hold, 2 066/s, 4 s left" },
		{ { 1000, 0 }, 2000, 4000, "1 000 of about 2 000 due, 250/s, 5 s left" },
	};

	(void)state;
	READS(row);
}

static void what_is_not_known_is_left_out(void **state)
{
	static const struct row row[] = {
		{ { 0, 0 }, 5, 0, "0 of about 5 due" },
		{ { 0, 0 }, 5, 60000, "0 of about 5 due" },
		{ { 1200, 0 }, 0, 1000, "1 200 done, 1 200/s" },
		{ { 1200, 0 }, 0, 60000, "1 200 done, 20/s" },
		{ { 1, 1 }, 0, 60000, "1 done, 1 on hold" },
	};

	(void)state;
	READS(row);
}

static void time_left_is_told_once_it_means_something(void **state)
{
	static const struct row row[] = {
		{ { 100, 0 }, 200, 2999, "100 of about 200 due, 33/s" },
		{ { 100, 0 }, 200, 3000, "100 of about 200 due, 33/s, 4 s left" },
		{ { 200, 0 }, 200, 9000, "200 of about 200 due, 22/s" },
		{ { 201, 0 }, 200, 9000, "201 of about 200 due, 22/s" },
	};

	(void)state;
	READS(row);
}

static void long_times_are_told_in_minutes_and_hours(void **state)
{
	static const struct row row[] = {
		{ { 1, 0 }, 120, 1000 * 3, "1 of about 120 due, 5 min left" },
		{ { 10, 0 }, 128, 10000, "10 of about 128 due, 1/s, 119 s left" },
		{ { 10, 0 }, 129, 10000, "10 of about 129 due, 1/s, 2 min left" },
		{ { 10, 0 }, 7208, 10000, "10 of about 7 208 due, 1/s, 119 min left" },
		{ { 10, 0 }, 7209, 10000, "10 of about 7 209 due, 1/s, 2 h left" },
	};

	(void)state;
	READS(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_tells_done_total_holds_rate_and_time_left),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(time_left_is_told_once_it_means_something),
		cmocka_unit_test(long_times_are_told_in_minutes_and_hours),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
