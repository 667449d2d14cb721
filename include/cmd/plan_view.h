/* The forms in which a plan is shown. */
#ifndef CMD_PLAN_VIEW_H
#define CMD_PLAN_VIEW_H

#include "db/server.h"
#include "run/plan.h"

/* What the plan is about, beside its numbers. */
struct plan_about {
	const struct server *server;
	int64_t subscription_id; /* 0: all */
};

/* One document for a person, … */
void plan_print_text(const struct plan *plan, const struct plan_about *about);

/* … or for a program. */
void plan_print_json(const struct plan *plan, const struct plan_about *about);

/* One row a step, with the columns of outcome from subscription_id to currency, and reason. */
void plan_print_step(const struct plan_step *step); /* as JSON, without the line's end */
bool plan_print_jsonl(const struct plan_step *step, struct error *err) MUST_CHECK;
void plan_print_csv_header(void);
bool plan_print_csv(const struct plan_step *step, struct error *err) MUST_CHECK;

#endif
