/* Buckets: where the work is. */
#ifndef DB_BUCKET_STORE_H
#define DB_BUCKET_STORE_H

#include "db/conn.h"

#define BUCKETS 256

/* The buckets that have due rows, in order.  Returns how many, -1 after a failure. */
int store_work_buckets(struct conn *conn, int64_t as_of_us, int16_t bucket[BUCKETS],
		       struct error *err) MUST_CHECK;

/* The buckets that hold a subscription with this id: usually one, none if there is no such
 * subscription. */
int store_find(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
	       struct error *err) MUST_CHECK;

#endif
