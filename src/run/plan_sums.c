/* The sums of a plan: by rule and reason, by what is sold, the largest amounts. */
#include "run/plan_sums.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan_line *find_line(struct plan *plan, const struct step *step, const char *reason)
{
	for (int i = 0; i < plan->lines; i++) {
		struct plan_line *line = &plan->line[i];

		if (line->rule == step->rule && line->action == step->action &&
		    strcmp(line->reason, reason) == 0)
			return line;
	}
	return NULL;
}

struct plan_line *plan_line_of(struct plan *plan, const struct step *step)
{
	char reason[PLAN_REASON_SIZE] = "";
	struct plan_line *line;

	/* Why something ends is its rule's own; holds have many reasons, and people add theirs. */
	if (!step_closes(step) && step->reason != NULL)
		text_cut(reason, sizeof(reason), step->reason);
	line = find_line(plan, step, reason);
	if (line == NULL && plan->lines >= PLAN_REASONS_MAX && reason[0] != '\0') {
		snprintf(reason, sizeof(reason), "other");
		line = find_line(plan, step, reason);
	}
	if (line == NULL) {
		line = &plan->line[plan->lines++];
		*line = (struct plan_line){ .rule = step->rule, .action = step->action };
		memcpy(line->reason, reason, sizeof(reason));
	}
	return line;
}

static void add_sample(struct plan_line *line, const struct plan_step *step)
{
	if (line->samples == PLAN_SAMPLES_MAX)
		return;
	line->sample[line->samples] = *step;
	/* A hold's reason is borrowed from rows that will be gone when the sample is shown. */
	line->sample[line->samples++].step.reason = NULL;
}

static struct plan_biggest *biggest_of(struct plan *plan, const char *currency)
{
	struct plan_biggest *biggest = plan->biggest;
	int i = 0;

	while (i < plan->biggest_lines && strcmp(biggest[i].currency, currency) != 0)
		i++;
	if (i == CURRENCIES_MAX)
		return NULL;
	if (i == plan->biggest_lines) {
		plan->biggest_lines++;
		memcpy(biggest[i].currency, currency, sizeof(biggest[i].currency));
	}
	return &biggest[i];
}

/* Keeps it if it is one of the largest; of equal ones the first. */
static void add_amount(struct plan *plan, const struct plan_step *step)
{
	struct plan_biggest *biggest = biggest_of(plan, step->step.terms.currency);
	int i;

	if (biggest == NULL || step->step.amount_minor == 0)
		return;
	for (i = biggest->steps; i > 0; i--) {
		if (biggest->step[i - 1].step.amount_minor >= step->step.amount_minor)
			break;
		if (i < PLAN_BIGGEST_MAX)
			biggest->step[i] = biggest->step[i - 1];
	}
	if (i < PLAN_BIGGEST_MAX)
		biggest->step[i] = *step;
	if (biggest->steps < PLAN_BIGGEST_MAX)
		biggest->steps++;
}

void plan_add(struct plan *plan, const struct plan_step *step)
{
	const struct step *s = &step->step;
	struct plan_line *line = plan_line_of(plan, s);
	struct plan_offer *offer = &plan->offer[offers_plan(&plan->offers, s->terms.price_id)];

	add_sample(line, step);
	if (s->action == ACTION_HOLD) {
		plan->newly_held++;
		offer->newly_held++;
	}
	if (step_closes(s)) {
		line->outcomes++;
		plan->outcomes++;
		offer->outcomes[s->kind]++;
		totals_add(&plan->totals, s);
	}
	if (step_opens(s))
		add_amount(plan, step);
}

/* By rule; what goes on hold before what goes on. */
static int compare_lines(const void *a, const void *b)
{
	const struct plan_line *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return strcmp(x->reason, y->reason);
}

static int compare_biggest(const void *a, const void *b)
{
	const struct plan_biggest *x = a, *y = b;

	return strcmp(x->currency, y->currency);
}

void plan_sort(struct plan *plan)
{
	totals_sort(&plan->totals);
	qsort(plan->line, (size_t)plan->lines, sizeof(plan->line[0]), compare_lines);
	qsort(plan->biggest, (size_t)plan->biggest_lines, sizeof(plan->biggest[0]),
	      compare_biggest);
}

int64_t plan_offer_weight(const struct plan_offer *offer)
{
	int64_t sum = offer->newly_held;

	for (int i = 0; i < KINDS; i++)
		sum += offer->outcomes[i];
	return sum;
}

bool plan_adds_up(const struct plan *plan)
{
	int64_t subscriptions = 0, by_rule = 0, by_currency = 0;

	for (int i = 0; i < plan->lines; i++) {
		subscriptions += plan->line[i].subscriptions;
		by_rule += plan->line[i].outcomes;
	}
	for (int i = 0; i < plan->totals.lines; i++)
		by_currency += plan->totals.line[i].outcomes;
	return subscriptions == plan->counted.free + plan->counted.held && by_rule == by_currency;
}
