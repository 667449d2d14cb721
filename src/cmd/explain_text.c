/* explain as text for a person: the facts, the rules, what would be written, the boundaries. */
#include "base/instant.h"
#include "cmd/explain_view.h"
#include "cmd/hold_reason.h"
#include "cmd/output.h"
#include "core/money.h"
#include "db/explain.h"

#include <stdio.h>
#include <string.h>

/* So many steps are told, and the last, of a subscription that has more to catch up. */
#define STEPS_SHOWN 5

static void print_head(const struct explanation *e, const struct explain_about *about)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("subscription %lld as of %s on database ", (long long)e->row.facts.subscription_id,
	       instant_format(about->policy->as_of_us, as_of));
	output_text(about->server->database);
	printf("%s: nothing is written\n\n", about->server->standby ? " (standby)" : "");
}

/* A column's name as words. */
static void print_label(const char *name)
{
	int width = 16;

	printf("  ");
	for (; *name != '\0'; name++, width--)
		putchar(*name == '_' ? ' ' : *name);
	printf("%*s  ", width, "");
}

static void print_facts(const struct rows *rows)
{
	for (int i = 0; i < rows_count(rows); i++) {
		const struct explain_fact fact = explain_fact(rows, i);

		if (fact.value[0] == '\0')
			continue;
		print_label(fact.name);
		output_text(fact.value);
		putchar('\n');
	}
}

/* In their order, up to the one that matches. */
static void print_rules(const struct explanation *e, const struct policy *policy)
{
	const struct rule *matched = e->step[0].rule;
	char why[EXPLAIN_WHY_SIZE];

	printf("\n  %-16s  matches\n", "rule");
	for (const struct rule *r = rules; r <= matched; r++) {
		printf("  %-16s  %-7s  ", r->name, r == matched ? "yes" : "no");
		output_text(explain_why(r, &e->row.facts, policy, why));
		printf("%s%s\n", r == matched ? ": " : "", r == matched ? r->meaning : "");
	}
}

static void print_amount(const struct step *s, const struct currencies *currencies)
{
	int exponent = currency_exponent(currencies, s->terms.currency);
	char text[MONEY_TEXT_SIZE];

	output_count(s->terms.quantity, 0);
	printf(" x ");
	output_decimal(money_format(s->terms.unit_amount_minor, exponent, text), 0);
	if (step_opens(s)) {
		printf(" = ");
		output_decimal(money_format(s->amount_minor, exponent, text), 0);
	}
	printf(" %s (price %d)", s->terms.currency, s->terms.price_id);
}

/* An outcome, or nothing but a hold. */
static void print_step(int64_t number, const struct step *s, const struct currencies *currencies)
{
	char start[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE], next[INSTANT_TEXT_SIZE];

	if (s->action == ACTION_HOLD) {
		printf("  %4lld  goes on hold: %s, %s\n        status stays %s\n",
		       (long long)number, s->reason, hold_reason_of(s->reason)->meaning,
		       status_name(s->to_status));
		return;
	}
	printf("  %4lld  %s: the period %s to %s closes\n", (long long)number, kind_name(s->kind),
	       instant_format(s->period_start_us, start), instant_format(s->period_end_us, end));
	if (step_opens(s)) {
		printf("        the next one ends %s: ", instant_format(s->next_end_us, next));
		print_amount(s, currencies);
		putchar('\n');
	} else {
		printf("        no period follows and nothing is billed: %s\n", s->reason);
	}
	printf("        status %s %s%s; notification job %s\n", status_name(s->from_status),
	       s->from_status == s->to_status ? "stays" : "becomes ",
	       s->from_status == s->to_status ? "" : status_name(s->to_status), kind_name(s->kind));
}

/* The first ones and the last, where there are many. */
static void print_steps(const struct explanation *e, const struct explain_about *about)
{
	int64_t steps = e->steps + e->further;
	int shown = steps <= STEPS_SHOWN + 1 ? (int)steps : STEPS_SHOWN;

	for (int i = 0; i < shown; i++)
		print_step(i + 1, &e->step[i], &about->currencies);
	if (shown == steps)
		return;
	printf("        … ");
	output_counted(steps - shown - 1, "step");
	printf(" that are not shown …\n");
	print_step(steps, &e->last, &about->currencies);
}

static void print_work(const struct explanation *e, const struct explain_about *about)
{
	printf("\n  a run would write\n");
	if (e->step[0].action != ACTION_LEAVE)
		print_steps(e, about);
	else
		printf("     nothing: it %s\n", e->step[0].rule->meaning);
	if (explain_waits(e)) {
		printf("\n  and when its period has ended, if nothing changes until then\n");
		print_step(1, &e->at_boundary, &about->currencies);
	}
}

/* Why there are no more of them. */
static void print_end(const struct explanation *e)
{
	int shown = rows_count(e->boundaries);

	if (e->most_boundaries == 0)
		printf("        none: it has ended\n");
	else if (e->most_boundaries == 1)
		printf("        no other: it ends there\n");
	else if (shown == 1 && e->at_boundary.action == ACTION_HOLD)
		printf("        the next ones are not known: %s\n",
		       hold_reason_of(e->at_boundary.reason)->meaning);
}

static int wider(int width, const char *text)
{
	return text != NULL && (int)strlen(text) > width ? (int)strlen(text) : width;
}

static void print_boundaries(const struct explanation *e)
{
	const char *from = e->row.facts.status == STATUS_TRIALING ? "trial's end" : "anchor";
	int local = 0, utc = 0;

	for (int i = 0; i < rows_count(e->boundaries); i++) {
		const struct explain_boundary b = explain_boundary(e->boundaries, i);

		local = wider(wider(local, b.local), b.time_zone);
		utc = wider(utc, b.utc);
	}
	printf("\n  boundaries");
	if (rows_count(e->boundaries) > 0)
		printf("  %-*s  %-*s  months from the %s", local,
		       explain_boundary(e->boundaries, 0).time_zone, utc, "UTC", from);
	putchar('\n');
	for (int i = 0; i < rows_count(e->boundaries); i++) {
		const struct explain_boundary b = explain_boundary(e->boundaries, i);

		printf("  %4d        %-*s  %-*s  %d\n", i + 1, local,
		       b.local != NULL ? b.local : "-", utc, b.utc, b.months);
	}
	print_end(e);
}

void explain_print_text(const struct explanation *e, const struct explain_about *about)
{
	print_head(e, about);
	print_facts(e->facts);
	print_rules(e, about->policy);
	print_work(e, about);
	print_boundaries(e);
	printf("\n  No lock was taken: what customers do until the run counts.\n");
}
