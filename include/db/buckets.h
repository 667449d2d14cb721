/* Buckets: where the work is. */
#ifndef DB_BUCKETS_H
#define DB_BUCKETS_H

#include "db/conn.h"

#define BUCKETS 256

/* The buckets that have due rows, in order, and how many of them. */
struct bucket_work {
	int buckets;
	int16_t bucket[BUCKETS];
	int64_t due[BUCKETS]; /* or BUCKET_ALONE */
};

/* More than fits into any batch: a transaction that works on this bucket touches no other. */
#define BUCKET_ALONE INT64_MAX

bool buckets_with_work(struct conn *conn, int64_t as_of_us, struct bucket_work *work,
		       struct error *err) MUST_CHECK;

/* The buckets that hold a subscription with this id: usually one, none if there is no such
 * subscription, several if an import gave the id twice.  Returns how many, -1 after a failure. */
int buckets_of_subscription(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
			    struct error *err) MUST_CHECK;

#endif
