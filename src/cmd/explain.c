/* perennial explain: say what a run would do with one subscription, and why. */
#include "cmd/command.h"
#include "base/memory.h"
#include "cmd/explain_view.h"
#include "cmd/output.h"
#include "db/claim.h"
#include "db/explain.h"
#include "db/plan_cursor.h"

#include <stdio.h>
#include <stdlib.h>

static const enum option_id explain_options[] = { OPTION_AS_OF, OPTION_FORMAT, OPTION_END };

/* All steps of the row.  A run takes one that is very far behind in several batches; those of the
 * first are kept, and of the others the last. */
static bool decide_row(struct conn *conn, const struct policy *policy, struct explanation *e,
		       struct error *err)
{
	struct facts *ahead = &e->ahead.facts;
	struct step step[STEPS_MAX];
	int steps = decide_all(ahead, policy, e->step);

	e->steps = steps;
	e->last = e->step[steps - 1];
	while (step_opens(&e->last) && ahead->period_end_us <= policy->as_of_us) {
		if (!plan_more_boundaries(conn, &e->ahead, err))
			return false;
		steps = decide_all(ahead, policy, step);
		e->further += steps;
		e->last = step[steps - 1];
	}
	return true;
}

/* What would be done at the end of the period, if it were not on hold. */
static struct step decide_at_boundary(const struct facts *facts, const struct policy *policy)
{
	struct policy at_boundary = *policy;
	struct facts released = *facts;

	at_boundary.as_of_us = facts->period_end_us;
	released.hold_reason = NULL;
	return decide(&released, &at_boundary);
}

static int count_boundaries(const struct explanation *e)
{
	if (e->row.facts.status == STATUS_EXPIRED)
		return 0;
	return step_closes(&e->at_boundary) && !step_opens(&e->at_boundary) ? 1
									    : EXPLAIN_BOUNDARIES;
}

static bool explain_row(struct conn *conn, const struct policy *policy,
			const struct rows *lost_zones, struct explanation *e, struct error *err)
{
	const struct facts *f = &e->row.facts;

	e->due = f->status != STATUS_EXPIRED && f->period_end_us <= policy->as_of_us;
	e->at_boundary = decide_at_boundary(f, policy);
	e->most_boundaries = count_boundaries(e);
	if (!decide_row(conn, policy, e, err))
		return false;
	e->facts = explain_facts(conn, e->row.bucket, f->subscription_id, lost_zones, err);
	if (e->facts == NULL)
		return false;
	e->boundaries = explain_boundaries(conn, e->row.bucket, f->subscription_id, lost_zones,
					   e->most_boundaries, err);
	return e->boundaries != NULL;
}

static void print_all(const struct explanation *e, int count, const struct explain_about *about,
		      enum format format)
{
	if (format == FORMAT_JSON)
		explain_print_json_head(about);
	for (int i = 0; i < count; i++) {
		if (i > 0)
			printf(format == FORMAT_JSON ? "," : "\n");
		if (format == FORMAT_JSON)
			explain_print_json(&e[i], about);
		else
			explain_print_text(&e[i], about);
	}
	if (format == FORMAT_JSON)
		printf("]}\n");
}

/* Usually there is one row. */
static bool explain_rows(struct conn *conn, const struct explain_about *about,
			 const struct rows *rows, const struct rows *lost_zones, enum format format,
			 struct error *err)
{
	int count = rows_count(rows);
	struct explanation *e = memory_zeroed((size_t)count * sizeof(*e));
	bool ok = true;

	for (int i = 0; ok && i < count; i++)
		ok = facts_read(rows, i, &e[i].row, err) && facts_read(rows, i, &e[i].ahead, err) &&
		     explain_row(conn, about->policy, lost_zones, &e[i], err);
	if (ok)
		print_all(e, count, about, format);
	for (int i = 0; i < count; i++) {
		rows_free(e[i].facts);
		rows_free(e[i].boundaries);
	}
	free(e);
	return ok;
}

/* Reads and explains in one snapshot. */
static bool explain(struct conn *conn, const struct options *options, struct explain_about *about,
		    const struct rows *lost_zones, struct error *err)
{
	int64_t id = options->id;
	struct rows *rows = explain_begin(conn, about->policy->as_of_us, id, lost_zones, err);
	bool ok = rows != NULL && (rows_count(rows) > 0 || session_find(conn, id, err)) &&
		  currencies_read(conn, &about->currencies, err);

	ok = ok && explain_rows(conn, about, rows, lost_zones, options->format, err);
	rows_free(rows);
	conn_rollback(conn);
	return ok && output_finish(err);
}

static bool explain_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct options *options = &context->options;
	const struct session session = session_patient();
	struct server server;
	struct conn *conn = session_open(context, true, &session, &server, err);
	struct policy policy = { .max_periods = context->config.max_periods };
	struct explain_about about = { .server = &server, .policy = &policy };
	struct rows *lost_zones;
	bool ok;

	(void)code;
	if (conn == NULL)
		return false;
	policy.as_of_us = options->given[OPTION_AS_OF] ? options->as_of_us : server.clock_us;
	lost_zones = lost_time_zones(conn, err);
	ok = lost_zones != NULL && explain(conn, options, &about, lost_zones, err);
	rows_free(lost_zones);
	conn_close(conn);
	return ok;
}

const struct command command_explain = {
	.name = "explain",
	.usage = "explain [OPTIONS] ID",
	.summary = "say what run would do with a subscription, and why",
	.option = explain_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON,
	.takes = TAKES_ID,
	.example = {
		{ "explain 4711", "what a run would do now, and what comes next" },
		{ "explain 4711 --as-of 2026-12-01", "what a run would do then" },
		{ "explain 4711 --format json | jq '.subscriptions[].rules'", "for a program" },
	},
	.run = explain_main,
};
