/* What became of subscriptions that were to be released. */
#include "cmd/release_view.h"
#include "base/text.h"
#include "cmd/hold_reason.h"
#include "cmd/output.h"

#include <stdio.h>
#include <string.h>

/* The count of a reason: the one there is, or a new one. */
static struct release_count *count_of(struct release_tally *tally, const char *hold_reason)
{
	char reason[TALLY_REASON_SIZE];
	struct release_count *count;

	text_cut(reason, sizeof(reason), hold_reason);
	for (int i = 0; i < tally->counts; i++)
		if (strcmp(tally->count[i].reason, reason) == 0)
			return &tally->count[i];
	if (tally->counts > TALLY_REASONS_MAX)
		return &tally->count[TALLY_REASONS_MAX];
	count = &tally->count[tally->counts++];
	text_cut(count->reason, sizeof(count->reason),
		 tally->counts > TALLY_REASONS_MAX ? "other" : reason);
	return count;
}

void release_tally_add(struct release_tally *tally, const struct release_entry *entry)
{
	struct release_count *count = count_of(tally, entry->hold_reason);

	if (entry->fate == RELEASE_DONE) {
		count->released++;
		tally->released++;
		tally->due += entry->due;
		return;
	}
	count->staying++;
	tally->staying++;
	if (tally->named == TALLY_STAYING_MAX)
		return;
	tally->stays[tally->named] = *entry;
	/* It is borrowed from rows that will be gone when this is shown. */
	tally->stays[tally->named++].hold_reason = NULL;
}

static void print_refused(const struct release_entry *e, const struct policy *policy)
{
	if (strcmp(e->why, "catch_up_limit") == 0)
		printf("stays on hold: %s%d period%s behind, catch_up.max_periods is %d; release "
		       "it with --catch-up\n",
		       e->periods_behind == BOUNDARIES_MAX ? "at least " : "", e->periods_behind,
		       e->periods_behind == 1 ? "" : "s", policy->max_periods);
	else
		printf("stays on hold: %s: %s\n", e->why, hold_reason_of(e->why)->remedy);
}

void release_print_entry(const struct release_entry *entry, const struct policy *policy)
{
	printf("%lld: ", (long long)entry->subscription_id);
	switch (entry->fate) {
	case RELEASE_DONE:
		printf("released\n");
		break;
	case RELEASE_REFUSED:
		print_refused(entry, policy);
		break;
	case RELEASE_BUSY:
		printf("stays on hold: others are changing it; try again\n");
		break;
	}
}

void release_print_counts(const struct release_tally *tally, const struct policy *policy)
{
	printf("%10s %10s   %s\n", "released", "on hold", "reason");
	for (int i = 0; i < tally->counts; i++) {
		output_count(tally->count[i].released, 10);
		output_count(tally->count[i].staying, 11);
		printf("   ");
		output_text(tally->count[i].reason);
		putchar('\n');
	}
	for (int i = 0; i < tally->named; i++)
		release_print_entry(&tally->stays[i], policy);
	if (tally->staying > tally->named) {
		printf("… ");
		output_count(tally->staying - tally->named, 0);
		printf(" more stay on hold: perennial holds --format csv\n");
	}
}

void release_print_sum(const struct release_tally *tally)
{
	output_counted(tally->released, "subscription");
	printf(" released");
	if (tally->due > 0 && tally->due == tally->released) {
		printf(", due: the next run takes %s up", tally->due == 1 ? "it" : "them");
	} else if (tally->due > 0) {
		printf("; the next run takes up ");
		output_count(tally->due, 0);
		printf(", the others are not due yet");
	} else if (tally->released > 0) {
		printf(", not due yet: %s next period opens as if there had been no hold",
		       tally->released == 1 ? "its" : "their");
	}
	if (tally->staying > 0) {
		printf("; ");
		output_count(tally->staying, 0);
		printf(" stay%s on hold", tally->staying == 1 ? "s" : "");
	}
	putchar('\n');
}
