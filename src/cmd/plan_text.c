/* The plan as text for a person: sums first, then rules, money, samples, limits and checks. */
#include "cmd/plan_view.h"
#include "base/instant.h"
#include "cmd/color.h"
#include "cmd/limits.h"
#include "cmd/output.h"

#include <stdio.h>

static const char *second(int64_t instant, char buffer[INSTANT_TEXT_SIZE])
{
	return instant_format(instant_to_second(instant), buffer);
}

static void print_head(const struct plan *plan, const struct plan_about *about)
{
	char from[INSTANT_TEXT_SIZE], as_of[INSTANT_TEXT_SIZE];

	if (about->horizon_us != 0)
		printf("perennial plan from %s until %s",
		       instant_format(plan->as_of_us - about->horizon_us, from),
		       instant_format(plan->as_of_us, as_of));
	else
		printf("perennial plan as of %s", instant_format(plan->as_of_us, as_of));
	printf(" on database ");
	output_text(about->server->database);
	printf("%s: nothing is written\n", about->server->standby ? " (standby)" : "");
	if (about->subscription_id != 0)
		printf("subscription %lld only\n", (long long)about->subscription_id);
}

/* What a plan cannot know, and leaves out. */
static void print_notes(const struct plan *plan, const struct plan_about *about)
{
	if (about->config_path != NULL) {
		printf("configuration ");
		output_text(about->config_path);
		putchar('\n');
	}
	if (about->horizon_us != 0)
		printf("it takes it that runs happen on time and that no customer does anything\n");
	else if (plan->outlook.running != 0)
		printf("run %lld is in progress: what it has not come to is in here\n",
		       (long long)plan->outlook.running);
	printf("not exercised: locks, constraints and triggers, notifications\n");
}

static void print_nothing(const struct plan *plan, const struct plan_about *about)
{
	char as_of[INSTANT_TEXT_SIZE], next[INSTANT_TEXT_SIZE];

	instant_format(plan->as_of_us, as_of);
	if (about->subscription_id != 0)
		printf("nothing is due of subscription %lld as of %s; perennial explain %lld says "
		       "why\n",
		       (long long)about->subscription_id, as_of, (long long)about->subscription_id);
	else if (plan->outlook.next_id == 0)
		printf("nothing is due as of %s, and nothing that is not on hold will be\n", as_of);
	else
		printf("nothing is due as of %s; next due %s (subscription %lld)\n", as_of,
		       instant_format(plan->outlook.next_due_us, next),
		       (long long)plan->outlook.next_id);
}

static void print_sum(int64_t count, const char *what)
{
	if (count == 0)
		return;
	printf("  ");
	output_count(count, 12);
	printf("  %s\n", what);
}

static void print_sums(const struct plan *plan, const struct plan_about *about)
{
	bool forecast = about->horizon_us != 0;

	putchar('\n');
	print_sum(plan->counted.free, forecast ? "will be due" : "due");
	print_sum(plan->counted.held, "due, but on hold: nothing happens to them");
	print_sum(plan->newly_held, "would go on hold");
	print_sum(plan->behind, forecast ? "come to several boundaries"
					 : "are several periods behind, and would be caught up");
	print_sum(plan->outcomes,
		  plan->outcomes == 1 ? "outcome would be written, with a notification job"
				      : "outcomes would be written, with a notification job each");
}

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
	       second(s->period_end_us, end));
	if (!step_opens(s)) {
		printf("%s", step_closes(s) ? "ends" : "on hold: ");
		output_text(line->reason);
		putchar('\n');
		return;
	}
	printf("%-20s ", second(s->next_end_us, next));
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
	printf("  all of them: the same with --format csv, or jsonl\n");
}

static void print_limits(const struct plan *plan, const struct plan_about *about)
{
	if (about->checks > 0)
		printf("\n  %-16s %20s %20s\n", "limits", "would be", "at most");
	for (int i = 0; i < about->checks; i++) {
		const struct limit_check *c = &about->check[i];
		int exponent = c->currency[0] != '\0'
				       ? currency_exponent(&plan->currencies, c->currency)
				       : 0;
		bool allowed = limits_allowed(about->allowed, c->name);
		char text[MONEY_TEXT_SIZE];

		printf("  %-16s ", c->name);
		output_decimal(money_format(c->value, exponent, text), 20);
		putchar(' ');
		output_decimal(money_format(c->max, exponent, text), 20);
		printf("  ");
		color_begin(!c->over ? COLOR_GOOD : allowed ? COLOR_WARNING : COLOR_BAD);
		printf("%s", !c->over ? "ok" : allowed ? "over, and allowed" : "OVER");
		color_end();
		putchar('\n');
	}
}

static void print_check(const struct plan *plan)
{
	printf("\n  check: ");
	output_count(plan->subscriptions, 0);
	printf(" decided = ");
	output_count(plan->counted.free, 0);
	printf(" due + ");
	output_count(plan->counted.held, 0);
	printf(" due, but on hold; outcomes by rule = by currency: ");
	color_begin(plan_adds_up(plan) ? COLOR_GOOD : COLOR_BAD);
	printf("%s", plan_adds_up(plan) ? "ok" : "WRONG");
	color_end();
	putchar('\n');
}

static void print_duration(const struct plan *plan)
{
	int64_t ms = outlook_duration_ms(&plan->outlook, plan->counted.free);
	char text[OUTPUT_AGE_SIZE];

	printf("  a run takes ");
	output_count(plan->batches, 0);
	printf(plan->batches == 1 ? " batch" : " batches");
	if (ms < 0)
		printf("; none before it tells how long\n");
	else if (ms < 1000)
		printf(", less than a second at the pace of the last runs\n");
	else
		printf(", about %s at the pace of the last runs\n", output_age(ms / 1000, text));
}

void plan_print_text(const struct plan *plan, const struct plan_about *about)
{
	if (plan->subscriptions == 0) {
		print_nothing(plan, about);
		return;
	}
	print_head(plan, about);
	print_notes(plan, about);
	print_sums(plan, about);
	print_rules(plan);
	plan_print_money(plan, about->horizon_us == 0 && about->subscription_id == 0);
	print_samples(plan);
	print_limits(plan, about);
	print_check(plan);
	if (about->horizon_us == 0 && plan->counted.free > 0)
		print_duration(plan);
}
