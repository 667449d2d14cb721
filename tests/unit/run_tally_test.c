/* The tally: limits are kept by several threads together. */
#include "run/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define THREADS 8
#define LIMIT   10007
#define HELD    503

static void without_a_limit_each_gets_what_it_wants(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally, 0, 0);
	assert_int_equal(tally_take(&tally, 10000), 10000);
	assert_int_equal(tally_take(&tally, 10000), 10000);
	assert_true(tally_has_room(&tally));
	tally_release(&tally);
}

static void the_limit_leaves_what_others_did_not_take(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally, 10, 0);
	assert_int_equal(tally_take(&tally, 7), 7);
	assert_int_equal(tally_take(&tally, 7), 3);
	assert_false(tally_has_room(&tally));
	tally_settle(&tally, 3, 1);
	assert_true(tally_has_room(&tally));
	assert_int_equal(tally_take(&tally, 7), 2);
	tally_settle(&tally, 7, 7);
	tally_settle(&tally, 2, 2);
	assert_int_equal(tally_take(&tally, 7), 0);
	assert_false(tally_has_room(&tally));
	tally_release(&tally);
}

static void so_many_holds_as_max_held_and_no_more(void **state)
{
	struct tally tally;
	struct error err = { 0 };

	(void)state;
	tally_init(&tally, 0, 3);
	assert_true(tally_hold(&tally, 2, &err));
	assert_false(tally_hold(&tally, 2, &err));
	assert_int_equal(err.code, EXIT_LIMIT);
	assert_true(tally_hold(&tally, 1, &err));
	assert_false(tally_hold(&tally, 1, &err));
	tally_unhold(&tally, 1);
	assert_true(tally_hold(&tally, 1, &err));
	tally_release(&tally);
}

static void a_batch_without_holds_passes_at_any_limit(void **state)
{
	struct tally tally;
	struct error err = { 0 };

	(void)state;
	tally_init(&tally, 0, 1);
	assert_true(tally_hold(&tally, 1, &err));
	assert_true(tally_hold(&tally, 0, &err));
	tally_release(&tally);
}

static void max_held_of_zero_is_no_limit(void **state)
{
	struct tally tally;
	const struct error refusal = { .sqlstate = "23514" };
	struct error err = { 0 };

	(void)state;
	tally_init(&tally, 0, 0);
	assert_true(tally_hold(&tally, 1000000, &err));
	assert_true(tally_fail(&tally, 1, &refusal, &err));
	assert_int_equal(err.code, EXIT_DONE);
	tally_release(&tally);
}

static void failed_rows_count_for_max_held_once_a_pass(void **state)
{
	struct tally tally;
	const struct error refusal = { .sqlstate = "23514" };
	struct error err = { 0 };

	(void)state;
	tally_init(&tally, 0, 3);
	assert_true(tally_hold(&tally, 1, &err));
	assert_true(tally_fail(&tally, 1, &refusal, &err));
	assert_true(tally_fail(&tally, 1, &refusal, &err));
	assert_int_equal(tally.failing.rows, 2);
	assert_int_equal(tally_begin_pass(&tally), 0);
	assert_int_equal(tally.failing.rows, 0);
	assert_true(tally_fail(&tally, 1, &refusal, &err));
	assert_true(tally_fail(&tally, 1, &refusal, &err));
	assert_false(tally_fail(&tally, 1, &refusal, &err));
	assert_int_equal(err.code, EXIT_LIMIT);
	tally_release(&tally);
}

/* So many rows fail in a pass. */
static void pass_of(struct tally *tally, int64_t failing, bool whole)
{
	const struct error refusal = { .sqlstate = "23514" };
	struct error err = { 0 };

	tally_begin_pass(tally);
	for (int64_t id = 1; id <= failing; id++)
		assert_true(tally_fail(tally, id, &refusal, &err));
	tally_end_pass(tally, whole);
}

static void what_failed_in_a_whole_pass_stays_when_the_next_is_stopped(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally, 0, 0);
	pass_of(&tally, 2, true);
	pass_of(&tally, 1, false);
	assert_int_equal(tally.failures.rows, 2);
	assert_int_equal(tally.failures.row[1].subscription_id, 2);
	pass_of(&tally, 3, false);
	assert_int_equal(tally.failures.rows, 3);
	pass_of(&tally, 1, true);
	assert_int_equal(tally.failures.rows, 1);
	tally_release(&tally);
}

static void what_failed_in_a_first_pass_that_is_stopped_counts(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally, 0, 0);
	pass_of(&tally, 25, false);
	assert_int_equal(tally.failures.rows, 25);
	assert_int_equal(tally.failures.row[TALLY_TOLD_MAX - 1].subscription_id, TALLY_TOLD_MAX);
	tally_release(&tally);
}

static void the_first_twenty_rows_are_told(void **state)
{
	struct tally tally;
	int told = 0;

	(void)state;
	tally_init(&tally, 0, 0);
	for (int i = 0; i < 100; i++)
		told += tally_tells(&tally);
	assert_int_equal(told, 20);
	tally_release(&tally);
}

/* Takes, uses some and gives the others back, until nothing is left; then holds until no more may
 * be. */
static void *work(void *argument)
{
	struct tally *tally = argument;
	struct error err = { 0 };
	int granted;

	for (int i = 0; (granted = tally_take(tally, 1 + i % 7)) > 0; i++) {
		const struct work_done batch = {
			.batches = 1, .claimed = (granted + 1) / 2, .outcomes = 2, .continued = 1
		};

		tally_add(tally, &batch);
		tally_settle(tally, granted, (granted + 1) / 2);
	}
	while (tally_hold(tally, 1, &err)) {
		const struct work_done batch = { .held = 1 };

		tally_add(tally, &batch);
	}
	return NULL;
}

static void several_threads_keep_the_limits_together(void **state)
{
	struct tally tally;
	pthread_t thread[THREADS];

	(void)state;
	tally_init(&tally, LIMIT, HELD);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, work, &tally), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_true(tally.done.claimed <= LIMIT);
	assert_int_equal(tally.done.claimed, tally.reserved);
	assert_int_equal(tally.done.outcomes, 2 * tally.done.batches);
	assert_int_equal(tally.done.continued, tally.done.batches);
	assert_int_equal(tally.done.held, HELD);
	assert_int_equal(tally_begin_pass(&tally), tally.done.batches);
	tally_release(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_each_gets_what_it_wants),
		cmocka_unit_test(the_limit_leaves_what_others_did_not_take),
		cmocka_unit_test(so_many_holds_as_max_held_and_no_more),
		cmocka_unit_test(a_batch_without_holds_passes_at_any_limit),
		cmocka_unit_test(max_held_of_zero_is_no_limit),
		cmocka_unit_test(failed_rows_count_for_max_held_once_a_pass),
		cmocka_unit_test(what_failed_in_a_whole_pass_stays_when_the_next_is_stopped),
		cmocka_unit_test(what_failed_in_a_first_pass_that_is_stopped_counts),
		cmocka_unit_test(the_first_twenty_rows_are_told),
		cmocka_unit_test(several_threads_keep_the_limits_together),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
