/* Holds: what operators put on hold, what is on hold, and lifting it. */
#ifndef DB_HOLD_H
#define DB_HOLD_H

#include "db/claim.h"

/* So many are read, and lifted in a transaction, at most. */
#define HELD_AT_ONCE 1000

/* A hold that an operator wants. */
struct hold {
	int16_t bucket;
	int64_t subscription_id;
	const char *reason;
	const char *note; /* NULL: none */
	/* Afterwards: */
	bool newly; /* it was not on hold */
	int64_t period_end_us;
};

/* Puts a subscription on hold.  False with EXIT_UNKNOWN where it has expired or is on hold for
 * another reason. */
bool hold_put(struct conn *conn, struct hold *hold, struct error *err) MUST_CHECK;

/* Which of those on hold to read. */
struct held_query {
	int64_t as_of_us;
	const struct rows *lost_zones; /* of lost_time_zones().  Borrowed, like all pointers here */
	const int64_t *id;             /* only these; NULL: all */
	int ids;
	const char *reason;     /* only for this reason; NULL: all */
	int16_t bucket;         /* go on after this, … */
	struct claim_key after; /* … CLAIM_FROM_START in bucket 0 for the beginning */
};

/* The next of them, at most HELD_AT_ONCE, in order of bucket, period_end and subscription_id; fewer
 * are the last.  Read by facts_read.  NULL after a failure. */
struct rows *held_read(struct conn *conn, const struct held_query *query, struct error *err)
	OWNED_BY(rows_free);

/* How many are on hold, for this reason; NULL: for any. */
bool held_count(struct conn *conn, const char *reason, int64_t *count,
		struct error *err) MUST_CHECK;

/* Subscriptions of one bucket whose holds are to be lifted. */
struct lift {
	int16_t bucket;
	int count;
	int64_t id[HELD_AT_ONCE];
	int32_t revision[HELD_AT_ONCE];
	bool lifted[HELD_AT_ONCE]; /* afterwards: it had not changed since */
};

/* Lifts them in a transaction of its own; note may be NULL. */
bool hold_lift(struct conn *conn, struct lift *lift, bool catch_up, const char *note,
	       struct error *err) MUST_CHECK;

#endif
