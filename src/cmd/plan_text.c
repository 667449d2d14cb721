/* The plan as text for a person: totals first, then classes by rule, money, samples, and the check.
 */
#include "cmd/plan_view.h"
#include "cmd/output.h"
#include "base/instant.h"

#include <stdio.h>
#include <string.h>

/* What a rule's action means, in a few words. */
static const char *meaning(const struct plan_line *line)
{
	switch (line->action) {
	case ACTION_LEAVE:
		return strcmp(line->rule, "held") == 0 ? "stays on hold:" : "nothing is due";
	case ACTION_HOLD:
		return "goes on hold:";
	case ACTION_EXPIRE:
		return strcmp(line->rule, "cancelled") == 0
			       ? "ends with its paid period"
			       : "trial ends without billing information";
	case ACTION_CONVERT:
		return "trial becomes a paid subscription";
	case ACTION_RENEW:
		return "next period opens";
	}
	return "";
}

static void print_rules(const struct plan *plan)
{
	printf("\n  %-16s %13s %10s   %s\n", "rule", "subscriptions", "outcomes", "what happens");
	for (int i = 0; i < plan->lines; i++) {
		const struct plan_line *line = &plan->line[i];

		printf("  %-16s", line->rule);
		output_count(line->subscriptions, 14);
		output_count(line->outcomes, 11);
		printf("   %s%s%s\n", meaning(line), line->reason[0] != '\0' ? " " : "",
		       line->reason);
	}
}

/* What opens a period is billed, by currency; what ends costs nothing and is one line. */
static void print_money(const struct plan *plan)
{
	char decimal[MONEY_TEXT_SIZE];
	int64_t ends[KINDS] = { 0 };

	printf("\n  %-16s %13s %10s   %22s\n", "would write", "", "outcomes", "would bill");
	for (int i = 0; i < plan->totals.lines; i++) {
		const struct total *t = &plan->totals.line[i];

		ends[t->kind] += t->outcomes;
		if (!kind_opens(t->kind))
			continue;
		printf("  %-16s %13s", kind_name(t->kind), t->currency);
		output_count(t->outcomes, 11);
		output_decimal(money_format(t->amount_minor,
					    exponent_of(&plan->exponents, t->currency), decimal),
			       25);
		putchar('\n');
	}
	for (enum kind k = KIND_RENEWED; k < KINDS; k++)
		if (!kind_opens(k) && ends[k] > 0) {
			printf("  %-16s %13s", kind_name(k), "");
			output_count(ends[k], 11);
			putchar('\n');
		}
}

static void print_sample(const struct plan *plan, const struct plan_line *line,
			 const struct plan_step *sample)
{
	const struct step *s = &sample->step;
	char end[INSTANT_TEXT_SIZE], next[INSTANT_TEXT_SIZE], amount[MONEY_TEXT_SIZE];

	printf("  %-16s %13lld  %-20s  ", line->rule, (long long)sample->subscription_id,
	       instant_format(s->period_end_us, end));
	if (!step_opens(s)) {
		printf("%s%s\n",
		       line->action == ACTION_EXPIRE ? "ends" : "on hold: ", line->reason);
		return;
	}
	printf("%-20s", instant_format(s->next_end_us, next));
	output_decimal(money_format(s->amount_minor,
				    exponent_of(&plan->exponents, s->terms.currency), amount),
		       16);
	printf(" %s\n", s->terms.currency);
}

static void print_samples(const struct plan *plan)
{
	printf("\n  %-16s %13s  %-20s  %-20s%16s\n", "samples", "subscription", "period ends",
	       "the next one ends", "amount");
	for (int i = 0; i < plan->lines; i++)
		for (int j = 0; j < plan->line[i].samples; j++)
			print_sample(plan, &plan->line[i], &plan->line[i].sample[j]);
}

static void print_head(const struct plan *plan, const struct plan_about *about)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("perennial plan as of %s on database %s%s: nothing is written\n",
	       instant_format(plan->as_of_us, as_of), about->server->database,
	       about->server->standby ? " (standby)" : "");
	if (about->subscription_id != 0)
		printf("subscription %lld only\n", (long long)about->subscription_id);
}

static void print_sums(const struct plan *plan)
{
	printf("\n  ");
	output_count(plan->subscriptions, 0);
	printf(" subscriptions are due, ");
	output_count(plan->counted.held, 0);
	printf(" of them on hold\n  a run would write ");
	output_count(plan->outcomes, 0);
	printf(" outcomes with a notification job each, and put ");
	output_count(plan->newly_held, 0);
	printf(" more on hold\n");
}

static void print_check(const struct plan *plan)
{
	printf("\n  check: ");
	output_count(plan->subscriptions, 0);
	printf(" decided = ");
	output_count(plan->counted.due, 0);
	printf(" due + ");
	output_count(plan->counted.held, 0);
	printf(" on hold; outcomes by rule = by currency: %s\n",
	       plan_adds_up(plan) ? "ok" : "WRONG");
	printf("  No lock was taken: what customers do until the run counts.\n");
}

void plan_print_text(const struct plan *plan, const struct plan_about *about)
{
	print_head(plan, about);
	if (plan->subscriptions == 0) {
		printf("nothing is due\n");
		return;
	}
	print_sums(plan);
	print_rules(plan);
	if (plan->outcomes > 0)
		print_money(plan);
	print_samples(plan);
	print_check(plan);
}
