/* Claims: due rows, locked in a transaction that is then open. */
#ifndef DB_CLAIM_H
#define DB_CLAIM_H

#include "db/conn.h"

/* The limits of each transaction, as PostgreSQL takes them ("60s"). */
struct time_limits {
	const char *statement_timeout;
	const char *lock_timeout;
};

/* What to claim.  With a subscription_id, only bucket and as_of_us count beside it. */
struct claim {
	int64_t as_of_us;
	int16_t bucket;
	int64_t after_end_us; /* go on after this period_end … */
	int64_t after_id;     /* … and this subscription */
	int most;
	int64_t subscription_id; /* 0: all that are due */
};

/* Where a claim starts that goes on after nothing: PostgreSQL's -infinity. */
#define CLAIM_FROM_START INT64_MIN

/* Begins a transaction and locks due rows, in one round trip.  Rows are read by facts_read.  NULL
 * after a failure.  The transaction is open, also when no row was claimed. */
struct rows *claim_rows(struct conn *conn, const struct claim *claim,
			const struct time_limits *limits, struct error *err) OWNED_BY(rows_free);

#endif
