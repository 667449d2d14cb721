/* What a report is asked for, held against what there is in the database. */
#ifndef REPORT_SCOPE_H
#define REPORT_SCOPE_H

#include "db/conn.h"
#include "report/period.h"

struct scope {
	const char *time_zone;
	const char *currency; /* NULL: all */
	const char *plan;     /* NULL: all */
	struct period period; /* empty: the last month that has ended */
	bool is_over;         /* the period has ended */
};

/* Fills in the period, and says whether it is over.  False where the zone (EXIT_CONFIG), the
 * currency or the plan (EXIT_UNKNOWN) is not there, or the period has not begun (EXIT_USAGE). */
bool scope_check(struct conn *conn, struct scope *scope, struct error *err) MUST_CHECK;

#endif
