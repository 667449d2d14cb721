/* Limits: how much a run may do at most, held against what a plan found.
 *
 * A brake, not a guarantee: customers keep acting between the plan and the run. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "core/totals.h"

#define LIMIT_AMOUNTS_MAX 180 /* ISO 4217 has fewer currencies */
#define LIMITS_MAX        (2 + LIMIT_AMOUNTS_MAX)
#define LIMIT_NAME_SIZE   16

struct limits {
	int64_t max_held;    /* subscriptions newly on hold; 0: no limit */
	int64_t max_expired; /* subscriptions that end; 0: no limit */
	int amounts;
	struct {
		char currency[4];
		money_sum max_minor; /* billed in it */
	} amount[LIMIT_AMOUNTS_MAX];
};

/* A limit beside what it limits. */
struct limit_check {
	money_sum value;
	money_sum max;
	char currency[4];           /* of an amount; empty: both are counts */
	char name[LIMIT_NAME_SIZE]; /* "max_held", "max_expired", "max_amount.EUR" */
	bool over;
};

/* Writes the name of a currency's limit.  Returns name. */
const char *limit_name(const char *currency, char name[LIMIT_NAME_SIZE]);

/* Checks each limit that is set; returns how many there are. */
int limits_check(const struct limits *limits, const struct totals *totals, int64_t newly_held,
		 struct limit_check check[LIMITS_MAX]);

#endif
