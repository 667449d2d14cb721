/* perennial run: process what is due. */
#include "cmd/command.h"
#include "base/clock.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "cmd/brake.h"
#include "cmd/limits.h"
#include "cmd/metrics_file.h"
#include "cmd/output.h"
#include "cmd/crew_seen.h"
#include "cmd/run_view.h"
#include "run/crew.h"
#include "run/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME_SIZE 40

#define FINISH_MS 5000

static const enum option_id run_options[] = {
	OPTION_ALLOW_OVER, OPTION_ALLOW_REASON, OPTION_AS_OF, OPTION_ALLOW_FUTURE,
	OPTION_WORKERS,    OPTION_BATCH_SIZE,   OPTION_LIMIT, OPTION_SUBSCRIPTION,
	OPTION_FORMAT,     OPTION_DRY_RUN,      OPTION_END,
};

/* What a run consists of; its parts borrow from each other. */
struct shift {
	const struct context *context;
	struct session session;
	char session_name[NAME_SIZE];
	struct conn *conn;
	struct crew crew;
	struct recovery recovery; /* of what is done beside the workers */
	struct run run;
	char stopped_by[STOP_REASON_SIZE];
	bool summed_up;
	int64_t started_ms;
};

static void begin(struct shift *shift, const struct context *context)
{
	const struct config *config = &context->config;
	const struct options *options = &context->options;
	struct crew *crew = &shift->crew;

	shift->context = context;
	shift->session = session_of(config);
	crew->conninfo = context->conninfo;
	crew->session = &shift->session;
	crew->retry_for_ms = config->retry_for_ms;
	crew->work = (struct work){
		.policy.max_periods = config->max_periods,
		.batch_size = batch_size_of(context),
		.subscription_id = options->subscription_id,
	};
	stop_init(&crew->stop);
	tally_init(&crew->tally, options->limit,
		   limits_allowed(options->allow_over, "max_held") ? 0 : config->max_held);
	pace_init(&crew->pace, config->max_rows_per_second);
	shift->recovery = (struct recovery){ .budget_ms = config->retry_for_ms,
					     .stop = &crew->stop,
					     .gives_up_at = STOP_NEVER };
}

static void end(struct shift *shift)
{
	conn_close(shift->conn);
	tally_release(&shift->crew.tally);
	pace_release(&shift->crew.pace);
	stop_release(&shift->crew.stop);
}

/* A server that is just starting is waited for. */
static bool connect_first(struct shift *shift, struct error *err)
{
	const struct context *context = shift->context;
	struct server server;

	do
		shift->conn = session_open(context, context->options.allow_future, &shift->session,
					   &server, err);
	while (shift->conn == NULL && recovery_try(&shift->recovery, NULL, err));
	recovery_reset(&shift->recovery);
	return shift->conn != NULL;
}

static bool start_row(struct shift *shift, struct error *err)
{
	const struct config *config = &shift->context->config;
	const struct options *options = &shift->context->options;
	struct run *run = &shift->run;
	char host[256] = "";
	struct run_start start = {
		.as_of_us = options->given[OPTION_AS_OF] ? &options->as_of_us : NULL,
		.subscription_id = options->subscription_id,
		.allow_over = options->allow_over,
		.allow_reason = options->reason,
		.host = host,
		.pid = (int)getpid(),
		.version = PERENNIAL_VERSION,
		.invocation_id = getenv("INVOCATION_ID"),
		.config = config->text,
		.config_size = config->text_size,
	};

	gethostname(host, sizeof(host) - 1);
	return run_row_start(shift->conn, &start, &run->run_id, &run->as_of_us, err);
}

static bool start(struct shift *shift, struct error *err)
{
	struct run *run = &shift->run;
	struct work *work = &shift->crew.work;
	char as_of[INSTANT_TEXT_SIZE];

	while (!start_row(shift, err))
		if (!recovery_try(&shift->recovery, shift->conn, err))
			return false;
	recovery_reset(&shift->recovery);
	work->run_id = run->run_id;
	work->policy.as_of_us = run->as_of_us;
	snprintf(shift->session_name, sizeof(shift->session_name), "perennial run=%lld",
		 (long long)run->run_id);
	shift->session.application_name = shift->session_name;
	log_event(LOG_NOTICE, "run_started", "run=%lld as_of=%s version=" PERENNIAL_VERSION,
		  (long long)run->run_id, instant_format(run->as_of_us, as_of));
	return true;
}

