/* The reports, in the order in which books are closed. */
#include "report/catalogue.h"

#include <stdio.h>
#include <string.h>

#define PLAIN REPORT_NONE, REPORT_NONE

const struct report reports[] = {
	{ "runs", "what each run did, by currency", REPORT_RUNS, PLAIN, false, false, false, false,
	  0, 0 },
	{ "overdue", "what is due and not done, by age", REPORT_OVERDUE, PLAIN, true, true, false,
	  false, 1, 2 },
	{ "holds", "what is on hold, and the amounts at risk", REPORT_HOLDS, PLAIN, true, true,
	  true, false, 0, 0 },
	{ "subscriptions", "opening, new, expired, closing; trials apart", REPORT_SUBSCRIPTIONS,
	  PLAIN, false, true, true, false, 2, 1 },
	{ "mrr", "monthly recurring revenue and what moved it", REPORT_MRR, PLAIN, false, true,
	  true, false, 1, 1 },
	{ "billed", "by currency, plan and interval; --detail: each", REPORT_BILLED,
	  REPORT_BILLED_DETAIL, REPORT_NONE, false, true, true, false, 1, 2 },
	{ "deferred", "opening, billed, recognised, closing", REPORT_DEFERRED, PLAIN, false, true,
	  true, false, 1, 1 },
	{ "waterfall", "months of billing by months of recognition", REPORT_WATERFALL, PLAIN, false,
	  true, false, false, 0, 0 },
	{ "schedule", "when each billed amount is recognised", REPORT_SCHEDULE, PLAIN, false, true,
	  true, false, 0, 0 },
	{ "journal", "double entry; also for hledger", REPORT_JOURNAL, REPORT_NONE,
	  REPORT_JOURNAL_HLEDGER, false, true, false, false, 0, 0 },
	{ "audit", "everything that happened, in order", REPORT_AUDIT, PLAIN, false, true, true,
	  false, 0, 0 },
	{ "tieout", "whether all of it adds up; --detail: what does not", REPORT_TIEOUT,
	  REPORT_TIEOUT_DETAIL, REPORT_NONE, false, false, false, true, 0, 0 },
};

const int report_count = sizeof(reports) / sizeof(reports[0]);

const struct report *report_find(const char *name, struct error *err)
{
	char list[200] = "";

	for (int i = 0; i < report_count; i++) {
		size_t used = strlen(list);

		if (name != NULL && strcmp(reports[i].name, name) == 0)
			return &reports[i];
		snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "",
			 reports[i].name);
	}
	if (name == NULL)
		fail(err, EXIT_USAGE, "report needs the name of one");
	else
		fail(err, EXIT_USAGE, "there is no report \"%s\"", name);
	fail_hint(err, "one of %s", list);
	return NULL;
}
