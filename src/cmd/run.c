/* perennial run: process what is due. */
#include "cmd/command.h"
#include "cmd/output.h"
#include "base/clock.h"
#include "base/instant.h"
#include "base/log.h"
#include "db/bucket_store.h"
#include "run/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const enum option_id run_options[] = {
	OPTION_AS_OF,        OPTION_ALLOW_FUTURE, OPTION_BATCH_SIZE, OPTION_LIMIT,
	OPTION_SUBSCRIPTION, OPTION_FORMAT,       OPTION_DRY_RUN,    OPTION_END,
};

/* One run from its start to its end. */
struct run {
	struct work work;
	struct work_done done;
	struct due_count left;
	int64_t started_ms;
	enum exit_code code;
	struct rows *totals;
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
		.limits = { config->statement_timeout, config->lock_timeout },
		.batch_size =
			options->batch_size != 0 ? (int)options->batch_size : config->batch_size,
		.limit = options->limit,
		.subscription_id = options->subscription_id,
	};
	if (!store_start_run(conn, &start, &run->work.run_id, &run->work.policy.as_of_us, err))
		return false;
	log_event(LOG_NOTICE, "run_started", "run=%lld as_of=%s version=" PERENNIAL_VERSION,
		  (long long)run->work.run_id, instant_format(run->work.policy.as_of_us, as_of));
	return true;
}

static bool count_left(struct conn *conn, struct run *run, struct error *err)
{
	int16_t bucket[BUCKETS];
	int buckets;

	if (run->work.subscription_id == 0)
		return store_count_due(conn, run->work.policy.as_of_us, &run->left, err);
	buckets = store_find(conn, run->work.subscription_id, bucket, err);
	for (int i = 0; i < buckets; i++)
		if (!store_count_due_one(conn, run->work.policy.as_of_us, bucket[i],
					 run->work.subscription_id, &run->left, err))
			return false;
	return buckets >= 0;
}

static const char *result_of(enum exit_code code)
{
	return code == EXIT_DONE   ? "done"
	       : code == EXIT_HELD ? "held"
	       : code == EXIT_LEFT ? "left"
				   : "failed";
}

static void log_finish(const struct run *run)
{
	log_event(LOG_NOTICE, "run_finished",
		  "run=%lld result=%s exit=%d batches=%lld claimed=%lld outcomes=%lld held=%lld "
		  "left=%lld ms=%lld",
		  (long long)run->work.run_id, result_of(run->code), (int)run->code,
		  (long long)run->done.batches, (long long)run->done.claimed,
		  (long long)run->done.outcomes, (long long)run->done.held,
		  (long long)run->left.due, (long long)(clock_ms() - run->started_ms));
}

/* Closes the run's row after a failure where the connection still allows it; otherwise the view
 * run_state tells that the run died. */
static void finish_failed(struct conn *conn, struct run *run, const struct error *err)
{
	struct error ignored;

	run->code = err->code;
	conn_rollback(conn);
	if (!store_finish_run(conn, run->work.run_id, result_of(run->code), run->code, &ignored))
		log_event(LOG_WARNING, "run_not_closed", "run=%lld", (long long)run->work.run_id);
	log_finish(run);
}

static bool finish(struct conn *conn, struct run *run, struct error *err)
{
	if (!count_left(conn, run, err))
		return false;
	run->code = run->done.held > 0 ? EXIT_HELD : run->left.due > 0 ? EXIT_LEFT : EXIT_DONE;
	if (!store_finish_run(conn, run->work.run_id, result_of(run->code), run->code, err))
		return false;
	run->totals = store_run_totals(conn, run->work.run_id, err);
	if (run->totals == NULL)
		return false;
	log_finish(run);
	return true;
}

static void print_ended(const char *kind, int64_t outcomes)
{
	if (outcomes == 0)
		return;
	printf("  %-16s %13s", kind, "");
	output_count(outcomes, 11);
	putchar('\n');
}

