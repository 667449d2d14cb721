/* Claims: due rows, locked in a transaction that is then open. */
#ifndef DB_CLAIM_H
#define DB_CLAIM_H

#include "db/conn.h"

/* A place in the order in which rows of a bucket are claimed. */
struct claim_key {
	int64_t period_end_us;
	int64_t subscription_id;
};

/* Before all rows: PostgreSQL's -infinity. */
#define CLAIM_FROM_START ((struct claim_key){ INT64_MIN, 0 })

/* What to claim. */
struct claim {
	int64_t as_of_us;
	int16_t bucket;
	struct claim_key after; /* go on after this */
	int most;
	bool begins;                   /* the transaction; otherwise there is one */
	int64_t subscription_id;       /* only this one; 0: all */
	const struct rows *lost_zones; /* of lost_time_zones().  Borrowed */
};

/* Locks due rows, and begins the transaction if it is to, in one round trip.  Rows are read by
 * facts_read.  NULL after a failure.  The transaction is open, also when no row was claimed. */
struct rows *claim_rows(struct conn *conn, const struct claim *claim, struct error *err)
	OWNED_BY(rows_free);

/* Begins a transaction, locks the next due row alone, without reading its facts, and sets a
 * savepoint.  *found is 0 where there is none, or 1.  The transaction is open in both cases. */
bool claim_next(struct conn *conn, const struct claim *claim, int *found, struct claim_key *key,
		struct error *err) MUST_CHECK;

/* Reads a row again that this transaction has locked.  What was committed while it was being
 * locked, such as a new price, was not visible to the claim, and is now. */
struct rows *claim_again(struct conn *conn, const struct claim *claim, int64_t subscription_id,
			 struct error *err) OWNED_BY(rows_free);

/* The time zones that the schema accepted and the server no longer knows; one text column.  Takes
 * the server some 40 ms. */
struct rows *lost_time_zones(struct conn *conn, struct error *err) OWNED_BY(rows_free);

/* Adds them as a parameter. */
void params_lost_zones(struct params *params, const struct rows *lost);

#endif
