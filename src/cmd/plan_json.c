/* The plan as one JSON document: counts, rules, money, checks. */
#include "cmd/plan_view.h"
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/totals_view.h"

#include <stdio.h>

static const char *action_name(const struct plan_line *line)
{
	static const char *const name[] = { "leave", "hold", "close" };

	return name[line->action];
}

static void print_rules(const struct plan *plan)
{
	for (int i = 0; i < plan->lines; i++) {
		const struct plan_line *line = &plan->line[i];

		printf("%s{\"rule\":\"%s\",\"action\":\"%s\",\"reason\":", i > 0 ? "," : "",
		       line->rule->name, action_name(line));
		output_json_text(line->reason[0] != '\0' ? line->reason : NULL);
		printf(",\"subscriptions\":%lld,\"outcomes\":%lld}", (long long)line->subscriptions,
		       (long long)line->outcomes);
	}
}

void plan_print_json(const struct plan *plan, const struct plan_about *about)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("{\"schema\":\"perennial.plan/1\",\"as_of\":\"%s\",\"database\":",
	       instant_format(plan->as_of_us, as_of));
	output_json_text(about->server->database);
	printf(",\"standby\":%s", about->server->standby ? "true" : "false");
	if (about->subscription_id != 0)
		printf(",\"subscription_id\":%lld", (long long)about->subscription_id);
	printf(",\"subscriptions\":%lld,\"held\":%lld,\"newly_held\":%lld",
	       (long long)plan->subscriptions, (long long)plan->counted.held,
	       (long long)plan->newly_held);
	printf(",\"outcomes\":%lld,\"notification_jobs\":%lld,\"rules\":[",
	       (long long)plan->outcomes, (long long)plan->outcomes);
	print_rules(plan);
	printf("],\"totals\":");
	totals_print_json(&plan->totals, &plan->currencies);
	printf(",\"checks\":[{\"name\":\"parts_add_up\",\"ok\":%s}]}\n",
	       plan_adds_up(plan) ? "true" : "false");
}
