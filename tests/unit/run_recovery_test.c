/* Recovery: which faults are waited for, how long, and until when. */
#define _XOPEN_SOURCE 700 /* pseudo terminals */

#include "run/recovery.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#define BUDGET_MS 1000000
#define SAMPLES   200

/* A test that waits in vain ends so. */
#define HANGS_S 120

struct patient {
	struct stop stop;
	struct recovery recovery;
};

static void begin(struct patient *p, int64_t budget_ms)
{
	stop_init(&p->stop);
	p->recovery = (struct recovery){ .budget_ms = budget_ms,
					 .stop = &p->stop,
					 .gives_up_at = STOP_SOON };
}

static void end(struct patient *p)
{
	stop_release(&p->stop);
}

static bool try_after(struct patient *p, enum fault fault)
{
	struct error err = { .code = EXIT_LOST, .fault = fault };

	return recovery_try(&p->recovery, NULL, &err);
}

static void a_conflict_is_waited_for(void **state)
{
	struct patient p;

	(void)state;
	begin(&p, BUDGET_MS);
	assert_true(try_after(&p, FAULT_RETRY));
	assert_true(try_after(&p, FAULT_SHRINK));
	assert_true(try_after(&p, FAULT_ENVIRONMENT));
	assert_true(try_after(&p, FAULT_UNKNOWN));
	assert_int_equal(p.recovery.faults, 4);
	end(&p);
}

static void what_is_beyond_help_is_not_waited_for(void **state)
{
	struct patient p;

	(void)state;
	begin(&p, BUDGET_MS);
	assert_false(try_after(&p, FAULT_BUG));
	assert_false(try_after(&p, FAULT_ROW));
	assert_int_equal(p.recovery.faults, 0);
	end(&p);
}

static void the_error_stays_as_it_was(void **state)
{
	struct patient p;
	struct error err = { .code = EXIT_LOST, .fault = FAULT_RETRY, .sqlstate = "40001" };

	(void)state;
	begin(&p, 1);
	while (recovery_try(&p.recovery, NULL, &err))
		;
	assert_int_equal(err.code, EXIT_LOST);
	assert_int_equal(err.fault, FAULT_RETRY);
	assert_string_equal(err.sqlstate, "40001");
	end(&p);
}

static void the_budget_is_from_the_first_fault_on_and_no_longer(void **state)
{
	struct patient p;
	int64_t started_ms = clock_ms();
	int tries = 0;

	(void)state;
	begin(&p, 60);
	while (try_after(&p, FAULT_RETRY))
		tries++;
	assert_true(tries > 0);
	assert_true(clock_ms() - started_ms >= 60);
	assert_false(try_after(&p, FAULT_RETRY));
	end(&p);
}

static void what_succeeds_makes_the_budget_whole(void **state)
{
	struct patient p;

	(void)state;
	begin(&p, 10);
	while (try_after(&p, FAULT_RETRY))
		;
	recovery_reset(&p.recovery);
	assert_int_equal(p.recovery.faults, 0);
	assert_true(try_after(&p, FAULT_RETRY));
	end(&p);
}

static void it_ends_at_the_level_that_it_gives_up_at(void **state)
{
	struct patient p;

	(void)state;
	begin(&p, BUDGET_MS);
	stop_request(&p.stop, STOP_SOON, "SIGTERM");
	assert_false(try_after(&p, FAULT_RETRY));
	p.recovery.gives_up_at = STOP_NOW;
	assert_true(try_after(&p, FAULT_RETRY));
	stop_request(&p.stop, STOP_NOW, "SIGTERM");
	assert_false(try_after(&p, FAULT_RETRY));
	end(&p);
}

static void *stop_soon(void *stop)
{
	stop_request(stop, STOP_SOON, "SIGTERM");
	return NULL;
}

