/* The plan as one JSON document: counts, rules, money, checks. */
#include "cmd/plan_view.h"
#include "base/instant.h"
#include "cmd/limits.h"
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

static void print_instant(const char *key, int64_t instant)
{
	char text[INSTANT_TEXT_SIZE];

	printf(",\"%s\":\"%s\"", key, instant_format(instant, text));
}

static void print_offers(const struct plan *plan)
{
	bool first = true;

	printf(",\"plans\":[");
	for (int i = 0; i <= plan->offers.plans; i++) {
		const struct plan_offer *offer = &plan->offer[i];

		if (plan_offer_weight(offer) == 0)
			continue;
		printf("%s{\"plan\":", first ? "" : ",");
		output_json_text(i < plan->offers.plans ? plan->offers.code[i] : NULL);
		for (enum kind k = KIND_RENEWED; k < KINDS; k++)
			printf(",\"%s\":%lld", kind_name(k), (long long)offer->outcomes[k]);
		printf(",\"newly_held\":%lld}", (long long)offer->newly_held);
		first = false;
	}
	putchar(']');
}

static void print_amount(const struct plan *plan, const char *key, const char *currency,
			 money_sum minor)
{
	int exponent = currency_exponent(&plan->currencies, currency);
	char amount[MONEY_TEXT_SIZE], decimal[MONEY_TEXT_SIZE];

	printf("\"%s\":%s,\"%s_decimal\":\"%s\"", key, money_format(minor, 0, amount), key,
	       money_format(minor, exponent, decimal));
}

static void print_biggest(const struct plan *plan)
{
	bool first = true;

	printf(",\"largest\":[");
	for (int i = 0; i < plan->biggest_lines; i++)
		for (int j = 0; j < plan->biggest[i].steps; j++) {
			const struct plan_step *step = &plan->biggest[i].step[j];

			printf("%s{\"subscription_id\":%lld,\"kind\":\"%s\",\"currency\":\"%s\",",
			       first ? "" : ",", (long long)step->subscription_id,
			       kind_name(step->step.kind), plan->biggest[i].currency);
			print_amount(plan, "amount", plan->biggest[i].currency,
				     step->step.amount_minor);
			putchar('}');
			first = false;
		}
	putchar(']');
}

static void print_recent(const struct plan *plan)
{
	const struct outlook *outlook = &plan->outlook;

	printf(",\"recent\":{\"runs\":%lld,\"subscriptions\":%lld,\"ms\":%lld,\"mean\":[",
	       (long long)outlook->runs, (long long)outlook->claimed, (long long)outlook->ms);
	for (int i = 0; i < outlook->lines; i++) {
		const char *currency = outlook->billed[i].currency;

		printf("%s{\"currency\":\"%s\",", i > 0 ? "," : "", currency);
		print_amount(plan, "amount", currency, outlook->billed[i].mean_minor);
		putchar('}');
	}
	printf("]}");
}

static void print_limits(const struct plan *plan, const struct plan_about *about)
{
	printf(",\"limits\":[");
	for (int i = 0; i < about->checks; i++) {
		const struct limit_check *c = &about->check[i];
		printf("%s{\"name\":\"%s\",", i > 0 ? "," : "", c->name);
		print_amount(plan, "value", c->currency, c->value);
		putchar(',');
		print_amount(plan, "max", c->currency, c->max);
		printf(",\"ok\":%s,\"allowed\":%s}", c->over ? "false" : "true",
		       limits_allowed(about->allowed, c->name) ? "true" : "false");
	}
	putchar(']');
}

static void print_counts(const struct plan *plan)
{
	int64_t ms = outlook_duration_ms(&plan->outlook, plan->counted.free);

	printf(",\"subscriptions\":%lld,\"held\":%lld,\"newly_held\":%lld,\"behind\":%lld",
	       (long long)plan->subscriptions, (long long)plan->counted.held,
	       (long long)plan->newly_held, (long long)plan->behind);
	printf(",\"outcomes\":%lld,\"notification_jobs\":%lld", (long long)plan->outcomes,
	       (long long)plan->outcomes);
	printf(",\"batches\":%lld,\"expected_ms\":", (long long)plan->batches);
	if (ms >= 0)
		printf("%lld", (long long)ms);
	else
		printf("null");
}

static void print_around(const struct plan *plan)
{
	const struct outlook *outlook = &plan->outlook;

	if (outlook->running != 0)
		printf(",\"running\":%lld", (long long)outlook->running);
	if (outlook->next_id != 0) {
		print_instant("next_due", outlook->next_due_us);
		printf(",\"next_due_subscription\":%lld", (long long)outlook->next_id);
	}
}

void plan_print_json(const struct plan *plan, const struct plan_about *about)
{
	printf("{\"schema\":\"perennial.plan/1\"");
	if (about->horizon_us != 0)
		print_instant("from", plan->as_of_us - about->horizon_us);
	print_instant("as_of", plan->as_of_us);
	printf(",\"database\":");
	output_json_text(about->server->database);
	printf(",\"standby\":%s", about->server->standby ? "true" : "false");
	if (about->subscription_id != 0)
		printf(",\"subscription_id\":%lld", (long long)about->subscription_id);
	print_around(plan);
	print_counts(plan);
	printf(",\"rules\":[");
	print_rules(plan);
	printf("],\"totals\":");
	totals_print_json(&plan->totals, &plan->currencies);
	print_offers(plan);
	print_biggest(plan);
	print_recent(plan);
	print_limits(plan, about);
	printf(",\"checks\":[{\"name\":\"parts_add_up\",\"ok\":%s}]}\n",
	       plan_adds_up(plan) ? "true" : "false");
}
