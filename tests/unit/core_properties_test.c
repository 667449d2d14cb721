/* What holds for every subscription, over many random ones: the seed is fixed, so that a failure
 * comes again. */
#include "base/instant.h"
#include "core/decide.h"
#include "core/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 200000

static uint64_t seed = 20261123;

/* 0 … below - 1 */
static int64_t random_below(int64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((seed >> 11) % (uint64_t)below);
}

static bool chance(int one_in)
{
	return random_below(one_in) == 0;
}

static struct terms random_terms(void)
{
	return (struct terms){
		.known = !chance(20),
		.price_id = (int32_t)random_below(9) + 1,
		.quantity = (int32_t)random_below(chance(10) ? 2147483647 : 20) + 1,
		.unit_amount_minor =
			chance(5) ? 0 : random_below(chance(10) ? MONEY_MAX + 1 : 100000),
		.currency = "EUR",
	};
}

static void random_facts(struct facts *f, struct policy *p, int64_t boundary_us[BOUNDARIES_MAX])
{
	int64_t at;

	*p = (struct policy){ 8000 * INSTANT_PER_DAY + random_below(1000) * INSTANT_PER_DAY,
			      (int)random_below(31) + 1, chance(10) };
	at = p->as_of_us + (random_below(200) - 190) * INSTANT_PER_DAY;
	if (chance(20))
		at = p->as_of_us;
	*f = (struct facts){
		.subscription_id = 1,
		.revision = (int32_t)random_below(100),
		.status = (enum status)random_below(4),
		.billing_info = chance(2),
		.catch_up_allowed = chance(2),
		.hold_reason = chance(10) ? "dispute" : NULL,
		.period_start_us = at - INSTANT_PER_DAY,
		.period_end_us = at,
		.end_local_us = at + 3600 * INSTANT_PER_SECOND,
		.months_elapsed = (int32_t)random_below(100),
		.in_force = random_terms(),
		.boundary_us = boundary_us,
		.boundaries = chance(20) ? 0 : (int)random_below(BOUNDARIES_MAX) + 1,
	};
	f->next = chance(3) ? random_terms() : f->in_force;
	f->interval_months = (int32_t)random_below(24) + 1;
	for (int i = 0; i < f->boundaries; i++) {
		at += chance(50) ? -INSTANT_PER_DAY : random_below(40 * INSTANT_PER_DAY) + 1;
		boundary_us[i] = chance(500) ? INSTANT_END_MAX + 1 : at;
	}
}

/* The rules whose conditions hold, from a table of their own: what the contract says, not how it is
 * coded. */
static const char *expected_rule(const struct facts *f, const struct policy *p)
{
	bool far = !p->on_time && f->boundaries >= p->max_periods &&
		   f->boundary_us[p->max_periods - 1] <= p->as_of_us;

	if (f->status == STATUS_EXPIRED)
		return "ended";
	if (f->hold_reason != NULL)
		return "held";
	if (f->period_end_us > p->as_of_us)
		return "not-due";
	if (f->status == STATUS_PENDING_CANCELLATION)
		return "cancelled";
	if (f->status == STATUS_TRIALING && !f->billing_info &&
	    (!f->next.known || f->next.unit_amount_minor > 0))
		return "trial-unbilled";
	if (far && !f->catch_up_allowed)
		return "too-far-behind";
	return f->status == STATUS_TRIALING ? "trial-converts" : "renews";
}

static void every_row_meets_the_rule_of_the_contract(void **state)
{
	int64_t boundary_us[BOUNDARIES_MAX];
	struct policy p;
	struct facts f;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		random_facts(&f, &p, boundary_us);
		assert_string_equal(decide(&f, &p).rule->name, expected_rule(&f, &p));
	}
}

