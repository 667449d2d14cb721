/* Buckets: where the work is. */
#include "db/buckets.h"

/* Sends the query, releases its parameters, and reads a column of buckets. */
static int read_buckets(struct conn *conn, enum query_id query, struct params *params,
			int16_t bucket[BUCKETS], struct error *err)
{
	static const enum pg_type type[] = { PG_INT2 };
	struct rows *rows = conn_query(conn, query, params, err);
	int n = -1;

	if (rows != NULL && rows_expect(rows, type, 1, err)) {
		n = rows_count(rows) < BUCKETS ? rows_count(rows) : BUCKETS;
		for (int i = 0; i < n; i++)
			bucket[i] = rows_int2(rows, i, 0);
	}
	rows_free(rows);
	params_release(params);
	return n;
}

int buckets_with_work(struct conn *conn, int64_t as_of_us, int16_t bucket[BUCKETS],
		      struct error *err)
{
	struct params params = { 0 };

	params_timestamptz(&params, as_of_us);
	return read_buckets(conn, QUERY_WORK_BUCKETS, &params, bucket, err);
}

int buckets_of_subscription(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
			    struct error *err)
{
	struct params params = { 0 };

	params_int8(&params, subscription_id);
	return read_buckets(conn, QUERY_FIND_SUBSCRIPTION, &params, bucket, err);
}
