/* The plan as text for a person: sums first, then rules, money, samples, and the check. */
#include "cmd/plan_view.h"
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/totals_view.h"

#include <stdio.h>

static void print_rules(const struct plan *plan)
{
	printf("\n  %-16s %13s %10s   %s\n", "rule", "subscriptions", "outcomes", "what happens");
	for (int i = 0; i < plan->lines; i++) {
		const struct plan_line *line = &plan->line[i];

		printf("  %-16s", line->rule->name);
		output_count(line->subscriptions, 14);
		output_count(line->outcomes, 11);
		printf("   %s", line->action == ACTION_HOLD ? "goes on hold" : line->rule->meaning);
		printf("%s", line->reason[0] != '\0' ? ": " : "");
		output_text(line->reason);
		putchar('\n');
	}
}

static void print_sample(const struct plan *plan, const struct plan_line *line,
			 const struct plan_step *sample)
{
	const struct step *s = &sample->step;
	char end[INSTANT_TEXT_SIZE], next[INSTANT_TEXT_SIZE], amount[MONEY_TEXT_SIZE];
	int exponent = currency_exponent(&plan->currencies, s->terms.currency);

	printf("  %-16s %13lld  %-20s  ", line->rule->name, (long long)sample->subscription_id,
	       instant_format(instant_to_second(s->period_end_us), end));
	if (!step_opens(s)) {
		printf("%s", step_closes(s) ? "ends" : "on hold: ");
		output_text(line->reason);
		putchar('\n');
		return;
	}
	printf("%-20s ", instant_format(instant_to_second(s->next_end_us), next));
	output_decimal(money_format(s->amount_minor, exponent, amount), 15);
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

static void print_sum(const char *what, int64_t count, const char *of)
{
	printf("  %-18s", what);
	output_count(count, 10);
	printf(" %s\n", of);
}

static void print_sums(const struct plan *plan)
{
	putchar('\n');
	print_sum("due", plan->subscriptions,
		  plan->subscriptions == 1 ? "subscription" : "subscriptions");
	print_sum("of them on hold", plan->counted.held, "stay as they are");
	print_sum("a run would write", plan->outcomes,
		  plan->outcomes == 1 ? "outcome, with a notification job"
				      : "outcomes, with a notification job each");
	print_sum("and put on hold", plan->newly_held, "more");
}

static void print_money(const struct plan *plan)
{
	if (plan->outcomes == 0)
		return;
	printf("\n  %-16s %13s %10s   %22s\n", "would write", "", "outcomes", "would bill");
	totals_print_text(&plan->totals, &plan->currencies);
}

static void print_check(const struct plan *plan)
{
	printf("\n  check: ");
	output_count(plan->subscriptions, 0);
	printf(" decided = ");
	output_count(plan->counted.free, 0);
	printf(" due + ");
	output_count(plan->counted.held, 0);
	printf(" due and on hold; outcomes by rule = by currency: %s\n",
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
	print_money(plan);
	print_samples(plan);
	print_check(plan);
}
