/* Writesets: what a batch decided for one bucket, collected row by row and written set-wise.
 *
 * Zeroed is ready to use; the memory is kept from batch to batch. */
#ifndef DB_WRITESET_H
#define DB_WRITESET_H

#include "core/decide.h"
#include "core/totals.h"
#include "db/conn.h"

struct writeset {
	int64_t run_id;
	int16_t bucket;
	int64_t as_of_us;
	struct totals totals;

	/* Rows of each kind: of subscription, outcome (and as many jobs), and event. */
	int claimed;
	int closed;
	int held;
	int continued; /* of the claimed ones, those that are still due afterwards */

	/* Parameters of write_state, write_outcomes, write_holds and write_batch. */
	struct params state;
	struct params outcomes;
	struct params holds;
	struct params hold_row;
	struct params batch;
};

void writeset_release(struct writeset *set);

/* Forgets what was collected and begins anew. */
void writeset_begin(struct writeset *set, int64_t run_id, int16_t bucket, int64_t as_of_us);

/* Adds a row to which something was done: the facts after its steps, and the steps. */
void writeset_add(struct writeset *set, const struct facts *after, const struct step *step,
		  int steps);

/* Writes it all in one round trip.  False unless every count is the one that was collected. */
bool writeset_write(struct writeset *set, struct conn *conn, struct error *err) MUST_CHECK;

/* Instead of all this: puts one row on hold that the server refused, because of *refusal. */
bool writeset_hold_row(struct writeset *set, struct conn *conn, int64_t subscription_id,
		       const struct error *refusal, struct error *err) MUST_CHECK;

#endif
