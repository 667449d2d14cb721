/* SQLSTATEs: what each means for a batch, and for the exit code. */
#include "db/sqlstate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct expectation {
	const char *sqlstate;
	enum fault fault;
	enum exit_code code;
};

static void check(const struct expectation *expected, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sqlstate_meaning meaning = sqlstate_meaning(expected[i].sqlstate);

		if (meaning.fault != expected[i].fault || meaning.code != expected[i].code)
			fail_msg("\"%s\" is fault %d and exit code %d, should be %d and %d",
				 expected[i].sqlstate, meaning.fault, meaning.code,
				 expected[i].fault, expected[i].code);
	}
}

#define CHECK(expected) check(expected, sizeof(expected) / sizeof((expected)[0]))

static void data_constraints_and_raise_are_a_row_s(void **state)
{
	static const struct expectation expected[] = {
		{ "22003", FAULT_ROW, EXIT_INTERNAL }, /* out of range */
		{ "22008", FAULT_ROW, EXIT_INTERNAL }, /* a date out of range */
		{ "22012", FAULT_ROW, EXIT_INTERNAL }, /* division by zero */
		{ "22P02", FAULT_ROW, EXIT_INTERNAL }, { "23502", FAULT_ROW, EXIT_INTERNAL },
		{ "23503", FAULT_ROW, EXIT_INTERNAL }, { "23505", FAULT_ROW, EXIT_INTERNAL },
		{ "23514", FAULT_ROW, EXIT_INTERNAL }, { "23P01", FAULT_ROW, EXIT_INTERNAL },
		{ "P0001", FAULT_ROW, EXIT_INTERNAL },
	};

	(void)state;
	CHECK(expected);
}

static void what_our_functions_refuse_is_a_row_s_and_otherwise_the_caller_s(void **state)
{
	static const struct expectation expected[] = {
		{ "PR001", FAULT_ROW, EXIT_UNKNOWN },
		{ "PR002", FAULT_ROW, EXIT_UNKNOWN },
		{ "PR003", FAULT_ROW, EXIT_UNKNOWN },
	};

	(void)state;
	CHECK(expected);
}

static void what_others_cause_is_tried_again(void **state)
{
	static const struct expectation expected[] = {
		{ "40001", FAULT_RETRY, EXIT_LOST },
		{ "40P01", FAULT_RETRY, EXIT_LOST },
		{ "55P03", FAULT_RETRY, EXIT_LOST },
	};

	(void)state;
	CHECK(expected);
}

static void a_cancelled_statement_asks_for_fewer_rows(void **state)
{
	static const struct expectation expected[] = { { "57014", FAULT_SHRINK, EXIT_LOST } };

	(void)state;
	CHECK(expected);
}

static void server_network_and_resources_are_the_environment_s(void **state)
{
	static const struct expectation expected[] = {
		{ "08000", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "08003", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "08006", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "08P01", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "53100", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "53200", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "53300", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "57P01", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "57P02", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "57P03", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "57P05", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "25006", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "25P03", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "", FAULT_ENVIRONMENT, EXIT_LOST },
	};

	(void)state;
	CHECK(expected);
}

static void what_may_be_committed_is_unknown(void **state)
{
	static const struct expectation expected[] = {
		{ "08007", FAULT_UNKNOWN, EXIT_LOST },
		{ "40003", FAULT_UNKNOWN, EXIT_LOST },
	};

	(void)state;
	CHECK(expected);
}

static void program_schema_and_privileges_are_beyond_help(void **state)
{
	static const struct expectation expected[] = {
		{ "0A000", FAULT_BUG, EXIT_INTERNAL }, { "25P02", FAULT_BUG, EXIT_INTERNAL },
		{ "42601", FAULT_BUG, EXIT_INTERNAL }, { "42804", FAULT_BUG, EXIT_INTERNAL },
		{ "42P18", FAULT_BUG, EXIT_INTERNAL }, { "28000", FAULT_BUG, EXIT_ACCESS },
		{ "28P01", FAULT_BUG, EXIT_ACCESS },   { "42501", FAULT_BUG, EXIT_ACCESS },
		{ "3F000", FAULT_BUG, EXIT_CONFIG },   { "42P01", FAULT_BUG, EXIT_CONFIG },
		{ "42703", FAULT_BUG, EXIT_CONFIG },   { "42883", FAULT_BUG, EXIT_CONFIG },
		{ "42P06", FAULT_BUG, EXIT_CONFIG },   { "42P07", FAULT_BUG, EXIT_CONFIG },
		{ "26000", FAULT_BUG, EXIT_CONFIG },   { "42P05", FAULT_BUG, EXIT_CONFIG },
	};

	(void)state;
	CHECK(expected);
}

/* Nothing is put on hold for them, and no run ends for them before its time. */
static void what_is_not_known_is_the_environment_s(void **state)
{
	static const struct expectation expected[] = {
		{ "ZZ001", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "P0002", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "P0004", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "XX000", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "58030", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "55000", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "25001", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "40000", FAULT_ENVIRONMENT, EXIT_LOST },
		{ "2", FAULT_ENVIRONMENT, EXIT_LOST },
	};

	(void)state;
	CHECK(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_constraints_and_raise_are_a_row_s),
		cmocka_unit_test(what_our_functions_refuse_is_a_row_s_and_otherwise_the_caller_s),
		cmocka_unit_test(what_others_cause_is_tried_again),
		cmocka_unit_test(a_cancelled_statement_asks_for_fewer_rows),
		cmocka_unit_test(server_network_and_resources_are_the_environment_s),
		cmocka_unit_test(what_may_be_committed_is_unknown),
		cmocka_unit_test(program_schema_and_privileges_are_beyond_help),
		cmocka_unit_test(what_is_not_known_is_the_environment_s),
	};

	return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
