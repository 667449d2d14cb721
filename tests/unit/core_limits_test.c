/* Limits: what counts against which, and where a limit begins. */
#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void add(struct totals *totals, enum kind kind, const char *currency, int64_t amount)
{
	struct step step = { .kind = kind, .amount_minor = amount };

	memcpy(step.terms.currency, currency, 4);
	totals_add(totals, &step);
}

/* 30.00 EUR and 500 JPY billed, three subscriptions ended. */
static struct totals *sums(void)
{
	struct totals *totals = calloc(1, sizeof(*totals));

	add(totals, KIND_RENEWED, "EUR", 1000);
	add(totals, KIND_RENEWED, "EUR", 1500);
	add(totals, KIND_CONVERTED, "EUR", 500);
	add(totals, KIND_RENEWED, "JPY", 500);
	add(totals, KIND_EXPIRED, "EUR", 0);
	add(totals, KIND_TRIAL_EXPIRED, "EUR", 0);
	add(totals, KIND_TRIAL_EXPIRED, "JPY", 0);
	return totals;
}

static void without_limits_nothing_is_checked(void **state)
{
	struct totals *totals = sums();
	struct limit_check check[LIMITS_MAX];

	(void)state;
	assert_int_equal(limits_check(&(struct limits){ 0 }, totals, 1000, check), 0);
	free(totals);
}

static void a_limit_may_be_reached_and_not_passed(void **state)
{
	struct totals *totals = sums();
	struct limit_check check[LIMITS_MAX];
	struct limits limits = { .max_held = 7,
				 .max_expired = 3,
				 .amounts = 2,
				 .amount = { { "EUR", 3000 }, { "JPY", 499 } } };

	(void)state;
	assert_int_equal(limits_check(&limits, totals, 7, check), 4);
	assert_string_equal(check[0].name, "max_held");
	assert_true(check[0].value == 7 && check[0].max == 7 && !check[0].over);
	assert_string_equal(check[0].currency, "");
	assert_string_equal(check[1].name, "max_expired");
	assert_true(check[1].value == 3 && !check[1].over);
	assert_string_equal(check[2].name, "max_amount.EUR");
	assert_true(check[2].value == 3000 && !check[2].over);
	assert_string_equal(check[3].name, "max_amount.JPY");
	assert_string_equal(check[3].currency, "JPY");
	assert_true(check[3].value == 500 && check[3].over);

	limits.max_held = 6;
	limits.max_expired = 2;
	limits.amount[0].max_minor = 2999;
	assert_int_equal(limits_check(&limits, totals, 7, check), 4);
	assert_true(check[0].over && check[1].over && check[2].over);
	free(totals);
}

static void a_limit_of_nothing_allows_nothing_billed(void **state)
{
	struct totals *totals = calloc(1, sizeof(*totals));
	struct limit_check check[LIMITS_MAX];
	struct limits limits = { .amounts = 1, .amount = { { "EUR", 0 } } };

	(void)state;
	assert_int_equal(limits_check(&limits, totals, 0, check), 1);
	assert_false(check[0].over);
	add(totals, KIND_RENEWED, "EUR", 1);
	limits_check(&limits, totals, 0, check);
	assert_true(check[0].over);
	free(totals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_limits_nothing_is_checked),
		cmocka_unit_test(a_limit_may_be_reached_and_not_passed),
		cmocka_unit_test(a_limit_of_nothing_allows_nothing_billed),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
