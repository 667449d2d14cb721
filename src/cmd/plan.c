/* perennial plan: say what run would do, and write nothing. */
#include "cmd/command.h"
#include "base/memory.h"
#include "cmd/output.h"
#include "cmd/plan_view.h"

#include <stdlib.h>

static const enum option_id plan_options[] = {
	OPTION_AS_OF, OPTION_SUBSCRIPTION, OPTION_FORMAT, OPTION_DETAILED_EXITCODE, OPTION_END,
};

static void print_plan(const struct plan *plan, const struct plan_about *about, enum format format)
{
	if (format == FORMAT_TEXT)
		plan_print_text(plan, about);
	else if (format == FORMAT_JSON)
		plan_print_json(plan, about);
}

/* A brake that a run may pull earlier: it also counts rows that the server refuses. */
static bool check_limits(const struct plan *plan, const struct config *config, struct error *err)
{
	if (config->max_held == 0 || plan->newly_held <= config->max_held)
		return true;
	fail(err, EXIT_LIMIT,
	     "a run would put %lld subscriptions on hold, more than "
	     "limits.max_held = %d, and stop",
	     (long long)plan->newly_held, config->max_held);
	return fail_hint(err, "raise limits.max_held if that is right");
}

static bool make_and_print(struct conn *conn, const struct context *context,
			   const struct server *server, struct plan *plan, struct error *err)
{
	const struct options *options = &context->options;
	struct plan_about about = { server, options->subscription_id };
	struct plan_request request = {
		.policy = { options->given[OPTION_AS_OF] ? options->as_of_us : server->clock_us,
			    context->config.max_periods },
		.subscription_id = options->subscription_id,
		.visit = options->format == FORMAT_JSONL ? plan_print_jsonl
			 : options->format == FORMAT_CSV ? plan_print_csv
							 : NULL,
	};

	if (options->format == FORMAT_CSV)
		plan_print_csv_header();
	if (!plan_make(conn, &request, plan, err))
		return false;
	print_plan(plan, &about, options->format);
	if (!output_finish(err))
		return false;
	if (!plan_adds_up(plan))
		return fail(err, EXIT_INTERNAL, "the parts of the plan do not add up");
	return check_limits(plan, &context->config, err);
}

bool plan_main(struct context *context, enum exit_code *code, struct error *err)
{
	/* However long it takes: it is in nobody's way. */
	const struct session session = { context->config.prepared_statements, 0, 0, NULL };
	struct server server;
	struct conn *conn = session_open(context, true, &session, &server, err);
	struct plan *plan;
	bool ok;

	if (conn == NULL)
		return false;
	plan = memory_zeroed(sizeof(*plan));
	ok = make_and_print(conn, context, &server, plan, err);
	if (context->options.detailed_exitcode && plan->outcomes + plan->newly_held > 0)
		*code = EXIT_WORK;
	free(plan);
	conn_close(conn);
	return ok;
}

const struct command command_plan = {
	.name = "plan",
	.usage = "plan [OPTIONS]",
	.summary = "say what run would do, and write nothing",
	.option = plan_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON | 1U << FORMAT_JSONL | 1U << FORMAT_CSV,
	.example = {
		{ "plan", "what would be done now" },
		{ "plan --as-of 2026-12-01", "what will be due by then" },
		{ "plan --format csv > plan.csv", "a row for each step" },
	},
	.run = plan_main,
};