static void log_finish(const struct shift *shift)
{
	const struct run *run = &shift->run;
	const struct run_sums *sums = &run->sums;
	char status[RUN_STATUS_SIZE];

	notify_status(run_status(run, status));
	log_event(LOG_NOTICE, "run_finished",
		  "run=%lld result=%s exit=%d stopped_by=%s batches=%lld claimed=%lld "
		  "outcomes=%lld held=%lld failed=%lld left=%lld ms=%lld",
		  (long long)run->run_id, run_result(run->code), (int)run->code,
		  run->stopped_by != NULL ? run->stopped_by : "none", (long long)sums->batches,
		  (long long)sums->claimed, (long long)sums->outcomes, (long long)sums->held,
		  (long long)run->failed, (long long)run->left.free,
		  (long long)(clock_ms() - shift->started_ms));
}

/* Writes the end into the run's row; left is NULL where it is not known. */
static bool close_row(struct shift *shift, const char *stopped_by, const struct due *left,
		      struct error *err)
{
	const struct run *run = &shift->run;
	const struct run_end end = {
		.as_of_us = run->as_of_us,
		.subscription_id = shift->crew.work.subscription_id,
		.allow_over = shift->context->options.allow_over,
		.allow_reason = shift->context->options.reason,
		.result = run_result(run->code),
		.code = run->code,
		.stopped_by = stopped_by,
		.left = left,
		.failed = run->failed,
	};

	return run_row_finish(shift->conn, run->run_id, &end, err);
}

/* Closes the run's row after a failure where the connection still allows it; otherwise the view
 * run_state tells that the run died.  The sums are then as the workers count them. */
static void finish_failed(struct shift *shift, struct error *err)
{
	const struct work_done *done = &shift->crew.tally.done;
	struct run *run = &shift->run;
	struct error ignored;

	if (err->code == EXIT_NO_SERVER)
		err->code = EXIT_LOST;
	run->code = err->code;
	run->failed = shift->crew.tally.failures.rows;
	run->sums.batches = done->batches;
	run->sums.claimed = done->claimed;
	run->sums.outcomes = done->outcomes;
	run->sums.held = done->held;
	conn_rollback(shift->conn);
	if (!close_row(shift, "failure", NULL, &ignored))
		log_event(LOG_WARNING, "run_not_closed", "run=%lld", (long long)run->run_id);
	log_finish(shift);
}

static enum exit_code code_of(const struct run *run, enum exit_code worked)
{
	if (worked == EXIT_LIMIT)
		return EXIT_LIMIT;
	if (run->sums.held + run->failed > 0)
		return EXIT_HELD;
	return run->left.free > 0 ? EXIT_LEFT : EXIT_DONE;
}

/* What the run tells, from the database.  It is worked out once, so that a row whose closing was
 * committed and not answered says the same as the process. */
static bool sum_up(struct shift *shift, enum exit_code worked, struct error *err)
{
	struct run *run = &shift->run;
	struct conn *conn = shift->conn;

	if (shift->summed_up)
		return true;
	run->failed = shift->crew.tally.failures.rows;
	if (!due_count(conn, run->as_of_us, shift->crew.work.subscription_id, &run->left, err) ||
	    !run_row_sums(conn, run->run_id, &run->sums, err) ||
	    !currencies_read(conn, &run->currencies, err))
		return false;
	run->code = code_of(run, worked);
	shift->summed_up = true;
	return true;
}

/* Whoever asked it to stop is not kept waiting for a server that is gone. */
static void hurry(struct shift *shift)
{
	if (!stop_asked(&shift->crew.stop))
		return;
	if (shift->recovery.budget_ms > FINISH_MS)
		shift->recovery.budget_ms = FINISH_MS;
	if (shift->session.statement_timeout_ms > FINISH_MS)
		shift->session.statement_timeout_ms = FINISH_MS;
}

static bool finish(struct shift *shift, enum exit_code worked, struct error *err)
{
	hurry(shift);
	while (!(sum_up(shift, worked, err) &&
		 close_row(shift, shift->run.stopped_by, &shift->run.left, err))) {
		hurry(shift);
		if (!recovery_try(&shift->recovery, shift->conn, err))
			return false;
	}
	log_finish(shift);
	return true;
}

