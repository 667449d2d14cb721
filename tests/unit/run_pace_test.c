/* The pace: how long rows wait for their turn. */
#include "run/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW 5000

static void without_a_limit_nothing_waits(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pace_take(&pace, 10000, NOW), 0);
	pace_give_back(&pace, 10000);
	pace_release(&pace);
}

static void what_comes_next_waits_for_what_was_taken(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 200);
	assert_int_equal(pace_take(&pace, 100, NOW), 0);
	assert_int_equal(pace_take(&pace, 20, NOW), 500);
	assert_int_equal(pace_take(&pace, 200, NOW + 100), 500);
	assert_int_equal(pace_take(&pace, 1, NOW + 1600), 0);
	pace_release(&pace);
}

static void what_was_not_needed_is_given_back(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 1000);
	assert_int_equal(pace_take(&pace, 1000, NOW), 0);
	pace_give_back(&pace, 990);
	assert_int_equal(pace_take(&pace, 1000, NOW), 10);
	pace_release(&pace);
}

static void time_that_passed_is_not_made_up_for(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 10);
	assert_int_equal(pace_take(&pace, 10, NOW), 0);
	assert_int_equal(pace_take(&pace, 10, NOW + 60000), 0);
	assert_int_equal(pace_take(&pace, 10, NOW + 60000), 1000);
	pace_release(&pace);
}

static void parts_of_a_millisecond_count(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 3000);
	for (int i = 0; i < 3000; i++)
		pace_take(&pace, 1, NOW);
	/* A third of a microsecond is lost with each. */
	assert_int_equal(pace_take(&pace, 1, NOW), 999);
	pace_release(&pace);
}

int main(void)
{
	const struct CMUnitTest test[] = {
		cmocka_unit_test(without_a_limit_nothing_waits),
		cmocka_unit_test(what_comes_next_waits_for_what_was_taken),
		cmocka_unit_test(what_was_not_needed_is_given_back),
		cmocka_unit_test(time_that_passed_is_not_made_up_for),
		cmocka_unit_test(parts_of_a_millisecond_count),
	};

	return cmocka_run_group_tests_name("pace", test, NULL, NULL);
}
