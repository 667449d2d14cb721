/* The reports: what each is called, what it counts over, and where its columns can be added up.
 *
 * A report is a query in sql/report with names for its values (:'from'); psql runs it with -v.  A
 * new one is added here, in sql/report, in sql/perennial-reports.7 and, as a function that others
 * can read, in a migration. */
#ifndef REPORT_CATALOGUE_H
#define REPORT_CATALOGUE_H

#include "base/error.h"
#include "db/query.h"
#include "report/report_id.h"

extern const struct query report_queries[REPORTS];

/* Where there is no other query. */
#define REPORT_NONE REPORTS

struct report {
	const char *name;
	const char *summary;
	enum report_id query;
	enum report_id detail;  /* with --detail */
	enum report_id hledger; /* with --format hledger */
	bool instant;           /* as of an instant, not over a period */
	bool by_currency;       /* takes --currency */
	bool by_plan;           /* takes --plan */
	bool checks;            /* a line with FAIL is EXIT_TIEOUT */
	/* In a table, rows that agree in so many columns have a total, … */
	int total_by;
	/* … of the columns that come after so many more. */
	int labels;
};

extern const struct report reports[];
extern const int report_count;

/* NULL with EXIT_USAGE where there is none of this name. */
const struct report *report_find(const char *name, struct error *err);

#endif
