/* The status as text for a person: where we are, what waits, and the last runs. */
#include "base/instant.h"
#include "cmd/color.h"
#include "cmd/output.h"
#include "cmd/status_view.h"

#include <stdio.h>
#include <string.h>

static void print_name(const char *name)
{
	printf("  %-14s", name);
}

static void print_instant(int64_t instant_us)
{
	char text[INSTANT_TEXT_SIZE];

	printf("%s", instant_format(instant_to_second(instant_us), text));
}

static void print_age(const struct health *health, int64_t since_us)
{
	char text[OUTPUT_AGE_SIZE];

	printf("%s", output_age(health_age_s(health, since_us), text));
}

static void print_head(const struct health *health, const struct server *server)
{
	char clock[INSTANT_TEXT_SIZE];

	printf("perennial status of database ");
	output_text(server->database);
	printf("%s at %s\n\n", server->standby ? " (standby)" : "",
	       instant_format(instant_to_second(health->clock_us), clock));
	print_name("server");
	printf("PostgreSQL ");
	output_text(health->server);
	printf("; schema version %d\n", health->schema_version);
}

static void print_success(const struct health *health)
{
	const struct health_run *run = &health->success;

	print_name("last success");
	if (run->run_id == 0) {
		printf("none\n");
		return;
	}
	printf("run %lld, ", (long long)run->run_id);
	print_age(health, run->finished_us);
	printf(" ago, at ");
	print_instant(run->finished_us);
	putchar('\n');
}

static void print_died(const struct health *health)
{
	if (health->died == 0)
		return;
	print_name("died");
	color_begin(COLOR_BAD);
	output_counted(health->died, "run");
	color_end();
	printf(" since then; the next one takes up what is due\n");
}

static void print_running(const struct health *health)
{
	for (int i = 0; i < health->runs; i++) {
		const struct health_run *run = &health->run[i];

		if (strcmp(run->state, "running") != 0)
			continue;
		print_name("in progress");
		printf("run %lld, for ", (long long)run->run_id);
		print_age(health, run->started_us);
		if (run->host != NULL) {
			printf(", on ");
			output_text(run->host);
		}
		putchar('\n');
	}
}

static void print_due(const struct health *health)
{
	char text[OUTPUT_AGE_SIZE];

	print_name("due now");
	output_counted(health->due.free, "subscription");
	if (health->oldest_due.at_us != HEALTH_NEVER) {
		printf(", the oldest for ");
		print_age(health, health->oldest_due.at_us);
		printf(": %lld, since ", (long long)health->oldest_due.subscription_id);
		print_instant(health->oldest_due.at_us);
	}
	putchar('\n');
	print_name("next due");
	if (health->next_due.at_us == HEALTH_NEVER) {
		printf("none\n");
		return;
	}
	printf("%lld, in %s, at ", (long long)health->next_due.subscription_id,
	       output_age((health->next_due.at_us - health->clock_us) / INSTANT_PER_SECOND, text));
	print_instant(health->next_due.at_us);
	putchar('\n');
}

static void print_held(const struct health *health)
{
	print_name("on hold");
	output_counted(health->held, "subscription");
	if (health->held > 0) {
		printf(", ");
		output_count(health->due.held, 0);
		printf(" of them due");
	}
	if (health->oldest_held_us != HEALTH_NEVER) {
		printf("; the oldest hold is ");
		print_age(health, health->oldest_held_us);
		printf(" old");
	}
	putchar('\n');
}

static void print_part(int64_t count, const char *what)
{
	if (count == 0)
		return;
	printf(", ");
	output_count(count, 0);
	printf(" %s", what);
}

static void print_jobs(const struct health *health)
{
	print_name("jobs");
	output_count(health_jobs_waiting(health), 0);
	printf(" waiting");
	print_part(health->jobs.later, "of them to be tried again later");
	print_part(health->jobs.taken, "taken by a consumer");
	print_part(health->jobs.lapsed, "taken, whose lease ran out");
	printf("; ");
	if (health->jobs.dead > 0)
		color_begin(COLOR_BAD);
	output_count(health->jobs.dead, 0);
	printf(" dead");
	if (health->jobs.dead > 0)
		color_end();
	putchar('\n');
}

static void print_count(int64_t count, int width)
{
	if (count == HEALTH_UNKNOWN)
		printf("%*s", width, "-");
	else
		output_count(count, width);
}

static void print_run(const struct health *health, const struct health_run *run)
{
	char age[OUTPUT_AGE_SIZE] = "-";

	if (run->finished_us != HEALTH_NEVER)
		output_age((run->finished_us - run->started_us) / INSTANT_PER_SECOND, age);
	else if (strcmp(run->state, "running") == 0)
		output_age(health_age_s(health, run->started_us), age);
	printf("%9lld  ", (long long)run->run_id);
	print_instant(run->started_us);
	printf("  %-7s  ", run->result != NULL ? run->result : run->state);
	print_count(run->exit_code, 4);
	printf("  %10s  ", age);
	print_count(run->outcomes, 10);
	print_count(run->held, 9);
	print_count(run->left_due, 10);
	printf("  ");
	output_text(run->host != NULL ? run->host : "-");
	if (run->subscription_id != 0)
		printf(", subscription %lld only", (long long)run->subscription_id);
	putchar('\n');
}

static void print_runs(const struct health *health)
{
	if (health->runs == 0) {
		printf("\nthere was no run yet\n");
		return;
	}
	printf("\n%9s  %-20s  %-7s  %4s  %10s  %10s%9s%10s  %s\n", "run", "started", "result",
	       "exit", "took", "outcomes", "held", "left due", "host");
	for (int i = 0; i < health->runs; i++)
		print_run(health, &health->run[i]);
}

void status_print_text(const struct health *health, const struct server *server)
{
	print_head(health, server);
	print_success(health);
	print_died(health);
	print_running(health);
	print_due(health);
	print_held(health);
	print_jobs(health);
	print_runs(health);
}
