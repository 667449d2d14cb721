/* A plan: reading what is due, deciding it, adding it up. */
#include "run/plan.h"
#include "db/bucket_store.h"
#include "db/plan_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan_line *find_line(struct plan *plan, const struct step *step)
{
	const char *reason = step->reason != NULL && !step_is_outcome(step) ? step->reason : "";
	struct plan_line *line;
	char key[PLAN_REASON_SIZE];

	snprintf(key, sizeof(key), "%s", plan->lines < PLAN_LINES_MAX - 1 ? reason : "other");
	for (int i = 0; i < plan->lines; i++) {
		line = &plan->line[i];
		if (line->rule == step->rule && line->action == step->action &&
		    strcmp(line->reason, key) == 0)
			return line;
	}
	/* The last line takes whatever comes after it. */
	if (plan->lines == PLAN_LINES_MAX)
		return &plan->line[PLAN_LINES_MAX - 1];
	line = &plan->line[plan->lines++];
	*line = (struct plan_line){ .rule = step->rule, .action = step->action };
	memcpy(line->reason, key, sizeof(key));
	return line;
}

static void add_step(struct plan *plan, const struct plan_step *step, bool first)
{
	struct plan_line *line = find_line(plan, &step->step);

	line->subscriptions += first;
	if (line->samples < PLAN_SAMPLES_MAX) {
		line->sample[line->samples] = *step;
		line->sample[line->samples++].step.reason = NULL;
	}
	if (step->step.action == ACTION_HOLD)
		plan->newly_held++;
	if (step_is_outcome(&step->step)) {
		line->outcomes++;
		plan->outcomes++;
		totals_add(&plan->totals, &step->step);
	}
}

static bool add_steps(struct plan *plan, const struct plan_request *request, const struct facts *f,
		      const struct step *step, int steps, bool first, struct error *err)
{
	struct plan_step s = { .subscription_id = f->subscription_id, .account_id = f->account_id };

	for (int i = 0; i < steps; i++) {
		s.step = step[i];
		add_step(plan, &s, first && i == 0);
		if (request->visit != NULL && !request->visit(&s, err))
			return false;
	}
	return true;
}

/* All steps of a row.  A run takes one that is very far behind in several batches; here its further
 * boundaries are read from the same snapshot. */
static bool decide_row(struct conn *conn, const struct plan_request *request, struct plan *plan,
		       struct facts_row *row, struct error *err)
{
	struct step step[STEPS_MAX];
	bool first = true;

	plan->subscriptions++;
	for (;;) {
		int steps = decide_all(&row->facts, &request->policy, step);

		if (!add_steps(plan, request, &row->facts, step, steps, first, err))
			return false;
		if (!step_opens(&step[steps - 1]) ||
		    row->facts.period_end_us > request->policy.as_of_us)
			return true;
		if (!store_more_boundaries(conn, row, err))
			return false;
		first = false;
	}
}

/* Decides the next rows of the cursor; *rows_left is false at its end. */
static bool decide_fetched(struct conn *conn, const struct plan_request *request, struct plan *plan,
			   bool *rows_left, struct error *err)
{
	struct rows *rows = store_fetch_plan(conn, err);
	struct facts_row row;
	bool ok = rows != NULL;

	*rows_left = ok && rows_count(rows) > 0;
	for (int i = 0; ok && i < rows_count(rows); i++)
		ok = facts_read(rows, i, &row, err) && decide_row(conn, request, plan, &row, err);
	rows_free(rows);
	return ok;
}

static bool count_due(struct conn *conn, const struct plan_request *request, struct plan *plan,
		      struct error *err)
{
	int16_t bucket[BUCKETS];
	int buckets;

	if (request->subscription_id == 0)
		return store_count_due(conn, request->policy.as_of_us, &plan->counted, err);
	buckets = store_find(conn, request->subscription_id, bucket, err);
	for (int i = 0; i < buckets; i++)
		if (!store_count_due_one(conn, request->policy.as_of_us, bucket[i],
					 request->subscription_id, &plan->counted, err))
			return false;
	return buckets >= 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct plan_line *x = a, *y = b;
	int order = rule_place(x->rule) - rule_place(y->rule);

	if (order == 0)
		order = (int)y->action - (int)x->action;
	return order != 0 ? order : strcmp(x->reason, y->reason);
}

bool plan_make(struct conn *conn, const struct plan_request *request, struct plan *plan,
	       struct error *err)
{
	bool rows_left = true;
	bool ok = store_open_plan(conn, request->policy.as_of_us, request->subscription_id, err);

	plan->as_of_us = request->policy.as_of_us;
	while (ok && rows_left)
		ok = decide_fetched(conn, request, plan, &rows_left, err);
	ok = ok && count_due(conn, request, plan, err) &&
	     store_exponents(conn, &plan->exponents, err);
	conn_rollback(conn);
	totals_sort(&plan->totals);
	qsort(plan->line, (size_t)plan->lines, sizeof(plan->line[0]), compare_lines);
	return ok;
}

bool plan_adds_up(const struct plan *plan)
{
	int64_t outcomes = 0;

	for (int i = 0; i < plan->totals.lines; i++)
		outcomes += plan->totals.line[i].outcomes;
	return plan->subscriptions == plan->counted.due + plan->counted.held &&
	       plan->outcomes == outcomes;
}
