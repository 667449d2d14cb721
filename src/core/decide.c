/* Decisions: the rules in their order, and the loop over the steps of one row. */
#include "core/decide.h"
#include "base/instant.h"
#include "core/money.h"

#include <assert.h>
#include <stddef.h>

const char *kind_name(enum kind kind)
{
	static const char *const name[KINDS] = { "renewed", "converted", "expired",
						 "trial_expired" };

	return name[kind];
}

bool kind_opens(enum kind kind)
{
	return kind == KIND_RENEWED || kind == KIND_CONVERTED;
}

bool step_closes(const struct step *step)
{
	return step->action == ACTION_CLOSE;
}

bool step_opens(const struct step *step)
{
	return step_closes(step) && kind_opens(step->kind);
}

/* What the rules ask.  Each answers for facts that no earlier rule took. */

static bool is_ended(const struct facts *f, const struct policy *p)
{
	(void)p;
	return f->status == STATUS_EXPIRED;
}

static bool is_held(const struct facts *f, const struct policy *p)
{
	(void)p;
	return f->hold_reason != NULL;
}

static bool not_due(const struct facts *f, const struct policy *p)
{
	return f->period_end_us > p->as_of_us;
}

static bool is_cancelled(const struct facts *f, const struct policy *p)
{
	(void)p;
	return f->status == STATUS_PENDING_CANCELLATION;
}

/* An unknown price is not free: the trial ends, as an expiry needs no price. */
static bool is_unbilled_trial(const struct facts *f, const struct policy *p)
{
	(void)p;
	return f->status == STATUS_TRIALING && !f->billing_info &&
	       !(f->next.known && f->next.unit_amount_minor == 0);
}

static bool is_far_behind(const struct facts *f, const struct policy *p)
{
	return f->boundaries >= p->max_periods && f->boundary_us[p->max_periods - 1] <= p->as_of_us;
}

static bool is_too_far_behind(const struct facts *f, const struct policy *p)
{
	return !p->on_time && !f->catch_up_allowed && is_far_behind(f, p);
}

static bool is_trial(const struct facts *f, const struct policy *p)
{
	(void)p;
	return f->status == STATUS_TRIALING;
}

static bool is_active(const struct facts *f, const struct policy *p)
{
	(void)p;
	return f->status == STATUS_ACTIVE;
}

/* What the rules do. */

static struct step leave(const struct facts *f)
{
	return (struct step){
		.action = ACTION_LEAVE,
		.reason = f->hold_reason,
		.revision = f->revision,
		.from_status = f->status,
		.to_status = f->status,
		.period_start_us = f->period_start_us,
		.period_end_us = f->period_end_us,
		.terms = f->in_force,
	};
}

static struct step hold(const struct facts *f, const char *reason)
{
	struct step step = leave(f);

	step.action = ACTION_HOLD;
	step.reason = reason;
	step.revision++;
	return step;
}

static struct step expire(const struct facts *f, enum kind kind, const char *reason)
{
	struct step step = leave(f);

	step.action = ACTION_CLOSE;
	step.kind = kind;
	step.reason = reason;
	step.revision++;
	step.to_status = STATUS_EXPIRED;
	return step;
}

/* Opens the next period; what cannot be computed becomes a hold, so that it stops no other row. */
static struct step open_period(const struct facts *f, enum kind kind)
{
	struct step step = leave(f);

	if (!f->next.known)
		return hold(f, "price_missing");
	if (f->boundaries == 0)
		return hold(f, "unknown_time_zone");
	if (f->boundary_us[0] <= f->period_end_us)
		return hold(f, "end_not_after_start");
	if (f->boundary_us[0] > INSTANT_END_MAX)
		return hold(f, "end_out_of_range");
	if (!money_times(f->next.unit_amount_minor, f->next.quantity, &step.amount_minor))
		return hold(f, "amount_overflow");
	step.action = ACTION_CLOSE;
	step.kind = kind;
	step.revision++;
	step.to_status = STATUS_ACTIVE;
	step.next_end_us = f->boundary_us[0];
	step.terms = f->next;
	return step;
}

