/* Money and totals: checked products, decimal text, sums by kind and currency. */
#include "core/money.h"
#include "core/totals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void a_product_within_the_limit_is_exact(void **state)
{
	int64_t amount = -1;

	(void)state;
	assert_true(money_times(1250, 7, &amount));
	assert_int_equal(amount, 8750);
	assert_true(money_times(0, 2147483647, &amount));
	assert_int_equal(amount, 0);
	assert_true(money_times(MONEY_MAX, 1, &amount));
	assert_int_equal(amount, MONEY_MAX);
	assert_true(money_times(465661, 2147483647, &amount));
	assert_int_equal(amount, INT64_C(999999382545667));
}

static void a_product_above_the_limit_is_refused_and_touches_nothing(void **state)
{
	int64_t amount = -1;

	(void)state;
	assert_false(money_times(MONEY_MAX, 2, &amount));
	assert_false(money_times(MONEY_MAX / 2 + 1, 2, &amount));
	assert_false(money_times(INT64_C(4294967296), 2147483647, &amount));
	assert_int_equal(amount, -1);
}

static void decimal_text_has_the_currency_s_decimals(void **state)
{
	char text[MONEY_TEXT_SIZE];

	(void)state;
	assert_string_equal(money_format(123450, 2, text), "1234.50");
	assert_string_equal(money_format(5, 2, text), "0.05");
	assert_string_equal(money_format(0, 2, text), "0.00");
	assert_string_equal(money_format(0, 0, text), "0");
	assert_string_equal(money_format(1500, 0, text), "1500");
	assert_string_equal(money_format(1234, 3, text), "1.234");
	assert_string_equal(money_format(12, 4, text), "0.0012");
	assert_string_equal(money_format((money_sum)MONEY_MAX * 1000000000, 2, text),
			    "10000000000000000000000.00");
}

static void decimal_text_is_read_into_minor_units(void **state)
{
	static const char *const wrong[] = { "",
					     ".",
					     "1.",
					     ".5",
					     "-1",
					     "+1",
					     "1,5",
					     "1.23x",
					     "x",
					     "1 ",
					     " 1",
					     "1.234",
					     "1.2.3",
					     "1234567890123456789012345678901",
					     "9999999999999999999999999999999999999999" };
	money_sum minor = -1;

	(void)state;
	assert_true(money_parse("1234.5", 2, &minor) && minor == 123450);
	assert_true(money_parse("1234.56", 2, &minor) && minor == 123456);
	assert_true(money_parse("0007", 2, &minor) && minor == 700);
	assert_true(money_parse("0", 0, &minor) && minor == 0);
	assert_true(money_parse("15", 0, &minor) && minor == 15);
	assert_true(money_parse("0.0012", 4, &minor) && minor == 12);
	assert_true(money_parse("123456789012345678901234567890", 2, &minor));
	assert_true(minor / 1000000000 == (money_sum)12345678901234567 * 1000000 + 890123);
	minor = -1;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(money_parse(wrong[i], 2, &minor));
	assert_false(money_parse("1.5", 0, &minor));
	assert_true(minor == -1);
}

static void add(struct totals *totals, enum kind kind, const char *currency, int64_t amount)
{
	struct step step = { .kind = kind, .amount_minor = amount };

	memcpy(step.terms.currency, currency, 4);
	totals_add(totals, &step);
}

static void check_line(const struct total *line, enum kind kind, const char *currency,
		       int64_t outcomes, money_sum amount)
{
	assert_int_equal(line->kind, kind);
	assert_string_equal(line->currency, currency);
	assert_int_equal(line->outcomes, outcomes);
	assert_true(line->amount_minor == amount);
}

static void totals_never_cross_kinds_or_currencies(void **state)
{
	static struct totals totals;

	(void)state;
	totals.lines = 0;
	add(&totals, KIND_CONVERTED, "USD", 7);
	add(&totals, KIND_RENEWED, "JPY", 100);
	add(&totals, KIND_RENEWED, "EUR", 1);
	add(&totals, KIND_RENEWED, "EUR", 2);
	add(&totals, KIND_EXPIRED, "EUR", 0);
	totals_sort(&totals);
	assert_int_equal(totals.lines, 4);
	check_line(&totals.line[0], KIND_RENEWED, "EUR", 2, 3);
	check_line(&totals.line[1], KIND_RENEWED, "JPY", 1, 100);
	check_line(&totals.line[2], KIND_CONVERTED, "USD", 1, 7);
	check_line(&totals.line[3], KIND_EXPIRED, "EUR", 1, 0);
}

static void what_totals_come_to_is_by_kind_or_by_currency(void **state)
{
	static struct totals totals;

	(void)state;
	totals.lines = 0;
	assert_int_equal(totals_outcomes(&totals, ~0U), 0);
	assert_true(totals_billed(&totals, "EUR") == 0);
	add(&totals, KIND_RENEWED, "EUR", 1);
	add(&totals, KIND_RENEWED, "JPY", 100);
	add(&totals, KIND_CONVERTED, "EUR", 2);
	add(&totals, KIND_EXPIRED, "EUR", 0);
	add(&totals, KIND_TRIAL_EXPIRED, "JPY", 0);
	assert_int_equal(totals_outcomes(&totals, 1U << KIND_RENEWED), 2);
	assert_int_equal(totals_outcomes(&totals, 1U << KIND_EXPIRED | 1U << KIND_TRIAL_EXPIRED),
			 2);
	assert_int_equal(totals_outcomes(&totals, 0), 0);
	assert_true(totals_billed(&totals, "EUR") == 3);
	assert_true(totals_billed(&totals, "JPY") == 100);
	assert_true(totals_billed(&totals, "USD") == 0);
}

static void a_sum_may_be_larger_than_any_amount(void **state)
{
	static struct totals totals;

	(void)state;
	totals.lines = 0;
	for (int i = 0; i < 20000; i++)
		add(&totals, KIND_RENEWED, "IRR", MONEY_MAX);
	check_line(&totals.line[0], KIND_RENEWED, "IRR", 20000, (money_sum)MONEY_MAX * 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product_within_the_limit_is_exact),
		cmocka_unit_test(a_product_above_the_limit_is_refused_and_touches_nothing),
		cmocka_unit_test(decimal_text_has_the_currency_s_decimals),
		cmocka_unit_test(decimal_text_is_read_into_minor_units),
		cmocka_unit_test(totals_never_cross_kinds_or_currencies),
		cmocka_unit_test(what_totals_come_to_is_by_kind_or_by_currency),
		cmocka_unit_test(a_sum_may_be_larger_than_any_amount),
	};

	return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
