/* Limits: how much a run may do at most. */
#include "core/limits.h"

#include <string.h>

#define AMOUNT "max_amount."

#define ENDS (1U << KIND_EXPIRED | 1U << KIND_TRIAL_EXPIRED)

const char *limit_name(const char *currency, char name[LIMIT_NAME_SIZE])
{
	memcpy(name, AMOUNT, sizeof(AMOUNT));
	memcpy(name + strlen(AMOUNT), currency, strlen(currency) + 1);
	return name;
}

static struct limit_check count_check(const char *name, int64_t value, int64_t max)
{
	struct limit_check check = { .value = value, .max = max, .over = value > max };

	memcpy(check.name, name, strlen(name) + 1);
	return check;
}

static struct limit_check amount_check(const struct limits *limits, int i, money_sum value)
{
	struct limit_check check = { .value = value,
				     .max = limits->amount[i].max_minor,
				     .over = value > limits->amount[i].max_minor };

	memcpy(check.currency, limits->amount[i].currency, sizeof(check.currency));
	limit_name(check.currency, check.name);
	return check;
}

int limits_check(const struct limits *limits, const struct totals *totals, int64_t newly_held,
		 struct limit_check check[LIMITS_MAX])
{
	int n = 0;

	if (limits->max_held != 0)
		check[n++] = count_check("max_held", newly_held, limits->max_held);
	if (limits->max_expired != 0)
		check[n++] = count_check("max_expired", totals_outcomes(totals, ENDS),
					 limits->max_expired);
	for (int i = 0; i < limits->amounts; i++)
		check[n++] =
			amount_check(limits, i, totals_billed(totals, limits->amount[i].currency));
	return n;
}
