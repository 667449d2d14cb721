/* The forms in which a plan is shown. */
#ifndef CMD_PLAN_VIEW_H
#define CMD_PLAN_VIEW_H

#include "core/limits.h"
#include "db/server.h"
#include "run/plan.h"

/* What the plan is about, and what stands beside its numbers. */
struct plan_about {
	const struct server *server;
	const char *config_path; /* NULL: there is none */
	int64_t subscription_id; /* 0: all */
	int64_t horizon_us;      /* not 0: a forecast, of as_of - horizon_us until as_of */
	int checks;
	struct limit_check check[LIMITS_MAX];
	const char *allowed; /* limits that may be passed; NULL: none */
};

/* One document for a person, … */
void plan_print_text(const struct plan *plan, const struct plan_about *about);

/* … of which this is the part about money; … */
void plan_print_money(const struct plan *plan, bool compare);

/* … or for a program. */
void plan_print_json(const struct plan *plan, const struct plan_about *about);

/* One row a step, with the columns of outcome from subscription_id to currency, and reason. */
void plan_print_step(const struct plan_step *step); /* as JSON, without the line's end */
bool plan_print_jsonl(void *none, const struct plan_step *step, struct error *err) MUST_CHECK;
void plan_print_csv_header(void);
bool plan_print_csv(void *none, const struct plan_step *step, struct error *err) MUST_CHECK;

#endif
