/* The status as one JSON document; ages are seconds. */
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/status_view.h"

#include <stdio.h>

static void print_instant(const char *name, int64_t instant_us)
{
	char text[INSTANT_TEXT_SIZE];

	printf("\"%s\":", name);
	output_json_text(instant_us != HEALTH_NEVER ? instant_format(instant_us, text) : NULL);
}

/* With a comma before it. */
static void print_number(const char *name, int64_t number)
{
	if (number == HEALTH_UNKNOWN)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%lld", name, (long long)number);
}

static void print_age(const struct health *health, int64_t since_us)
{
	print_number("age",
		     since_us != HEALTH_NEVER ? health_age_s(health, since_us) : HEALTH_UNKNOWN);
}

static void print_due(const struct health *health)
{
	const struct health_first *oldest = &health->oldest_due, *next = &health->next_due;

	printf(",\"due\":%lld,\"oldest_due\":", (long long)health->due.free);
	if (oldest->at_us == HEALTH_NEVER) {
		printf("null");
	} else {
		printf("{\"subscription_id\":%lld,", (long long)oldest->subscription_id);
		print_instant("period_end", oldest->at_us);
		print_age(health, oldest->at_us);
		putchar('}');
	}
	printf(",\"next_due\":");
	if (next->at_us == HEALTH_NEVER) {
		printf("null");
	} else {
		printf("{\"subscription_id\":%lld,", (long long)next->subscription_id);
		print_instant("period_end", next->at_us);
		print_number("in", (next->at_us - health->clock_us) / INSTANT_PER_SECOND);
		putchar('}');
	}
}

static void print_held(const struct health *health)
{
	printf(",\"held\":{\"subscriptions\":%lld", (long long)health->held);
	print_number("due", health->due.held);
	putchar(',');
	print_instant("oldest", health->oldest_held_us);
	print_age(health, health->oldest_held_us);
	putchar('}');
}

static void print_jobs(const struct health *health)
{
	printf(",\"jobs\":{\"waiting\":%lld", (long long)health_jobs_waiting(health));
	print_number("ready", health->jobs.ready);
	print_number("later", health->jobs.later);
	print_number("taken", health->jobs.taken);
	print_number("lapsed", health->jobs.lapsed);
	print_number("dead", health->jobs.dead);
	putchar('}');
}

static void print_text(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	output_json_text(text);
}

static void print_run(const struct health *health, const struct health_run *run)
{
	bool ended = run->finished_us != HEALTH_NEVER;

	if (run->run_id == 0) {
		printf("null");
		return;
	}
	printf("{\"run_id\":%lld,", (long long)run->run_id);
	print_instant("as_of", run->as_of_us);
	print_number("subscription_id",
		     run->subscription_id != 0 ? run->subscription_id : HEALTH_UNKNOWN);
	putchar(',');
	print_instant("started_at", run->started_us);
	putchar(',');
	print_instant("finished_at", run->finished_us);
	print_age(health, ended ? run->finished_us : run->started_us);
	print_number("duration", ended ? (run->finished_us - run->started_us) / INSTANT_PER_SECOND
				       : HEALTH_UNKNOWN);
	print_text("state", run->state);
	print_text("result", run->result);
	print_number("exit_code", run->exit_code);
	print_text("stopped_by", run->stopped_by);
	print_text("host", run->host);
	print_number("outcomes", run->outcomes);
	print_number("newly_held", run->held);
	print_number("failed", run->failed);
	print_number("left", run->left_due);
	print_number("held", run->left_held);
	putchar('}');
}

void status_print_json(const struct health *health, const struct server *server)
{
	printf("{\"schema\":\"perennial.status/1\",");
	print_instant("clock", health->clock_us);
	print_text("database", server->database);
	printf(",\"standby\":%s", server->standby ? "true" : "false");
	print_text("server_version", health->server);
	print_number("schema_version", health->schema_version);
	print_due(health);
	print_held(health);
	print_jobs(health);
	print_number("died", health->died);
	printf(",\"last_run\":");
	print_run(health, &health->last);
	printf(",\"last_success\":");
	print_run(health, &health->success);
	printf(",\"runs\":[");
	for (int i = 0; i < health->runs; i++) {
		printf("%s", i > 0 ? "," : "");
		print_run(health, &health->run[i]);
	}
	printf("]}\n");
}