/* The limits that are known before, within the budget. */
static bool check_limits(struct shift *shift, struct error *err)
{
	struct crew *crew = &shift->crew;
	char over[LIMIT_NAME_SIZE];

	while (!brake_check(shift->context, &crew->work, &crew->stop, shift->conn, over, err)) {
		if (err->code == EXIT_LIMIT) {
			stop_at_limit(&crew->stop, over);
			stop_fail(&crew->stop, err);
			return false;
		}
		if (!recovery_try(&shift->recovery, shift->conn, err))
			return false;
	}
	recovery_reset(&shift->recovery);
	return true;
}

/* At a limit the run ends in order: what it did is told, and then why it went no further. */
static bool work(struct shift *shift, struct error *err)
{
	const struct context *context = shift->context;
	int workers = context->options.workers != 0 ? (int)context->options.workers
						    : context->config.workers;
	struct error fault = { 0 };
	bool ok = check_limits(shift, &fault) &&
		  crew_run_seen(&shift->crew, workers, context->quiet, &fault);

	crew_rest(&shift->crew);
	stop_reason(&shift->crew.stop, shift->stopped_by);
	if (shift->stopped_by[0] != '\0')
		shift->run.stopped_by = shift->stopped_by;
	if (ok || fault.code == EXIT_LIMIT) {
		if (finish(shift, ok ? EXIT_DONE : EXIT_LIMIT, err))
			return true;
	} else {
		*err = fault;
	}
	finish_failed(shift, err);
	return false;
}

static void cancel(void *crew)
{
	crew_cancel(crew);
}

/* Signals count until the run's row is closed. */
static bool process(struct shift *shift, struct error *err)
{
	struct watch watch = { .stop = &shift->crew.stop,
			       .deadline_ms = shift->context->config.deadline_ms,
			       .cancel = cancel,
			       .subject = &shift->crew };
	bool ok;

	if (!start(shift, err))
		return false;
	crew_init(&shift->crew, shift->conn);
	ok = watch_begin(&watch, err);
	if (ok) {
		ok = work(shift, err);
		watch_end(&watch);
	} else {
		finish_failed(shift, err);
	}
	crew_release(&shift->crew);
	return ok;
}

/* Why it stopped at a limit is more than that nobody reads its summary. */
static bool print_run(const struct shift *shift, struct error *err)
{
	bool written;

	if (shift->context->options.format == FORMAT_JSON)
		run_print_json(&shift->run);
	else
		run_print_text(&shift->run);
	written = output_finish(err);
	if (shift->run.code == EXIT_LIMIT)
		*err = shift->crew.stop.err;
	return written && shift->run.code != EXIT_LIMIT;
}

static bool run_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct options *options = &context->options;
	struct shift *shift;
	bool ok;

	if (options->dry_run && options->limit != 0)
		return fail(err, EXIT_USAGE,
			    "--dry-run shows all that is due; it takes no --limit");
	if ((options->allow_over != NULL) != (options->reason != NULL))
		return fail(err, EXIT_USAGE, "--allow-over and --reason are given together");
	if (!limits_check_names(&context->config, options->allow_over, err))
		return false;
	if (options->dry_run)
		return plan_main(context, code, err);
	shift = memory_zeroed(sizeof(*shift));
	shift->started_ms = clock_ms();
	begin(shift, context);
	ok = connect_first(shift, err) && process(shift, err) && print_run(shift, err);
	/* The run is over: nobody waits long for these, and a signal would wait for them. */
	shift->session.statement_timeout_ms = FINISH_MS;
	*code = metrics_after_run(shift->conn, context->config.metrics_file, shift->run.code);
	end(shift);
	free(shift);
	return ok;
}

const struct command command_run = {
	.name = "run",
	.usage = "run [OPTIONS]",
	.summary = "renew, convert and expire what is due",
	.option = run_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON,
	.writes = true,
	.example = {
		{ "run --limit 100", "stop after 100 subscriptions, as a first try" },
		{ "run --allow-over max_expired --reason 'the promotion ends'", "pass a limit, once" },
		{ "run --as-of 2026-11-23T02:00Z --format json", "what was due at two o'clock; the summary as JSON" },
	},
	.run = run_main,
};
