/* What stands beside a plan's numbers: the runs before it, one that is in progress, what is due
 * next. */
#ifndef DB_OUTLOOK_H
#define DB_OUTLOOK_H

#include "core/money.h"
#include "db/currencies.h"

/* So many runs are looked back at, at most. */
#define OUTLOOK_RUNS 7

struct outlook {
	/* The last runs for all subscriptions that did something. */
	int64_t runs;
	int64_t claimed; /* subscriptions of all of them, … */
	int64_t ms;      /* … which took so long */
	int lines;
	struct {
		char currency[4];
		money_sum mean_minor; /* billed a run */
	} billed[CURRENCIES_MAX];

	int64_t running; /* the run that is in progress; 0: none */

	int64_t next_id; /* due next after as_of, and not on hold; 0: nothing */
	int64_t next_due_us;
};

bool outlook_read(struct conn *conn, int64_t as_of_us, struct outlook *outlook,
		  struct error *err) MUST_CHECK;

/* How long so many subscriptions take at the pace of the last runs; -1 where there was none. */
int64_t outlook_duration_ms(const struct outlook *outlook, int64_t subscriptions);

#endif