/* Checks one step against the row before it; f is moved on. */
static void check_step(const struct step *s, struct facts *f, const struct policy *p)
{
	assert_int_equal(s->from_status, f->status);
	assert_int_equal(s->period_start_us, f->period_start_us);
	assert_int_equal(s->period_end_us, f->period_end_us);
	assert_int_equal(s->revision, f->revision + (s->action != ACTION_LEAVE));
	assert_int_equal(step_closes(s), s->action == ACTION_CLOSE);
	assert_true(s->amount_minor >= 0 && s->amount_minor <= MONEY_MAX);
	if (step_opens(s)) {
		assert_true(s->next_end_us > s->period_end_us && s->next_end_us <= INSTANT_END_MAX);
		assert_true(s->amount_minor == s->terms.unit_amount_minor * s->terms.quantity);
		assert_memory_equal(&s->terms, &f->next, sizeof(s->terms));
		assert_int_equal(s->to_status, STATUS_ACTIVE);
	} else {
		assert_int_equal(s->amount_minor, 0);
		assert_memory_equal(&s->terms, &f->in_force, sizeof(s->terms));
		assert_int_equal(s->to_status, step_closes(s) ? STATUS_EXPIRED : f->status);
	}
	facts_advance(f, s, p);
	if (step_opens(s)) {
		/* Periods tile: the next one starts where this one ended. */
		assert_int_equal(f->period_start_us, s->period_end_us);
		assert_int_equal(f->period_end_us, s->next_end_us);
		assert_memory_equal(&f->in_force, &s->terms, sizeof(s->terms));
	}
}

static void steps_follow_each_other_until_the_row_is_done(void **state)
{
	int64_t boundary_us[BOUNDARIES_MAX];
	struct step step[STEPS_MAX];
	struct facts f, walked;
	struct policy p;
	int steps;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		random_facts(&f, &p, boundary_us);
		walked = f;
		steps = decide_all(&f, &p, step);
		assert_in_range(steps, 1, STEPS_MAX);
		for (int j = 0; j < steps; j++) {
			assert_true(j == 0 || step[j].action != ACTION_LEAVE);
			assert_true(j == steps - 1 || step_opens(&step[j]));
			check_step(&step[j], &walked, &p);
		}
		assert_memory_equal(&f, &walked, sizeof(f));
		if (step_opens(&step[steps - 1]) && f.boundaries > 0)
			assert_string_equal(decide(&f, &p).rule->name, "not-due");
		else if (!step_opens(&step[steps - 1]))
			assert_int_equal(decide(&f, &p).action, ACTION_LEAVE);
	}
}

static void months_are_counted_from_the_anchor(void **state)
{
	int64_t boundary_us[BOUNDARIES_MAX];
	struct step step[STEPS_MAX];
	struct facts f, before;
	struct policy p;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int opened = 0, steps;

		random_facts(&f, &p, boundary_us);
		before = f;
		steps = decide_all(&f, &p, step);
		for (int j = 0; j < steps; j++)
			opened += step_opens(&step[j]);
		if (step_opens(&step[0]) && step[0].kind == KIND_CONVERTED) {
			assert_int_equal(f.months_elapsed, opened * before.interval_months);
			assert_int_equal(f.anchor_us, before.end_local_us);
		} else {
			assert_int_equal(f.months_elapsed,
					 before.months_elapsed + opened * before.interval_months);
			assert_int_equal(f.anchor_us, before.anchor_us);
		}
	}
}

static void catching_up_is_allowed_until_the_row_is_current(void **state)
{
	int64_t boundary_us[BOUNDARIES_MAX];
	struct step step[STEPS_MAX];
	struct policy p;
	struct facts f;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		bool allowed;
		int steps;

		random_facts(&f, &p, boundary_us);
		allowed = f.catch_up_allowed;
		steps = decide_all(&f, &p, step);
		if (step_opens(&step[steps - 1]))
			assert_int_equal(f.catch_up_allowed,
					 allowed && f.period_end_us <= p.as_of_us);
		else
			assert_int_equal(f.catch_up_allowed, allowed);
	}
}

/* An expiry needs neither price nor boundaries, and none of them can prevent it. */
static void bad_facts_never_prevent_an_expiry(void **state)
{
	struct policy p = { .as_of_us = 100, .max_periods = 3 };
	struct facts f = { .status = STATUS_PENDING_CANCELLATION, .period_end_us = 100 };

	(void)state;
	assert_int_equal(decide(&f, &p).kind, KIND_EXPIRED);
	f.status = STATUS_TRIALING;
	assert_string_equal(decide(&f, &p).rule->name, "trial-unbilled");
	f.billing_info = true;
	assert_string_equal(decide(&f, &p).reason, "price_missing");
	f.next.known = true;
	assert_string_equal(decide(&f, &p).reason, "unknown_time_zone");
}

/* What the batch reads again under the lock, lest a hold comes of a price that the claim could not
 * see yet. */
