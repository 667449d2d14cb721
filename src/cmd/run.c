/* perennial run: process what is due. */
#include "cmd/command.h"
#include "base/clock.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/memory.h"
#include "cmd/output.h"
#include "cmd/run_view.h"
#include "db/run_row.h"

#include <stdlib.h>
#include <unistd.h>

static const enum option_id run_options[] = {
	OPTION_AS_OF,        OPTION_ALLOW_FUTURE, OPTION_BATCH_SIZE, OPTION_LIMIT,
	OPTION_SUBSCRIPTION, OPTION_FORMAT,       OPTION_DRY_RUN,    OPTION_END,
};

static bool start(struct conn *conn, const struct context *context, struct run *run,
		  struct error *err)
{
	const struct options *options = &context->options;
	const struct config *config = &context->config;
	char host[256] = "", as_of[INSTANT_TEXT_SIZE];
	struct run_start start = {
		.as_of_us = options->as_of_given ? &options->as_of_us : NULL,
		.host = host,
		.pid = (int)getpid(),
		.version = PERENNIAL_VERSION,
		.invocation_id = getenv("INVOCATION_ID"),
		.config = config->text,
		.config_size = config->text_size,
	};

	gethostname(host, sizeof(host) - 1);
	run->started_ms = clock_ms();
	run->work = (struct work){
		.policy.max_periods = config->max_periods,
		.batch_size =
			options->batch_size != 0 ? (int)options->batch_size : config->batch_size,
		.limit = options->limit,
		.subscription_id = options->subscription_id,
	};
	if (!run_row_start(conn, &start, &run->work.run_id, &run->work.policy.as_of_us, err))
		return false;
	log_event(LOG_NOTICE, "run_started", "run=%lld as_of=%s version=" PERENNIAL_VERSION,
		  (long long)run->work.run_id, instant_format(run->work.policy.as_of_us, as_of));
	return true;
}

static void log_finish(const struct run *run)
{
	log_event(LOG_NOTICE, "run_finished",
		  "run=%lld result=%s exit=%d batches=%lld claimed=%lld outcomes=%lld held=%lld "
		  "left=%lld ms=%lld",
		  (long long)run->work.run_id, run_result(run->code), (int)run->code,
		  (long long)run->done.batches, (long long)run->done.claimed,
		  (long long)run->done.outcomes, (long long)run->done.held,
		  (long long)run->left.free, (long long)(clock_ms() - run->started_ms));
}

/* Closes the run's row after a failure where the connection still allows it; otherwise the view
 * run_state tells that the run died. */
static void finish_failed(struct conn *conn, struct run *run, const struct error *err)
{
	struct error ignored;

	run->code = err->code;
	conn_rollback(conn);
	if (!run_row_finish(conn, run->work.run_id, run_result(run->code), run->code, &ignored))
		log_event(LOG_WARNING, "run_not_closed", "run=%lld", (long long)run->work.run_id);
	log_finish(run);
}

/* The row is closed last: what it says is then what the process answers, but for output that cannot
 * be written. */
static bool finish(struct conn *conn, struct run *run, struct error *err)
{
	if (!due_count(conn, run->work.policy.as_of_us, run->work.subscription_id, &run->left, err))
		return false;
	run->code = run->done.held > 0 ? EXIT_HELD : run->left.free > 0 ? EXIT_LEFT : EXIT_DONE;
	if (!run_row_totals(conn, run->work.run_id, &run->totals, err) ||
	    !currencies_read(conn, &run->currencies, err) ||
	    !run_row_finish(conn, run->work.run_id, run_result(run->code), run->code, err))
		return false;
	log_finish(run);
	return true;
}

static bool process(struct conn *conn, const struct context *context, struct run *run,
		    struct error *err)
{
	if (!start(conn, context, run, err))
		return false;
	if (worker_run(conn, &run->work, &run->done, err) && finish(conn, run, err))
		return true;
	finish_failed(conn, run, err);
	return false;
}

static bool print_run(const struct run *run, enum format format, struct error *err)
{
	if (format == FORMAT_JSON)
		run_print_json(run);
	else
		run_print_text(run);
	return output_finish(err);
}

static bool run_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct options *options = &context->options;
	const struct session session = { context->config.prepared_statements,
					 context->config.statement_timeout,
					 context->config.lock_timeout };
	struct server server;
	struct conn *conn;
	struct run *run;
	bool ok;

	if (options->dry_run && options->limit != 0)
		return fail(err, EXIT_USAGE,
			    "--dry-run shows all that is due; it takes no --limit");
	if (options->dry_run)
		return plan_main(context, code, err);
	conn = session_open(context, options->allow_future, &session, &server, err);
	if (conn == NULL)
		return false;
	run = memory_zeroed(sizeof(*run));
	ok = process(conn, context, run, err) && print_run(run, options->format, err);
	*code = run->code;
	free(run);
	conn_close(conn);
	return ok;
}

const struct command command_run = {
	.name = "run",
	.usage = "run [OPTIONS]",
	.summary = "renew, convert and expire what is due",
	.option = run_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON,
	.run = run_main,
};
