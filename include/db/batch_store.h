/* The rows of one batch: claimed from the database, and written back set-wise in the same
 * transaction. */
#ifndef DB_BATCH_STORE_H
#define DB_BATCH_STORE_H

#include "core/decide.h"
#include "core/totals.h"
#include "db/conn.h"

/* The limits of each transaction, as PostgreSQL takes them ("60s"). */
struct time_limits {
	const char *statement_timeout;
	const char *lock_timeout;
};

/* What to claim.  With subscription_id the rest but bucket and as_of is not looked at. */
struct claim {
	int64_t as_of_us;
	int16_t bucket;
	int64_t after_end_us; /* go on after this period_end … */
	int64_t after_id;     /* … and this subscription */
	int most;
	int64_t subscription_id; /* 0: all that are due */
};

/* Begins a transaction and locks due rows, in one round trip.  Rows are read by facts_read.  NULL
 * after a failure.  The transaction is then open, also when no row was claimed. */
struct rows *store_claim(struct conn *conn, const struct claim *claim,
			 const struct time_limits *limits, struct error *err) OWNED_BY(rows_free);

/* What a batch is to write for one bucket, collected row by row.  Zeroed is ready to use; its
 * memory is kept from batch to batch. */
struct writeset {
	struct params state;
	struct params outcomes;
	struct params holds;
	struct params batch;
	struct totals totals;
	int states;
	int outcome_rows;
	int held;
};

void writeset_release(struct writeset *set);

/* Forgets what was collected and begins to collect for a batch. */
void writeset_begin(struct writeset *set, int64_t run_id, const struct claim *claim);

/* Adds a decided row: the facts after its steps, and the steps.  A row that nothing is done to is
 * not added. */
void writeset_add(struct writeset *set, const struct facts *after, const struct step *step,
		  int steps);

/* Writes it all in one round trip.  False unless every count is the one that was collected. */
bool store_write(struct conn *conn, struct writeset *set, int64_t run_id, const struct claim *claim,
		 int claimed, struct error *err) MUST_CHECK;

#endif
