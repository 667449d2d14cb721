/* Totals: adding up outcomes by kind and currency. */
#include "core/totals.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct total *find_line(struct totals *totals, enum kind kind, const char *currency)
{
	struct total *line;

	for (int i = 0; i < totals->lines; i++) {
		line = &totals->line[i];
		if (line->kind == kind && strcmp(line->currency, currency) == 0)
			return line;
	}
	assert(totals->lines < TOTALS_MAX);
	line = &totals->line[totals->lines++];
	*line = (struct total){ .kind = kind };
	memcpy(line->currency, currency, sizeof(line->currency));
	return line;
}

void totals_add(struct totals *totals, const struct step *step)
{
	struct total *line = find_line(totals, step->kind, step->terms.currency);

	line->outcomes++;
	line->amount_minor += step->amount_minor;
}

int64_t totals_outcomes(const struct totals *totals, unsigned kinds)
{
	int64_t sum = 0;

	for (int i = 0; i < totals->lines; i++)
		if (kinds & 1U << totals->line[i].kind)
			sum += totals->line[i].outcomes;
	return sum;
}

money_sum totals_billed(const struct totals *totals, const char *currency)
{
	money_sum sum = 0;

	for (int i = 0; i < totals->lines; i++)
		if (strcmp(totals->line[i].currency, currency) == 0)
			sum += totals->line[i].amount_minor;
	return sum;
}

static int compare_lines(const void *a, const void *b)
{
	const struct total *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->currency, y->currency);
}

void totals_sort(struct totals *totals)
{
	qsort(totals->line, (size_t)totals->lines, sizeof(totals->line[0]), compare_lines);
}