static void facts_are_complete_when_nothing_is_missing_that_the_state_needs(void **state)
{
	int64_t boundary_us = 0;
	struct facts f = { .status = STATUS_ACTIVE,
			   .in_force.known = true,
			   .next.known = true,
			   .boundary_us = &boundary_us,
			   .boundaries = 1 };

	(void)state;
	assert_true(facts_complete(&f));
	f.boundaries = 0;
	assert_false(facts_complete(&f));
	f.status = STATUS_TRIALING;
	assert_false(facts_complete(&f));
	f.status = STATUS_PENDING_CANCELLATION;
	assert_true(facts_complete(&f));
	f.next.known = false;
	assert_false(facts_complete(&f));
	f.next.known = true;
	f.in_force.known = false;
	assert_false(facts_complete(&f));
}

static void periods_are_missed_up_to_as_of(void **state)
{
	const int64_t boundary_us[] = { 10, 20, 30 };
	const struct facts f = { .period_end_us = 0, .boundary_us = boundary_us, .boundaries = 3 };

	(void)state;
	assert_int_equal(facts_missed(&f, 9), 0);
	assert_int_equal(facts_missed(&f, 10), 1);
	assert_int_equal(facts_missed(&f, 29), 2);
	assert_int_equal(facts_missed(&f, 31), 3);
	assert_int_equal(facts_missed(&(struct facts){ 0 }, 31), 0);
}

static void rules_stand_in_the_order_of_the_contract(void **state)
{
	static const char *const name[RULES] = { "ended",          "held",
						 "not-due",        "cancelled",
						 "trial-unbilled", "too-far-behind",
						 "trial-converts", "renews" };

	(void)state;
	for (int i = 0; i < RULES; i++)
		assert_string_equal(rules[i].name, name[i]);
}

/* Takes from *from the facts that are named. */
static void copy_facts(struct facts *to, const struct facts *from, unsigned named)
{
	if (named & FACT_STATUS)
		to->status = from->status;
	if (named & FACT_HOLD)
		to->hold_reason = from->hold_reason;
	if (named & FACT_PERIOD_END)
		to->period_end_us = from->period_end_us;
	if (named & FACT_BILLING)
		to->billing_info = from->billing_info;
	if (named & FACT_PRICE)
		to->next = from->next;
	if (named & FACT_CATCH_UP)
		to->catch_up_allowed = from->catch_up_allowed;
	if (named & FACT_BOUNDARIES) {
		to->boundary_us = from->boundary_us;
		to->boundaries = from->boundaries;
	}
}

/* A rule that looks at a fact which it does not name would be explained wrongly. */
static void a_rule_answers_by_the_facts_that_decided_alone(void **state)
{
	int64_t boundary_us[BOUNDARIES_MAX], other_boundary_us[BOUNDARIES_MAX];
	struct policy p, other_policy;
	struct facts f, other, mixed;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		random_facts(&f, &p, boundary_us);
		random_facts(&other, &other_policy, other_boundary_us);
		for (const struct rule *r = rules; r < rules + RULES; r++) {
			unsigned decided_by = rule_decided_by(r, &f, &p);

			assert_int_not_equal(decided_by, 0);
			assert_int_equal(decided_by & ~r->looks_at, 0);
			mixed = other;
			copy_facts(&mixed, &f, decided_by);
			if (r->matches(&mixed, &p) != r->matches(&f, &p))
				fail_msg("%s looks at more than it names", r->name);
		}
	}
}

static void only_renewals_and_conversions_open_a_period(void **state)
{
	(void)state;
	assert_true(kind_opens(KIND_RENEWED));
	assert_true(kind_opens(KIND_CONVERTED));
	assert_false(kind_opens(KIND_EXPIRED));
	assert_false(kind_opens(KIND_TRIAL_EXPIRED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_meets_the_rule_of_the_contract),
		cmocka_unit_test(steps_follow_each_other_until_the_row_is_done),
		cmocka_unit_test(months_are_counted_from_the_anchor),
		cmocka_unit_test(catching_up_is_allowed_until_the_row_is_current),
		cmocka_unit_test(bad_facts_never_prevent_an_expiry),
		cmocka_unit_test(facts_are_complete_when_nothing_is_missing_that_the_state_needs),
		cmocka_unit_test(periods_are_missed_up_to_as_of),
		cmocka_unit_test(rules_stand_in_the_order_of_the_contract),
		cmocka_unit_test(a_rule_answers_by_the_facts_that_decided_alone),
		cmocka_unit_test(only_renewals_and_conversions_open_a_period),
	};

	return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}
