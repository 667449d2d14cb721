/* What became of subscriptions that were to be released, for a person. */
#ifndef CMD_RELEASE_VIEW_H
#define CMD_RELEASE_VIEW_H

#include "run/release.h"

/* So many reasons are told apart; what comes after them is "other". */
#define TALLY_REASONS_MAX 40
#define TALLY_REASON_SIZE 201

/* So many of those that stay on hold are named. */
#define TALLY_STAYING_MAX 20

struct release_count {
	char reason[TALLY_REASON_SIZE]; /* of the hold */
	int64_t released;
	int64_t staying;
};

struct release_tally {
	int64_t released;
	int64_t due; /* of them */
	int64_t staying;
	int counts;
	struct release_count count[TALLY_REASONS_MAX + 1];
	int named;
	struct release_entry stays[TALLY_STAYING_MAX]; /* without hold_reason */
};

void release_tally_add(struct release_tally *tally, const struct release_entry *entry);

/* A line about one of them. */
void release_print_entry(const struct release_entry *entry, const struct policy *policy);

/* By reason of their holds, and those that stay on hold. */
void release_print_counts(const struct release_tally *tally, const struct policy *policy);

/* How many, and what the next run will do with them. */
void release_print_sum(const struct release_tally *tally);

#endif
