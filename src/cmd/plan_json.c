/* The plan as one JSON document: counts, rules, money, checks. */
#include "cmd/plan_view.h"
#include "cmd/output.h"
#include "base/instant.h"

#include <stdio.h>

static const char *action_name(enum action action)
{
	static const char *const name[] = { "leave", "hold", "expire", "convert", "renew" };

	return name[action];
}

static void print_rules(const struct plan *plan)
{
	for (int i = 0; i < plan->lines; i++) {
		const struct plan_line *line = &plan->line[i];

		printf("%s{\"rule\":\"%s\",\"action\":\"%s\",\"reason\":", i > 0 ? "," : "",
		       line->rule, action_name(line->action));
		output_json_text(line->reason[0] != '\0' ? line->reason : NULL);
		printf(",\"subscriptions\":%lld,\"outcomes\":%lld}", (long long)line->subscriptions,
		       (long long)line->outcomes);
	}
}

static void print_totals(const struct plan *plan)
{
	char amount[MONEY_TEXT_SIZE], decimal[MONEY_TEXT_SIZE];

	for (int i = 0; i < plan->totals.lines; i++) {
		const struct total *t = &plan->totals.line[i];

		printf("%s{\"kind\":\"%s\",\"currency\":\"%s\",\"outcomes\":%lld,\"amount\":%s,"
		       "\"decimal\":\"%s\"}",
		       i > 0 ? "," : "", kind_name(t->kind), t->currency, (long long)t->outcomes,
		       money_format(t->amount_minor, 0, amount),
		       money_format(t->amount_minor, exponent_of(&plan->exponents, t->currency),
				    decimal));
	}
}

void plan_print_json(const struct plan *plan, const struct plan_about *about)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("{\"schema\":\"perennial.plan/1\",\"as_of\":\"%s\",\"database\":",
	       instant_format(plan->as_of_us, as_of));
	output_json_text(about->server->database);
	printf(",\"subscriptions\":%lld,\"outcomes\":%lld,\"notification_jobs\":%lld,\"rules\":[",
	       (long long)plan->subscriptions, (long long)plan->outcomes,
	       (long long)plan->outcomes);
	print_rules(plan);
	printf("],\"totals\":[");
	print_totals(plan);
	printf("],\"checks\":[{\"name\":\"parts_add_up\",\"ok\":%s}]}\n",
	       plan_adds_up(plan) ? "true" : "false");
}
