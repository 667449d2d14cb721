/* perennial plan: say what run would do, and write nothing. */
#include "cmd/command.h"
#include "base/instant.h"
#include "base/memory.h"
#include "cmd/limits.h"
#include "cmd/output.h"
#include "cmd/plan_seen.h"
#include "cmd/plan_view.h"

#include <stdlib.h>

static const enum option_id plan_options[] = {
	OPTION_AS_OF,  OPTION_HORIZON,           OPTION_SUBSCRIPTION,
	OPTION_FORMAT, OPTION_DETAILED_EXITCODE, OPTION_END,
};

static void print_plan(const struct plan *plan, const struct plan_about *about, enum format format)
{
	if (format == FORMAT_TEXT)
		plan_print_text(plan, about);
	else if (format == FORMAT_JSON)
		plan_print_json(plan, about);
}

/* A forecast spans many runs: no limit is one of it. */
static bool read_limits(struct conn *conn, const struct context *context, struct limits *limits,
			struct error *err)
{
	struct currencies currencies;

	*limits = (struct limits){ 0 };
	return context->options.horizon_us != 0 ||
	       (currencies_read(conn, &currencies, err) &&
		limits_read(&context->config, &currencies, limits, err));
}

/* False, with EXIT_USAGE, for a horizon beyond what an instant may be. */
static bool make_request(const struct context *context, const struct server *server,
			 struct plan_request *request, struct error *err)
{
	const struct options *options = &context->options;
	int64_t from_us = options->given[OPTION_AS_OF] ? options->as_of_us : server->clock_us;

	*request = (struct plan_request){
		.policy = { .as_of_us = from_us + options->horizon_us,
			    .max_periods = context->config.max_periods,
			    .on_time = options->horizon_us != 0 },
		.subscription_id = options->subscription_id,
		.batch_size = batch_size_of(context),
		.visit = options->format == FORMAT_JSONL ? plan_print_jsonl
			 : options->format == FORMAT_CSV ? plan_print_csv
							 : NULL,
	};
	return request->policy.as_of_us <= INSTANT_AS_OF_MAX ||
	       fail(err, EXIT_USAGE, "--horizon ends after the year 2999");
}

static bool make_and_print(struct conn *conn, const struct context *context,
			   const struct server *server, struct plan *plan, struct error *err)
{
	const struct options *options = &context->options;
	struct plan_about about = { .server = server,
				    .config_path = context->config.text != NULL
							   ? context->config.path
							   : NULL,
				    .subscription_id = options->subscription_id,
				    .horizon_us = options->horizon_us,
				    .allowed = options->allow_over };
	struct plan_request request;
	struct limits limits;

	if (!make_request(context, server, &request, err) ||
	    !read_limits(conn, context, &limits, err))
		return false;
	if (options->format == FORMAT_CSV)
		plan_print_csv_header();
	if (!plan_make_seen(conn, &request, context->quiet, plan, err))
		return false;
	about.checks = limits_check(&limits, &plan->totals, plan->newly_held, about.check);
	print_plan(plan, &about, options->format);
	if (!output_finish(err))
		return false;
	if (!plan_adds_up(plan))
		return fail(err, EXIT_INTERNAL, "the parts of the plan do not add up");
	return limits_obeyed(about.check, about.checks, about.allowed, &plan->currencies, err);
}

bool plan_main(struct context *context, enum exit_code *code, struct error *err)
{
	struct session session = session_patient();
	struct server server;
	struct conn *conn;
	struct plan *plan;
	bool ok;

	/* It fetches often. */
	session.prepares = context->config.prepared_statements;
	conn = session_open(context, true, &session, &server, err);
	if (conn == NULL)
		return false;
	plan = memory_zeroed(sizeof(*plan));
	ok = make_and_print(conn, context, &server, plan, err);
	if (context->options.detailed_exitcode && plan->outcomes + plan->newly_held > 0)
		*code = EXIT_WORK;
	plan_release(plan);
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
		{ "plan --horizon 30d", "what will renew in the next thirty days, and for how much" },
		{ "plan --format csv > plan.csv", "a row for each step" },
	},
	.run = plan_main,
};
