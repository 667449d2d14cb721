/* Totals: outcomes and money by kind and currency; sums never cross currencies.
 *
 * The batch stores them beside its rows and the plan prints them: the same sums. */
#ifndef CORE_TOTALS_H
#define CORE_TOTALS_H

#include "core/decide.h"
#include "core/money.h"

/* ISO 4217 has some 170 currencies: 256 are never reached. */
#define TOTALS_MAX (KINDS * 256)

struct total {
	enum kind kind;
	char currency[4];
	int64_t outcomes;
	money_sum amount_minor;
};

struct totals {
	int lines;
	struct total line[TOTALS_MAX]; /* in order of first appearance */
};

/* Adds an outcome.  Steps that are none are not passed. */
void totals_add(struct totals *totals, const struct step *step);

/* Outcomes of some kinds, bits 1U << KIND_…, in all currencies. */
int64_t totals_outcomes(const struct totals *totals, unsigned kinds);

/* What all kinds come to in a currency. */
money_sum totals_billed(const struct totals *totals, const char *currency);

/* Orders the lines by kind, then by currency. */
void totals_sort(struct totals *totals);

#endif
