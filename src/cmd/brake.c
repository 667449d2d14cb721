/* The brake of a run. */
#include "cmd/brake.h"
#include "base/memory.h"
#include "cmd/limits.h"
#include "run/plan.h"

#include <stdlib.h>
#include <string.h>

/* max_held is counted by the run itself. */
static bool is_needed(const struct context *context)
{
	const struct config *config = &context->config;
	const char *allowed = context->options.allow_over;
	char name[LIMIT_NAME_SIZE] = "max_amount.";

	if (config->max_expired != 0 && !limits_allowed(allowed, "max_expired"))
		return true;
	for (int i = 0; i < config->max_amounts; i++) {
		memcpy(name + strlen("max_amount."), config->max_amount[i].currency,
		       sizeof(config->max_amount[i].currency));
		if (!limits_allowed(allowed, name))
			return true;
	}
	return false;
}

static bool goes_on(void *stop, const struct plan_step *step, struct error *err)
{
	(void)step;
	return stop_level(stop) == STOP_NOT || fail(err, EXIT_LEFT, "it was asked to stop");
}

static bool hold_against(const struct context *context, const struct plan *plan,
			 char over[LIMIT_NAME_SIZE], struct error *err)
{
	const char *allowed = context->options.allow_over;
	struct limit_check check[LIMITS_MAX];
	struct limits limits;
	int checks;

	if (!limits_read(&context->config, &plan->currencies, &limits, err))
		return false;
	limits.max_held = 0;
	checks = limits_check(&limits, &plan->totals, plan->newly_held, check);
	for (int i = checks - 1; i >= 0; i--)
		if (check[i].over && !limits_allowed(allowed, check[i].name))
			memcpy(over, check[i].name, LIMIT_NAME_SIZE);
	return limits_hold(check, checks, allowed, &plan->currencies, err);
}

bool brake_check(const struct context *context, const struct work *work, struct stop *stop,
		 struct conn *conn, char over[LIMIT_NAME_SIZE], struct error *err)
{
	const struct plan_request request = { .policy = work->policy,
					      .subscription_id = work->subscription_id,
					      .batch_size = work->batch_size,
					      .visit = goes_on,
					      .visitor = stop };
	struct plan *plan;
	bool ok;

	if (!is_needed(context))
		return true;
	plan = memory_zeroed(sizeof(*plan));
	ok = plan_make(conn, &request, plan, err);
	if (ok)
		ok = hold_against(context, plan, over, err);
	else if (stop_level(stop) != STOP_NOT)
		ok = true;
	plan_release(plan);
	free(plan);
	return ok;
}
