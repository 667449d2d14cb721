/* The money of a plan: by currency beside what the last runs billed, by plan, the largest amounts.
 */
#include "cmd/plan_view.h"
#include "base/instant.h"
#include "cmd/output.h"

#include <stdio.h>
#include <string.h>

static void print_amount(const struct plan *plan, const char *currency, money_sum minor, int width)
{
	char text[MONEY_TEXT_SIZE];

	/* However large: never one number with the column before it. */
	putchar(' ');
	output_decimal(money_format(minor, currency_exponent(&plan->currencies, currency), text),
		       width - 1);
}

/* NULL where the last runs billed nothing in it. */
static const money_sum *mean_of(const struct outlook *outlook, const char *currency)
{
	for (int i = 0; i < outlook->lines; i++)
		if (strcmp(outlook->billed[i].currency, currency) == 0)
			return &outlook->billed[i].mean_minor;
	return NULL;
}

static void print_mean(const struct plan *plan, const char *currency, money_sum billed)
{
	const money_sum *mean = mean_of(&plan->outlook, currency);

	if (mean == NULL || *mean == 0) {
		printf("%20s", "-");
		return;
	}
	print_amount(plan, currency, *mean, 20);
	printf("  %+9.1f %%", ((double)billed / (double)*mean - 1) * 100);
}

/* The line of a currency: all that opens a period in it. */
static void print_currency(const struct plan *plan, const char *currency, bool compare)
{
	money_sum billed = totals_billed(&plan->totals, currency);
	int64_t outcomes = 0;

	for (int i = 0; i < plan->totals.lines; i++) {
		const struct total *t = &plan->totals.line[i];

		if (kind_opens(t->kind) && strcmp(t->currency, currency) == 0)
			outcomes += t->outcomes;
	}
	printf("  %-16s", currency);
	output_count(outcomes, 14);
	print_amount(plan, currency, billed, 21);
	if (compare)
		print_mean(plan, currency, billed);
	putchar('\n');
}

/* Whether an earlier line has the currency of this one. */
static bool is_repeated(const struct totals *totals, int line)
{
	for (int i = 0; i < line; i++)
		if (kind_opens(totals->line[i].kind) &&
		    strcmp(totals->line[i].currency, totals->line[line].currency) == 0)
			return true;
	return false;
}

static void print_currencies(const struct plan *plan, bool compare)
{
	char title[40];

	compare = compare && plan->outlook.runs > 0;
	snprintf(title, sizeof(title), "mean of %lld run%s", (long long)plan->outlook.runs,
		 plan->outlook.runs == 1 ? "" : "s");
	printf("\n  %-16s%14s%21s", "would bill", "periods", "amount");
	if (compare)
		printf("%20s", title);
	putchar('\n');
	for (int i = 0; i < plan->totals.lines; i++)
		if (kind_opens(plan->totals.line[i].kind) && !is_repeated(&plan->totals, i))
			print_currency(plan, plan->totals.line[i].currency, compare);
}

/* So many plans are shown: those to which most happens. */
#define OFFERS_SHOWN 12

/* The plan with the largest weight below that of the one before, or equal to it and further down;
 * -1 after the last. */
static int next_offer(const struct plan *plan, int before)
{
	int64_t limit = before >= 0 ? plan_offer_weight(&plan->offer[before]) : INT64_MAX;
	int next = -1;

	for (int i = 0; i <= plan->offers.plans; i++) {
		int64_t w = plan_offer_weight(&plan->offer[i]);

		if (w > 0 && (w < limit || (w == limit && i > before)) &&
		    (next < 0 || w > plan_offer_weight(&plan->offer[next])))
			next = i;
	}
	return next;
}

static const char *code_of(const struct plan *plan, int offer)
{
	return offer < plan->offers.plans ? plan->offers.code[offer] : "unknown";
}

static void print_offers(const struct plan *plan)
{
	int shown = 0, i = next_offer(plan, -1);

	printf("\n  %-30s%10s%11s%10s%14s\n", "by plan", "renewed", "converted", "ended",
	       "newly on hold");
	for (; i >= 0 && shown < OFFERS_SHOWN; i = next_offer(plan, i), shown++) {
		const struct plan_offer *offer = &plan->offer[i];

		printf("  ");
		output_padded(code_of(plan, i), 30);
		output_count(offer->outcomes[KIND_RENEWED], 10);
		output_count(offer->outcomes[KIND_CONVERTED], 11);
		output_count(offer->outcomes[KIND_EXPIRED] + offer->outcomes[KIND_TRIAL_EXPIRED],
			     10);
		output_count(offer->newly_held, 14);
		putchar('\n');
	}
	if (i >= 0)
		printf("  and others: --format csv has all of them\n");
}

static void print_large(const struct plan *plan, const struct plan_step *large)
{
	const struct step *s = &large->step;
	char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];

	printf("  %-16s %13lld", kind_name(s->kind), (long long)large->subscription_id);
	print_amount(plan, s->terms.currency, s->amount_minor, 17);
	printf(" %s  %.10s to %.10s, %d of ", s->terms.currency,
	       instant_format(s->period_end_us, from), instant_format(s->next_end_us, to),
	       s->terms.quantity);
	output_text(code_of(plan, offers_plan(&plan->offers, s->terms.price_id)));
	putchar('\n');
}

/* Not of what is free. */
static bool has_biggest(const struct plan *plan)
{
	for (int i = 0; i < plan->biggest_lines; i++)
		if (plan->biggest[i].steps > 0)
			return true;
	return false;
}

static void print_biggest(const struct plan *plan)
{
	printf("\n  %-16s %13s %16s      %s\n", "largest amounts", "subscription", "amount", "for");
	for (int i = 0; i < plan->biggest_lines; i++)
		for (int j = 0; j < plan->biggest[i].steps; j++)
			print_large(plan, &plan->biggest[i].step[j]);
}

void plan_print_money(const struct plan *plan, bool compare)
{
	if (plan->outcomes + plan->newly_held == 0)
		return;
	if (plan->biggest_lines > 0)
		print_currencies(plan, compare);
	print_offers(plan);
	if (has_biggest(plan))
		print_biggest(plan);
}
