/* Buckets: where the work is. */
#include "db/bucket_store.h"

static int read_buckets(struct rows *rows, int16_t bucket[BUCKETS], struct error *err)
{
	static const enum pg_type type[] = { PG_INT2 };
	int n = -1;

	if (rows != NULL && rows_expect(rows, type, 1, err)) {
		n = rows_count(rows) < BUCKETS ? rows_count(rows) : BUCKETS;
		for (int i = 0; i < n; i++)
			bucket[i] = rows_int2(rows, i, 0);
	}
	rows_free(rows);
	return n;
}

int store_work_buckets(struct conn *conn, int64_t as_of_us, int16_t bucket[BUCKETS],
		       struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	params_timestamptz(&params, as_of_us);
	rows = conn_query(conn, QUERY_WORK_BUCKETS, &params, err);
	params_release(&params);
	return read_buckets(rows, bucket, err);
}

int store_find(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
	       struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	params_int8(&params, subscription_id);
	rows = conn_query(conn, QUERY_FIND_SUBSCRIPTION, &params, err);
	params_release(&params);
	return read_buckets(rows, bucket, err);
}
