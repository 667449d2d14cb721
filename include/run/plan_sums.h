/* The sums of a plan, as its steps are added one by one. */
#ifndef RUN_PLAN_SUMS_H
#define RUN_PLAN_SUMS_H

#include "run/plan.h"

/* The line of a step: the one there is, or a new one. */
struct plan_line *plan_line_of(struct plan *plan, const struct step *step);

void plan_add(struct plan *plan, const struct plan_step *step);

/* Puts lines, totals and amounts in their order. */
void plan_sort(struct plan *plan);

#endif