/* What was billed, by kind and currency; what ended cost nothing and is one line a kind. */
static void print_totals_text(const struct rows *totals)
{
	int64_t expired = 0, trial_expired = 0;

	for (int i = 0; i < rows_count(totals); i++) {
		struct run_total t = run_total_at(totals, i);

		if (strcmp(t.kind, kind_name(KIND_EXPIRED)) == 0) {
			expired += t.subscriptions;
		} else if (strcmp(t.kind, kind_name(KIND_TRIAL_EXPIRED)) == 0) {
			trial_expired += t.subscriptions;
		} else {
			printf("  %-16s %13s", t.kind, t.currency);
			output_count(t.subscriptions, 11);
			output_decimal(t.amount_decimal, 25);
			putchar('\n');
		}
	}
	print_ended(kind_name(KIND_EXPIRED), expired);
	print_ended(kind_name(KIND_TRIAL_EXPIRED), trial_expired);
}

static void print_left(const struct run *run)
{
	if (run->left.due > 0) {
		output_count(run->left.due, 0);
		printf(" due subscriptions are left: %s\n",
		       run->work.limit != 0
			       ? "the limit was reached, or others hold their locks"
			       : "others hold their locks; the next run takes them up");
	}
	if (run->left.held > 0) {
		output_count(run->left.held, 0);
		printf(" due subscriptions are on hold\n");
	}
}

static void print_text(const struct run *run)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("perennial run %lld as of %s: ", (long long)run->work.run_id,
	       instant_format(run->work.policy.as_of_us, as_of));
	if (run->done.claimed == 0) {
		printf(run->left.due == 0 ? "nothing was due\n" : "nothing could be done\n");
	} else {
		output_count(run->done.claimed, 0);
		printf(" subscriptions, ");
		output_count(run->done.outcomes, 0);
		printf(" outcomes, ");
		output_count(run->done.held, 0);
		printf(" newly on hold\n");
	}
	print_totals_text(run->totals);
	print_left(run);
}

static void print_json(const struct run *run)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("{\"schema\":\"perennial.run/"
	       "1\",\"run_id\":%lld,\"as_of\":\"%s\",\"result\":\"%s\",\"exit_code\":%d,"
	       "\"batches\":%lld,\"subscriptions\":%lld,\"outcomes\":%lld,\"newly_held\":%lld,"
	       "\"left\":%lld,\"held\":%lld,\"totals\":[",
	       (long long)run->work.run_id, instant_format(run->work.policy.as_of_us, as_of),
	       result_of(run->code), (int)run->code, (long long)run->done.batches,
	       (long long)run->done.claimed, (long long)run->done.outcomes,
	       (long long)run->done.held, (long long)run->left.due, (long long)run->left.held);
	for (int i = 0; i < rows_count(run->totals); i++) {
		struct run_total t = run_total_at(run->totals, i);

		printf("%s{\"kind\":\"%s\",\"currency\":\"%s\",\"outcomes\":%lld,\"amount\":%s,"
		       "\"decimal\":\"%s\"}",
		       i > 0 ? "," : "", t.kind, t.currency, (long long)t.subscriptions, t.amount,
		       t.amount_decimal);
	}
	printf("]}\n");
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

static enum exit_code run_main(struct context *context, struct error *err)
{
	struct run run = { 0 };
	struct server server;
	struct conn *conn;
	bool ok;

	if (context->options.dry_run && context->options.limit != 0) {
		fail(err, EXIT_USAGE,
		     "--dry-run shows all that is due; --limit does not go with it");
		return err->code;
	}
	if (context->options.dry_run)
		return plan_command(context, err);
	conn = session_open(context, context->options.allow_future, &server, err);
	if (conn == NULL)
		return err->code;
	ok = process(conn, context, &run, err);
	if (ok) {
		if (context->options.format == FORMAT_JSON)
			print_json(&run);
		else
			print_text(&run);
	}
	rows_free(run.totals);
	conn_close(conn);
	return ok && output_finish(err) ? run.code : err->code;
}

const struct command command_run = {
	.name = "run",
	.usage = "run [OPTIONS]",
	.summary = "renew, convert and expire what is due",
	.option = run_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON,
	.run = run_main,
};
