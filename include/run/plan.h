/* A plan: what a run would do, from the same columns and by the same decisions, read in one
 * snapshot in which nothing can be written. */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "core/totals.h"
#include "db/conn.h"
#include "db/currencies.h"
#include "db/due.h"
#include "db/offers.h"
#include "db/outlook.h"

#define PLAN_REASON_SIZE 64
#define PLAN_SAMPLES_MAX 3

/* So many reasons are told apart for all rules together; beyond them, "other" is one for each rule
 * and action. */
#define PLAN_REASONS_MAX 40
#define PLAN_LINES_MAX   (PLAN_REASONS_MAX + 3 * RULES)

/* A step with the ids of its row. */
struct plan_step {
	int64_t subscription_id;
	int64_t account_id;
	struct step step;
};

/* What a rule does, by reason. */
struct plan_line {
	const struct rule *rule;
	enum action action;
	char reason[PLAN_REASON_SIZE]; /* why something is or goes on hold, otherwise empty */
	int64_t subscriptions;         /* whose first step it is: each that is due counts once */
	int64_t outcomes;
	int samples;
	struct plan_step sample[PLAN_SAMPLES_MAX]; /* without reason: it is the line's */
};

/* So many of the largest amounts are kept of each currency. */
#define PLAN_BIGGEST_MAX 3

struct plan_biggest {
	char currency[4];
	int steps;
	struct plan_step step[PLAN_BIGGEST_MAX]; /* the largest first */
};

/* What happens to the subscriptions of one of the sold plans. */
struct plan_offer {
	int64_t outcomes[KINDS];
	int64_t newly_held;
};

struct plan {
	int64_t as_of_us;
	int64_t subscriptions; /* due, held ones among them */
	int64_t outcomes;
	int64_t behind;     /* subscriptions of which a run would close several periods */
	int64_t newly_held; /* that a run would put on hold */
	int64_t batches;    /* that it would take, if nobody else works on them */
	struct due counted; /* the same subscriptions, as the server counts them in the same
			       snapshot */
	struct currencies currencies;
	struct totals totals;
	int lines;
	struct plan_line line[PLAN_LINES_MAX]; /* in order of the rules */
	int biggest_lines;
	struct plan_biggest biggest[CURRENCIES_MAX]; /* in order of currency */
	struct offers offers;
	struct plan_offer *offer; /* by plan, and one more for prices that are not known */
	struct outlook outlook;
};

struct plan_request {
	struct policy policy;
	int64_t subscription_id; /* only this one; 0: all that are due */
	int batch_size;
	/* Called for each step, in order of bucket, period_end and subscription_id of its row; may
	 * be NULL. False ends the plan. */
	bool (*visit)(void *visitor, const struct plan_step *step, struct error *err);
	void *visitor;
};

/* Fills *plan, which is zeroed and too large for the stack. */
bool plan_make(struct conn *conn, const struct plan_request *request, struct plan *plan,
	       struct error *err) MUST_CHECK;

void plan_release(struct plan *plan);

/* How much happens to the subscriptions of a sold plan: outcomes and new holds. */
int64_t plan_offer_weight(const struct plan_offer *offer);

/* Whether the parts add up: each due subscription is in a line, each outcome in a line and in a
 * total. */
bool plan_adds_up(const struct plan *plan);

#endif
