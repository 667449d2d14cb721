/* Decisions: the policy of the program, as a pure function from facts to steps.
 *
 * An ordered table of rules; the first that matches decides one step of one subscription.  Its name
 * is stored with the outcome and printed by plan.  The rules come from the requirement: a
 * subscription is prepaid and renews by itself; a cancelled one stays usable to the end of its
 * period, then expires without refund; a trial converts only with billing information of its own.
 *
 * Nothing here reads a clock, does I/O or fails: what cannot be computed is a step of its own. */
#ifndef CORE_DECIDE_H
#define CORE_DECIDE_H

#include "core/facts.h"

/* One step for each boundary, and one that says why there is no further. */
#define STEPS_MAX (BOUNDARIES_MAX + 1)

enum action {
	ACTION_LEAVE, /* nothing changes; reason is the hold's, if it is one */
	ACTION_HOLD,  /* the row waits for a person; reason says why */
	ACTION_CLOSE, /* the period closes: an outcome; reason is an end's end_reason */
};

enum kind {
	KIND_RENEWED,
	KIND_CONVERTED,
	KIND_EXPIRED,
	KIND_TRIAL_EXPIRED,
	KINDS,
};

/* The outcome's kind as stored. */
const char *kind_name(enum kind kind);

/* Whether an outcome of this kind opens a period, and so has an amount. */
bool kind_opens(enum kind kind);

struct policy {
	int64_t as_of_us;
	int max_periods; /* a row so many periods behind is held; 1 to 31 */
	bool on_time;    /* none is: a forecast takes it that runs happen when something is due */
};

struct step {
	const struct rule *rule;
	enum action action;
	enum kind kind;     /* of ACTION_CLOSE */
	const char *reason; /* NULL or a code; a hold_reason is borrowed from the facts */
	int32_t revision;   /* after the step */
	enum status from_status;
	enum status to_status;
	int64_t period_start_us; /* the period that closes; the current one when nothing changes */
	int64_t period_end_us;
	int64_t next_end_us;  /* of the period that opens at period_end, where one does */
	struct terms terms;   /* of the period that opens, otherwise those in force */
	int64_t amount_minor; /* 0 unless a period opens */
};

/* What a rule may look at, so that it can be told why one matches and another does not. */
enum fact_bit {
	FACT_STATUS = 1 << 0,
	FACT_HOLD = 1 << 1,
	FACT_PERIOD_END = 1 << 2,
	FACT_BILLING = 1 << 3, /* whether billing information was given */
	FACT_PRICE = 1 << 4,   /* what the next period costs */
	FACT_BOUNDARIES = 1 << 5,
	FACT_CATCH_UP = 1 << 6, /* whether catching up is allowed */
};

struct rule {
	const char *name;
	const char *meaning; /* what it does, in a few words for a person */
	bool (*matches)(const struct facts *facts, const struct policy *policy);
	unsigned looks_at; /* the facts that matches asks for: bits of enum fact_bit */
	struct step (*act)(const struct facts *facts);
};

/* The rules in their order. */
#define RULES 8
extern const struct rule rules[RULES];

/* Those of the facts a rule looks at that decided whether it matches: with the same in them it
 * answers the same, whatever the others are. */
unsigned rule_decided_by(const struct rule *rule, const struct facts *facts,
			 const struct policy *policy);

/* Whether the step is an outcome. */
bool step_closes(const struct step *step);

/* Whether the step opens a period after the one it closes. */
bool step_opens(const struct step *step);

/* The one step that the rules take from these facts. */
struct step decide(const struct facts *facts, const struct policy *policy);

/* The facts after a step. */
void facts_advance(struct facts *facts, const struct step *step, const struct policy *policy);

/* Applies the rules until the row is current, ended, held or out of boundaries.  Writes at most
 * STEPS_MAX steps, at least one, and returns how many; *facts is then the row after them.  A row
 * that nothing is done to gives one step of ACTION_LEAVE. */
int decide_all(struct facts *facts, const struct policy *policy, struct step step[STEPS_MAX]);

#endif
