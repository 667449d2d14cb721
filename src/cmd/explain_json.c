/* explain as one JSON document: the facts, the rules that were tried, the steps as plan has them,
 * and the boundaries. */
#include "cmd/explain_view.h"
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/plan_view.h"
#include "db/explain.h"

#include <stdio.h>

void explain_print_json_head(const struct explain_about *about)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("{\"schema\":\"perennial.explain/1\",\"as_of\":\"%s\",\"database\":",
	       instant_format(about->policy->as_of_us, as_of));
	output_json_text(about->server->database);
	printf(",\"standby\":%s,\"subscriptions\":[", about->server->standby ? "true" : "false");
}

static void print_facts(const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++) {
		const struct explain_fact fact = explain_fact(rows, i);

		printf("%s\"%s\":%s", i > 0 ? "," : "", fact.name, fact.document);
	}
}

static void print_rules(const struct explanation *e, const struct policy *policy)
{
	char why[EXPLAIN_WHY_SIZE];

	for (const struct rule *r = rules; r <= e->step[0].rule; r++) {
		printf("%s{\"rule\":\"%s\",\"matches\":%s,\"why\":", r > rules ? "," : "", r->name,
		       r == e->step[0].rule ? "true" : "false");
		output_json_text(explain_why(r, &e->row.facts, policy, why));
		putchar('}');
	}
}

static void print_step(const struct explanation *e, const struct step *step)
{
	const struct plan_step s = { e->row.facts.subscription_id, e->row.facts.account_id, *step };

	plan_print_step(&s);
}

/* As plan: nothing of what is not due. */
static void print_steps(const struct explanation *e)
{
	printf("\"steps\":[");
	for (int i = 0; e->due && i < e->steps; i++) {
		if (i > 0)
			putchar(',');
		print_step(e, &e->step[i]);
	}
	printf("],\"further_steps\":%lld,\"last_step\":", (long long)e->further);
	if (e->further > 0)
		print_step(e, &e->last);
	else
		printf("null");
	printf(",\"at_boundary\":");
	if (explain_waits(e))
		print_step(e, &e->at_boundary);
	else
		printf("null");
}

static void print_boundaries(const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++) {
		const struct explain_boundary b = explain_boundary(rows, i);

		printf("%s{\"number\":%d,\"months\":%d,\"local\":", i > 0 ? "," : "", i + 1,
		       b.months);
		output_json_text(b.local);
		printf(",\"utc\":\"%s\"}", b.utc);
	}
}

void explain_print_json(const struct explanation *e, const struct explain_about *about)
{
	printf("{\"subscription_id\":%lld,\"facts\":{", (long long)e->row.facts.subscription_id);
	print_facts(e->facts);
	printf("},\"rule\":\"%s\",\"rules\":[", e->step[0].rule->name);
	print_rules(e, about->policy);
	printf("],");
	print_steps(e);
	printf(",\"boundaries\":[");
	print_boundaries(e->boundaries);
	printf("]}");
}
