/* Claims: due rows, locked in a transaction that is then open. */
#ifndef DB_CLAIM_H
#define DB_CLAIM_H

#include "db/conn.h"

/* What to claim.  With a subscription_id, only bucket and as_of_us count beside it. */
struct claim {
	int64_t as_of_us;
	int16_t bucket;
	int64_t after_end_us; /* go on after this period_end … */
	int64_t after_id;     /* … and this subscription */
	int most;
	int64_t subscription_id;       /* 0: all that are due */
	const struct rows *lost_zones; /* of lost_time_zones().  Borrowed */
};

/* Where a claim starts that goes on after nothing: PostgreSQL's -infinity. */
#define CLAIM_FROM_START INT64_MIN

/* Begins a transaction and locks due rows, in one round trip.  Rows are read by facts_read.  NULL
 * after a failure.  The transaction is open, also when no row was claimed. */
struct rows *claim_rows(struct conn *conn, const struct claim *claim, struct error *err)
	OWNED_BY(rows_free);

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
