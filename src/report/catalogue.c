/* The reports, in the order in which books are closed. */
#include "report/catalogue.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

const struct report reports[] = {
	{
		.name = "runs",
		.summary = "what each run did, by currency",
		.query = REPORT_RUNS,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
	},
	{
		.name = "overdue",
		.summary = "what is due and not done, by age",
		.query = REPORT_OVERDUE,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.instant = true,
		.by_currency = true,
		.total_by = 1,
		.labels = 2,
	},
	{
		.name = "holds",
		.summary = "what is on hold, and the amounts at risk",
		.query = REPORT_HOLDS,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.instant = true,
		.by_currency = true,
		.by_plan = true,
	},
	{
		.name = "subscriptions",
		.summary = "opening, new, expired, closing; trials apart",
		.query = REPORT_SUBSCRIPTIONS,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.by_currency = true,
		.by_plan = true,
		.total_by = 2,
		.labels = 1,
	},
	{
		.name = "mrr",
		.summary = "monthly recurring revenue and what moved it",
		.query = REPORT_MRR,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.by_currency = true,
		.by_plan = true,
		.total_by = 1,
		.labels = 1,
	},
	{
		.name = "billed",
		.summary = "by currency, plan and interval; --detail: each",
		.query = REPORT_BILLED,
		.detail = REPORT_BILLED_DETAIL,
		.hledger = REPORT_NONE,
		.by_currency = true,
		.by_plan = true,
		.total_by = 1,
		.labels = 2,
	},
	{
		.name = "deferred",
		.summary = "opening, billed, recognised, closing",
		.query = REPORT_DEFERRED,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.by_currency = true,
		.by_plan = true,
		.total_by = 1,
		.labels = 1,
	},
	{
		.name = "waterfall",
		.summary = "months of billing by months of recognition",
		.query = REPORT_WATERFALL,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.by_currency = true,
	},
	{
		.name = "schedule",
		.summary = "when each billed amount is recognised",
		.query = REPORT_SCHEDULE,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.by_currency = true,
		.by_plan = true,
	},
	{
		.name = "journal",
		.summary = "double entry; also for hledger",
		.query = REPORT_JOURNAL,
		.detail = REPORT_NONE,
		.hledger = REPORT_JOURNAL_HLEDGER,
		.by_currency = true,
	},
	{
		.name = "audit",
		.summary = "everything that happened, in order",
		.query = REPORT_AUDIT,
		.detail = REPORT_NONE,
		.hledger = REPORT_NONE,
		.by_currency = true,
		.by_plan = true,
	},
	{
		.name = "tieout",
		.summary = "whether all of it adds up; --detail: what does not",
		.query = REPORT_TIEOUT,
		.detail = REPORT_TIEOUT_DETAIL,
		.hledger = REPORT_NONE,
		.checks = true,
	},
};

const int report_count = sizeof(reports) / sizeof(reports[0]);

/* The one that was meant, or all there are. */
static void hint(const char *name, struct error *err)
{
	struct text_nearest nearest = { .typed = name != NULL ? name : "" };
	char list[200] = "";

	for (int i = 0; i < report_count; i++) {
		size_t used = strlen(list);

		text_consider(&nearest, reports[i].name);
		snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "",
			 reports[i].name);
	}
	if (nearest.name != NULL)
		fail_hint(err, "did you mean %s?", nearest.name);
	else
		fail_hint(err, "one of %s", list);
}

const struct report *report_find(const char *name, struct error *err)
{
	for (int i = 0; name != NULL && i < report_count; i++)
		if (strcmp(reports[i].name, name) == 0)
			return &reports[i];
	if (name == NULL)
		fail(err, EXIT_USAGE, "report needs the name of one");
	else
		fail(err, EXIT_USAGE, "there is no report \"%s\"", name);
	hint(name, err);
	return NULL;
}