static void a_sleep_ends_when_it_is_time_to_stop(void **state)
{
	struct patient p;
	pthread_t thread;

	(void)state;
	begin(&p, BUDGET_MS);
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &p.stop), 0);
	stop_sleep(&p.stop, 1000L * HANGS_S * 2, STOP_SOON);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(stop_level(&p.stop), STOP_SOON);
	end(&p);
}

static void a_sleep_is_not_ended_by_a_lower_level(void **state)
{
	struct patient p;
	int64_t started_ms = clock_ms();

	(void)state;
	begin(&p, BUDGET_MS);
	stop_request(&p.stop, STOP_SOON, "SIGTERM");
	stop_sleep(&p.stop, 20, STOP_NOW);
	assert_true(clock_ms() - started_ms >= 19);
	end(&p);
}

/* A terminal as standard error: the log is on it.  Returns its other end. */
static int open_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0 && dup2(terminal, STDERR_FILENO) >= 0);
	close(terminal);
	return master;
}

/* The pause that the log tells of. */
static long told_ms(int master)
{
	char text[512];
	ssize_t n = read(master, text, sizeof(text) - 1);
	const char *pause;

	assert_true(n > 0);
	text[n] = '\0';
	pause = strstr(text, " in_ms=");
	assert_non_null(pause);
	return atol(pause + strlen(" in_ms="));
}

/* The shortest and the longest pause after so many faults.  Nobody sleeps: it is time to stop. */
static void draw(int master, int faults, long *least, long *most)
{
	struct patient p;

	begin(&p, BUDGET_MS);
	stop_request(&p.stop, STOP_SOON, "SIGTERM");
	assert_false(try_after(&p, FAULT_RETRY));
	*least = *most = told_ms(master);
	for (int i = 0; i < SAMPLES; i++) {
		long ms;

		p.recovery.faults = faults;
		assert_false(try_after(&p, FAULT_RETRY));
		ms = told_ms(master);
		*least = ms < *least ? ms : *least;
		*most = ms > *most ? ms : *most;
	}
	end(&p);
}

/* That two hundred draws are all in one half of their range will not be seen. */
static void pauses_are_drawn_from_a_range_that_doubles_from_50_ms_to_5_s(void **state)
{
	int standard_error = dup(STDERR_FILENO), master = open_terminal();
	long least, most;

	(void)state;
	draw(master, 0, &least, &most);
	assert_in_range(least, 1, 25);
	assert_in_range(most, 26, 50);
	draw(master, 3, &least, &most);
	assert_in_range(least, 1, 200);
	assert_in_range(most, 201, 400);
	draw(master, 40, &least, &most);
	assert_in_range(least, 1, 2500);
	assert_in_range(most, 2501, 5000);
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	close(master);
}

/* Who begins at the same moment does not go on at the same moment. */
static void two_that_failed_together_come_back_apart(void **state)
{
	struct patient a, b;

	(void)state;
	begin(&a, BUDGET_MS);
	begin(&b, BUDGET_MS);
	assert_true(try_after(&a, FAULT_RETRY));
	assert_true(try_after(&b, FAULT_RETRY));
	assert_int_not_equal(a.recovery.random, b.recovery.random);
	end(&a);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conflict_is_waited_for),
		cmocka_unit_test(what_is_beyond_help_is_not_waited_for),
		cmocka_unit_test(the_error_stays_as_it_was),
		cmocka_unit_test(the_budget_is_from_the_first_fault_on_and_no_longer),
		cmocka_unit_test(what_succeeds_makes_the_budget_whole),
		cmocka_unit_test(it_ends_at_the_level_that_it_gives_up_at),
		cmocka_unit_test(a_sleep_ends_when_it_is_time_to_stop),
		cmocka_unit_test(a_sleep_is_not_ended_by_a_lower_level),
		cmocka_unit_test(pauses_are_drawn_from_a_range_that_doubles_from_50_ms_to_5_s),
		cmocka_unit_test(two_that_failed_together_come_back_apart),
	};

	alarm(HANGS_S);
	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
