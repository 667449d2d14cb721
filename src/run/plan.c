/* A plan: reading what is due, and deciding it. */
#include "run/plan.h"
#include "base/memory.h"
#include "db/claim.h"
#include "db/facts_rows.h"
#include "db/plan_cursor.h"
#include "run/plan_sums.h"

#include <stdlib.h>

/* A plan on its way. */
struct reading {
	struct conn *conn;
	const struct plan_request *request;
	struct plan *plan;
	int16_t bucket;    /* of the last row that a run would claim; -1: there was none */
	int64_t in_bucket; /* so many of them */
};

static bool add_steps(struct reading *r, const struct facts *f, const struct step *step, int steps,
		      struct error *err)
{
	const struct plan_request *request = r->request;
	struct plan_step s = { .subscription_id = f->subscription_id, .account_id = f->account_id };

	for (int i = 0; i < steps; i++) {
		s.step = step[i];
		plan_add(r->plan, &s);
		if (request->visit != NULL && !request->visit(request->visitor, &s, err))
			return false;
	}
	return true;
}

/* Of what a transaction does in several buckets, each is a batch. */
static void count_batch(struct reading *r, const struct facts_row *row)
{
	if (row->facts.hold_reason != NULL)
		return;
	if (row->bucket != r->bucket)
		r->in_bucket = 0;
	r->bucket = row->bucket;
	r->plan->batches += r->in_bucket++ % r->request->batch_size == 0;
}

/* All steps of a row.  A run takes one that is very far behind in several batches; here its further
 * boundaries are read from the same snapshot. */
static bool decide_row(struct reading *r, struct facts_row *row, struct error *err)
{
	struct step step[STEPS_MAX];
	int closed = 0;

	r->plan->subscriptions++;
	count_batch(r, row);
	for (bool first = true;; first = false) {
		int steps = decide_all(&row->facts, &r->request->policy, step);

		/* A subscription is counted where its first step is. */
		plan_line_of(r->plan, &step[0])->subscriptions += first;
		for (int i = 0; i < steps; i++)
			closed += step_closes(&step[i]);
		if (!add_steps(r, &row->facts, step, steps, err))
			return false;
		if (!step_opens(&step[steps - 1]) ||
		    row->facts.period_end_us > r->request->policy.as_of_us)
			break;
		if (!plan_more_boundaries(r->conn, row, err))
			return false;
	}
	r->plan->behind += closed > 1;
	return true;
}

/* Decides the next rows of the cursor; *rows_left is false at its end. */
static bool decide_fetched(struct reading *r, bool *rows_left, struct error *err)
{
	struct rows *rows = plan_cursor_fetch(r->conn, err);
	struct facts_row row;
	bool ok = rows != NULL;

	*rows_left = ok && rows_count(rows) > 0;
	for (int i = 0; ok && i < rows_count(rows); i++)
		ok = facts_read(rows, i, &row, err) && decide_row(r, &row, err);
	rows_free(rows);
	return ok;
}

static bool read_offers(struct reading *r, struct error *err)
{
	struct plan *plan = r->plan;

	if (!offers_read(r->conn, &plan->offers, err))
		return false;
	plan->offer = memory_zeroed((size_t)(plan->offers.plans + 1) * sizeof(*plan->offer));
	return true;
}

static bool read_snapshot(struct reading *r, const struct rows *lost_zones, struct error *err)
{
	int64_t as_of_us = r->request->policy.as_of_us, id = r->request->subscription_id;
	struct plan *plan = r->plan;
	bool rows_left = true;
	bool ok = plan_cursor_open(r->conn, as_of_us, id, lost_zones, err) && read_offers(r, err);

	while (ok && rows_left)
		ok = decide_fetched(r, &rows_left, err);
	ok = ok && due_count(r->conn, as_of_us, id, &plan->counted, err) &&
	     currencies_read(r->conn, &plan->currencies, err) &&
	     outlook_read(r->conn, as_of_us, &plan->outlook, err);
	conn_rollback(r->conn);
	return ok;
}

bool plan_make(struct conn *conn, const struct plan_request *request, struct plan *plan,
	       struct error *err)
{
	struct reading r = { .conn = conn, .request = request, .plan = plan, .bucket = -1 };
	struct rows *lost_zones = lost_time_zones(conn, err);
	bool ok;

	if (lost_zones == NULL)
		return false;
	plan->as_of_us = request->policy.as_of_us;
	ok = read_snapshot(&r, lost_zones, err);
	rows_free(lost_zones);
	plan_sort(plan);
	return ok;
}

void plan_release(struct plan *plan)
{
	offers_release(&plan->offers);
	free(plan->offer);
	plan->offer = NULL;
}
