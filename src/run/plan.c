/* A plan: reading what is due, deciding it, adding it up. */
#include "run/plan.h"
#include "base/text.h"
#include "db/claim.h"
#include "db/facts_rows.h"
#include "db/plan_cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan_line *find_line(struct plan *plan, const struct step *step, const char *reason)
{
	for (int i = 0; i < plan->lines; i++) {
		struct plan_line *line = &plan->line[i];

		if (line->rule == step->rule && line->action == step->action &&
		    strcmp(line->reason, reason) == 0)
			return line;
	}
	return NULL;
}

/* The line of a step: the one there is, or a new one. */
static struct plan_line *line_of(struct plan *plan, const struct step *step)
{
	char reason[PLAN_REASON_SIZE] = "";
	struct plan_line *line;

	/* Why something ends is its rule's own; holds have many reasons, and people add theirs. */
	if (!step_closes(step) && step->reason != NULL)
		text_cut(reason, sizeof(reason), step->reason);
	line = find_line(plan, step, reason);
	if (line == NULL && plan->lines >= PLAN_REASONS_MAX && reason[0] != '\0') {
		snprintf(reason, sizeof(reason), "other");
		line = find_line(plan, step, reason);
	}
	if (line == NULL) {
		line = &plan->line[plan->lines++];
		*line = (struct plan_line){ .rule = step->rule, .action = step->action };
		memcpy(line->reason, reason, sizeof(reason));
	}
	return line;
}

static void add_sample(struct plan_line *line, const struct plan_step *step)
{
	if (line->samples == PLAN_SAMPLES_MAX)
		return;
	line->sample[line->samples] = *step;
	/* A hold's reason is borrowed from rows that will be gone when the sample is shown. */
	line->sample[line->samples++].step.reason = NULL;
}

static void add_step(struct plan *plan, const struct plan_step *step)
{
	struct plan_line *line = line_of(plan, &step->step);

	add_sample(line, step);
	if (step->step.action == ACTION_HOLD)
		plan->newly_held++;
	if (step_closes(&step->step)) {
		line->outcomes++;
		plan->outcomes++;
		totals_add(&plan->totals, &step->step);
	}
}

static bool add_steps(struct plan *plan, const struct plan_request *request, const struct facts *f,
		      const struct step *step, int steps, struct error *err)
{
	struct plan_step s = { .subscription_id = f->subscription_id, .account_id = f->account_id };

	for (int i = 0; i < steps; i++) {
		s.step = step[i];
		add_step(plan, &s);
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

	plan->subscriptions++;
	for (bool first = true;; first = false) {
		int steps = decide_all(&row->facts, &request->policy, step);

		/* A subscription is counted where its first step is. */
		line_of(plan, &step[0])->subscriptions += first;
		if (!add_steps(plan, request, &row->facts, step, steps, err))
			return false;
		if (!step_opens(&step[steps - 1]) ||
		    row->facts.period_end_us > request->policy.as_of_us)
			return true;
		if (!plan_more_boundaries(conn, row, err))
			return false;
	}
}

/* Decides the next rows of the cursor; *rows_left is false at its end. */
static bool decide_fetched(struct conn *conn, const struct plan_request *request, struct plan *plan,
			   bool *rows_left, struct error *err)
{
	struct rows *rows = plan_cursor_fetch(conn, err);
	struct facts_row row;
	bool ok = rows != NULL;

	*rows_left = ok && rows_count(rows) > 0;
	for (int i = 0; ok && i < rows_count(rows); i++)
		ok = facts_read(rows, i, &row, err) && decide_row(conn, request, plan, &row, err);
	rows_free(rows);
	return ok;
}

/* By rule; what goes on hold before what goes on. */
static int compare_lines(const void *a, const void *b)
{
	const struct plan_line *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return strcmp(x->reason, y->reason);
}

static bool read_snapshot(struct conn *conn, const struct plan_request *request,
			  const struct rows *lost_zones, struct plan *plan, struct error *err)
{
	int64_t as_of_us = request->policy.as_of_us, subscription_id = request->subscription_id;
	bool rows_left = true;
	bool ok = plan_cursor_open(conn, as_of_us, subscription_id, lost_zones, err);

	while (ok && rows_left)
		ok = decide_fetched(conn, request, plan, &rows_left, err);
	ok = ok && due_count(conn, as_of_us, subscription_id, &plan->counted, err) &&
	     currencies_read(conn, &plan->currencies, err);
	conn_rollback(conn);
	return ok;
}

bool plan_make(struct conn *conn, const struct plan_request *request, struct plan *plan,
	       struct error *err)
{
	struct rows *lost_zones = lost_time_zones(conn, err);
	bool ok;

	if (lost_zones == NULL)
		return false;
	plan->as_of_us = request->policy.as_of_us;
	ok = read_snapshot(conn, request, lost_zones, plan, err);
	rows_free(lost_zones);
	totals_sort(&plan->totals);
	qsort(plan->line, (size_t)plan->lines, sizeof(plan->line[0]), compare_lines);
	return ok;
}

bool plan_adds_up(const struct plan *plan)
{
	int64_t subscriptions = 0, by_rule = 0, by_currency = 0;

	for (int i = 0; i < plan->lines; i++) {
		subscriptions += plan->line[i].subscriptions;
		by_rule += plan->line[i].outcomes;
	}
	for (int i = 0; i < plan->totals.lines; i++)
		by_currency += plan->totals.line[i].outcomes;
	return subscriptions == plan->counted.free + plan->counted.held && by_rule == by_currency;
}