static struct step end_cancelled(const struct facts *f)
{
	return expire(f, KIND_EXPIRED, "cancelled");
}

static struct step end_trial(const struct facts *f)
{
	return expire(f, KIND_TRIAL_EXPIRED, "trial_ended");
}

static struct step hold_behind(const struct facts *f)
{
	return hold(f, "catch_up_limit");
}

static struct step convert(const struct facts *f)
{
	return open_period(f, KIND_CONVERTED);
}

static struct step renew(const struct facts *f)
{
	return open_period(f, KIND_RENEWED);
}

/* The policy.  README tells what belongs to a new rule. */
const struct rule rules[RULES] = {
	{ "ended", "has ended", is_ended, FACT_STATUS, leave },
	{ "held", "stays on hold", is_held, FACT_HOLD, leave },
	{ "not-due", "is not due", not_due, FACT_PERIOD_END, leave },
	{ "cancelled", "ends with its paid period", is_cancelled, FACT_STATUS, end_cancelled },
	{ "trial-unbilled", "trial ends without billing information", is_unbilled_trial,
	  FACT_STATUS | FACT_BILLING | FACT_PRICE, end_trial },
	{ "too-far-behind", "too many periods behind", is_too_far_behind,
	  FACT_BOUNDARIES | FACT_CATCH_UP, hold_behind },
	{ "trial-converts", "trial becomes a paid subscription", is_trial, FACT_STATUS, convert },
	{ "renews", "next period opens", is_active, FACT_STATUS, renew },
};

unsigned rule_decided_by(const struct rule *rule, const struct facts *facts,
			 const struct policy *policy)
{
	unsigned decided_by = rule->looks_at;

	/* Billing information and the price count for a trial only, and the price only without. */
	if (facts->status != STATUS_TRIALING)
		decided_by &= ~(unsigned)(FACT_BILLING | FACT_PRICE);
	if (facts->billing_info)
		decided_by &= ~(unsigned)FACT_PRICE;
	/* Nobody need allow what is below the limit. */
	if (!is_far_behind(facts, policy))
		decided_by &= ~(unsigned)FACT_CATCH_UP;
	return decided_by;
}

struct step decide(const struct facts *facts, const struct policy *policy)
{
	const struct rule *r = rules;
	struct step step;

	assert(policy->max_periods >= 1 && policy->max_periods < BOUNDARIES_MAX);
	while (!r->matches(facts, policy))
		r++;
	assert(r < rules + RULES);
	step = r->act(facts);
	step.rule = r;
	return step;
}

static void advance_period(struct facts *f, const struct step *step, const struct policy *policy)
{
	if (step->kind == KIND_CONVERTED) {
		f->anchor_us = f->end_local_us;
		f->months_elapsed = 0;
	}
	f->months_elapsed += f->interval_months;
	f->period_start_us = step->period_end_us;
	f->period_end_us = step->next_end_us;
	f->in_force = step->terms;
	f->boundary_us++;
	f->boundaries--;
	if (f->period_end_us > policy->as_of_us)
		f->catch_up_allowed = false;
}

void facts_advance(struct facts *facts, const struct step *step, const struct policy *policy)
{
	facts->status = step->to_status;
	facts->revision = step->revision;
	if (step->action == ACTION_HOLD)
		facts->hold_reason = step->reason;
	if (step_opens(step))
		advance_period(facts, step, policy);
}

int decide_all(struct facts *facts, const struct policy *policy, struct step step[STEPS_MAX])
{
	int n = 0;

	do {
		step[n] = decide(facts, policy);
		facts_advance(facts, &step[n], policy);
		n++;
	} while (step_opens(&step[n - 1]) && facts->period_end_us <= policy->as_of_us &&
		 facts->boundaries > 0);
	return n;
}
