/* The brake of a run. */
#include "cmd/brake.h"
#include "base/memory.h"
#include "cmd/limits.h"
#include "cmd/plan_seen.h"

#include <stdlib.h>
#include <string.h>

/* max_held is counted by the run itself. */
static bool is_needed(const struct context *context)
{
	const struct config *config = &context->config;
	const char *allowed = context->options.allow_over;
	char name[LIMIT_NAME_SIZE];

	if (config->max_expired != 0 && !limits_allowed(allowed, "max_expired"))
		return true;
	for (int i = 0; i < config->max_amounts; i++)
		if (!limits_allowed(allowed, limit_name(config->max_amount[i].currency, name)))
			return true;
	return false;
}

static bool goes_on(void *stop, const struct plan_step *step, struct error *err)
{
	(void)step;
	return stop_level(stop) == STOP_NOT || fail(err, EXIT_LEFT, "it was asked to stop");
}

static bool check_plan(const struct context *context, const struct plan *plan,
		       char over[LIMIT_NAME_SIZE], struct error *err)
{
	const char *allowed = context->options.allow_over;
	struct limit_check check[LIMITS_MAX];
	const struct limit_check *first;
	struct limits limits;
	int checks;

	if (!limits_read(&context->config, &plan->currencies, &limits, err))
		return false;
	limits.max_held = 0;
	checks = limits_check(&limits, &plan->totals, plan->newly_held, check);
	first = limits_first_over(check, checks, allowed);
	if (first != NULL)
		memcpy(over, first->name, LIMIT_NAME_SIZE);
	return limits_obeyed(check, checks, allowed, &plan->currencies, err);
}

bool brake_check(const struct context *context, const struct work *work, struct stop *stop,
		 struct conn *conn, char over[LIMIT_NAME_SIZE], struct error *err)
{
	const struct plan_request request = { .policy = work->policy,
					      .subscription_id = work->subscription_id,
					      .batch_size = work->batch_size,
					      .visit = goes_on,
					      .visitor = stop };
	struct error fault = { 0 };
	struct plan *plan;
	bool ok;

	if (!is_needed(context))
		return true;
	plan = memory_zeroed(sizeof(*plan));
	ok = plan_make_seen(conn, &request, context->quiet, plan, &fault) &&
	     check_plan(context, plan, over, &fault);
	/* Nothing follows that a limit could stop. */
	if (!ok && fault.code != EXIT_LIMIT && stop_level(stop) != STOP_NOT)
		ok = true;
	if (!ok)
		*err = fault;
	plan_release(plan);
	free(plan);
	return ok;
}
