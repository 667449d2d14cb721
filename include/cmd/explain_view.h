/* What explain found out of one subscription, and the forms in which it is shown. */
#ifndef CMD_EXPLAIN_VIEW_H
#define CMD_EXPLAIN_VIEW_H

#include "core/decide.h"
#include "db/currencies.h"
#include "db/facts_rows.h"
#include "db/server.h"

/* So many boundaries are told of a subscription that goes on. */
#define EXPLAIN_BOUNDARIES 12

struct explanation {
	struct facts_row row;   /* as it is */
	struct facts_row ahead; /* as a run would leave it */
	bool due;
	struct step step[STEPS_MAX]; /* those of the run's first batch; the first names the rule */
	int steps;
	int64_t further;         /* steps of its further batches, … */
	struct step last;        /* … and the last one of them */
	struct step at_boundary; /* if not due: what would be done at period_end */
	int most_boundaries;     /* so many there should be */
	struct rows *facts;      /* explain_fact */
	struct rows *boundaries; /* explain_boundary */
};

/* What all of them share. */
struct explain_about {
	const struct server *server;
	const struct policy *policy;
	struct currencies currencies;
};

/* Whether something would be done at the end of its period, and not before. */
bool explain_waits(const struct explanation *explanation);

#define EXPLAIN_WHY_SIZE 1500

/* Says in words why a rule matches these facts, or does not: those that decided.  Returns
 * buffer. */
const char *explain_why(const struct rule *rule, const struct facts *facts,
			const struct policy *policy, char buffer[EXPLAIN_WHY_SIZE]);

/* For a person, … */
void explain_print_text(const struct explanation *explanation, const struct explain_about *about);

/* … or for a program: an element of the document's list, which its head leaves open. */
void explain_print_json_head(const struct explain_about *about);
void explain_print_json(const struct explanation *explanation, const struct explain_about *about);

#endif
