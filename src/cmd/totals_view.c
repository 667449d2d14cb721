/* Totals as they are shown by plan and run alike. */
#include "cmd/totals_view.h"
#include "cmd/output.h"

#include <stdio.h>

static const char *decimal(const struct total *t, const struct currencies *currencies,
			   char buffer[MONEY_TEXT_SIZE])
{
	return money_format(t->amount_minor, currency_exponent(currencies, t->currency), buffer);
}

static void print_billed(const struct total *t, const struct currencies *currencies)
{
	char text[MONEY_TEXT_SIZE];

	printf("  %-16s %13s", kind_name(t->kind), t->currency);
	output_count(t->outcomes, 11);
	putchar(' ');
	output_decimal(decimal(t, currencies, text), 24);
	putchar('\n');
}

static void print_ended(enum kind kind, int64_t outcomes)
{
	printf("  %-16s %13s", kind_name(kind), "");
	output_count(outcomes, 11);
	putchar('\n');
}

void totals_print_text(const struct totals *totals, const struct currencies *currencies)
{
	int64_t ended[KINDS] = { 0 };

	for (int i = 0; i < totals->lines; i++) {
		if (kind_opens(totals->line[i].kind))
			print_billed(&totals->line[i], currencies);
		else
			ended[totals->line[i].kind] += totals->line[i].outcomes;
	}
	for (enum kind kind = KIND_RENEWED; kind < KINDS; kind++)
		if (ended[kind] > 0)
			print_ended(kind, ended[kind]);
}

void totals_print_json(const struct totals *totals, const struct currencies *currencies)
{
	char amount[MONEY_TEXT_SIZE], text[MONEY_TEXT_SIZE];

	putchar('[');
	for (int i = 0; i < totals->lines; i++) {
		const struct total *t = &totals->line[i];

		printf("%s{\"kind\":\"%s\",\"currency\":\"%s\",", i > 0 ? "," : "",
		       kind_name(t->kind), t->currency);
		printf("\"outcomes\":%lld,\"amount\":%s,\"decimal\":\"%s\"}",
		       (long long)t->outcomes, money_format(t->amount_minor, 0, amount),
		       decimal(t, currencies, text));
	}
	putchar(']');
}
