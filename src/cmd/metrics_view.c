/* The metrics in the text format of Prometheus: all of them gauges. */
#include "cmd/metrics_view.h"
#include "base/instant.h"

#include <string.h>

/* From Prometheus' epoch to ours: 1970 to 2000. */
#define EPOCH_SECONDS INT64_C(946684800)

static void head(FILE *to, const char *name, const char *help)
{
	fprintf(to, "# HELP perennial_%s %s\n# TYPE perennial_%s gauge\n", name, help, name);
}

/* A value with one label, as text of any length. */
static void labelled(FILE *to, const char *name, const char *label, const char *of,
		     const char *value)
{
	fprintf(to, "perennial_%s{%s=\"", name, label);
	for (; *of != '\0'; of++) {
		if (*of == '\\' || *of == '"')
			putc('\\', to);
		if (*of == '\n')
			fputs("\\n", to);
		else
			putc(*of, to);
	}
	fprintf(to, "\"} %s\n", value);
}

static void gauge(FILE *to, const char *name, const char *help, int64_t value)
{
	head(to, name, help);
	fprintf(to, "perennial_%s %lld\n", name, (long long)value);
}

/* Microseconds, as seconds; 0 where the server's clock was put back meanwhile. */
static void seconds(FILE *to, const char *name, const char *help, int64_t us)
{
	if (us < 0)
		us = 0;
	head(to, name, help);
	fprintf(to, "perennial_%s %lld.%06lld\n", name, (long long)(us / INSTANT_PER_SECOND),
		(long long)(us % INSTANT_PER_SECOND));
}

/* An alert by age wants a number also where there was none: it is the oldest one that can be. */
static void timestamp(FILE *to, const char *name, const char *help, const struct health_run *run)
{
	int64_t epoch_us = EPOCH_SECONDS * INSTANT_PER_SECOND;

	seconds(to, name, help, run->run_id != 0 ? epoch_us + run->finished_us : 0);
}

/* Not known where the run failed. */
static void outcome(FILE *to, const char *of, int64_t count)
{
	char value[24];

	if (count == HEALTH_UNKNOWN)
		return;
	snprintf(value, sizeof(value), "%lld", (long long)count);
	labelled(to, "last_run_subscriptions", "outcome", of, value);
}

/* What was on hold before the run: others may have released some of what it put on hold. */
static int64_t skipped(const struct health_run *run)
{
	if (run->left_held == HEALTH_UNKNOWN)
		return HEALTH_UNKNOWN;
	return run->left_held > run->held ? run->left_held - run->held : 0;
}

static void print_outcomes(FILE *to, const struct health *health)
{
	const struct totals *totals = &health->sums.totals;
	const struct health_run *run = &health->last;

	head(to, "last_run_subscriptions",
	     "What the last run did: periods that it closed, and subscriptions that it left.");
	outcome(to, "renewed", totals_outcomes(totals, 1U << KIND_RENEWED));
	outcome(to, "converted", totals_outcomes(totals, 1U << KIND_CONVERTED));
	outcome(to, "expired",
		totals_outcomes(totals, 1U << KIND_EXPIRED | 1U << KIND_TRIAL_EXPIRED));
	outcome(to, "skipped", skipped(run));
	outcome(to, "quarantined", run->held);
	outcome(to, "remaining", run->left_due);
}

/* Whether an earlier line has the currency of this one. */
static bool is_repeated(const struct totals *totals, int line)
{
	for (int i = 0; i < line; i++)
		if (strcmp(totals->line[i].currency, totals->line[line].currency) == 0)
			return true;
	return false;
}

static void print_billed(FILE *to, const struct totals *totals)
{
	char value[MONEY_TEXT_SIZE];

	if (totals->lines == 0)
		return;
	head(to, "last_run_billed_minor_units",
	     "What the last run billed, in minor units of the currency.");
	for (int i = 0; i < totals->lines; i++) {
		const char *currency = totals->line[i].currency;

		if (!is_repeated(totals, i))
			labelled(to, "last_run_billed_minor_units", "currency", currency,
				 money_format(totals_billed(totals, currency), 0, value));
	}
}

static void print_runs(FILE *to, const struct health *health)
{
	const struct health_run *last = &health->last;

	timestamp(to, "last_run_timestamp_seconds",
		  "When the last run for all subscriptions ended; 0 if none did.", last);
	timestamp(to, "last_success_timestamp_seconds",
		  "When the last one with exit code 0 or 11 ended; 0 if none did.",
		  &health->success);
	if (last->run_id == 0)
		return;
	seconds(to, "last_run_duration_seconds", "How long the last run took.",
		last->finished_us - last->started_us);
	gauge(to, "last_run_exit_code", "Exit code of the last run.", last->exit_code);
	print_outcomes(to, health);
	print_billed(to, &health->sums.totals);
}

void metrics_print(FILE *to, const struct metrics *metrics)
{
	const struct health *health = metrics->health;

	print_runs(to, health);
	gauge(to, "due_subscriptions", "Subscriptions that are due and not on hold.",
	      health->due.free);
	gauge(to, "oldest_due_age_seconds",
	      "How long the oldest of them has been due; 0 if none is.",
	      health->oldest_due.at_us != HEALTH_NEVER
		      ? health_age_s(health, health->oldest_due.at_us)
		      : 0);
	gauge(to, "quarantined_subscriptions", "Subscriptions on hold, due or not.", health->held);
	gauge(to, "runs_died", "Runs that died since the last success.", health->died);
	gauge(to, "notification_jobs_dead", "Notification jobs that are given up.",
	      health->jobs.dead);
	gauge(to, "notification_jobs_pending", "Notification jobs that are ready or taken.",
	      health_jobs_waiting(health));
	if (metrics->failed_checks != NULL)
		gauge(to, "tieout_failed_checks", "Checks of the last month's tie-out that fail.",
		      *metrics->failed_checks);
	head(to, "build_info", "The program that writes this.");
	labelled(to, "build_info", "version", PERENNIAL_VERSION, "1");
}
