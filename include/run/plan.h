/* A plan: what a run would do, from the same columns and by the same decisions, read in one
 * snapshot in which nothing can be written. */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "core/totals.h"
#include "db/facts_rows.h"
#include "db/run_store.h"

#define PLAN_REASON_SIZE 64
#define PLAN_LINES_MAX   64
#define PLAN_SAMPLES_MAX 3

/* A step with the ids of its row: what a sample shows. */
struct plan_step {
	int64_t subscription_id;
	int64_t account_id;
	struct step step;
};

/* What a rule does, by reason. */
struct plan_line {
	const char *rule;
	enum action action;
	char reason[PLAN_REASON_SIZE]; /* empty: none.  "other" where there are too many */
	int64_t subscriptions; /* whose first step it is: each due subscription counts once */
	int64_t outcomes;
	int samples;
	struct plan_step sample[PLAN_SAMPLES_MAX]; /* without reason: it is the line's */
};

struct plan {
	int64_t as_of_us;
	int64_t subscriptions; /* due, held ones among them */
	int64_t outcomes;
	int64_t newly_held; /* that a run would put on hold */
	/* The same subscriptions as the server counts them in the same snapshot. */
	struct due_count counted;
	struct exponents exponents;
	struct totals totals;
	int lines;
	struct plan_line line[PLAN_LINES_MAX]; /* in order of the rules */
};

struct plan_request {
	struct policy policy;
	int64_t subscription_id; /* only this one; 0: all that are due */
	/* Called for each step in order of bucket, period_end, subscription; may be NULL.  False
	 * ends the plan. */
	bool (*visit)(const struct plan_step *step, struct error *err);
};

/* Fills *plan.  Large: not for the stack. */
bool plan_make(struct conn *conn, const struct plan_request *request, struct plan *plan,
	       struct error *err) MUST_CHECK;

/* Whether the parts add up: each due subscription was decided, each outcome is in a total. */
bool plan_adds_up(const struct plan *plan);

#endif
