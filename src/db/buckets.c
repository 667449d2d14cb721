/* Buckets: where the work is. */
#include "db/buckets.h"

static void read_work(const struct rows *rows, struct bucket_work *work)
{
	work->buckets = rows_count(rows) < BUCKETS ? rows_count(rows) : BUCKETS;
	for (int i = 0; i < work->buckets; i++) {
		work->bucket[i] = rows_int2(rows, i, 0);
		work->due[i] = rows_is_null(rows, i, 1) ? BUCKET_ALONE : rows_int8(rows, i, 1);
	}
}

bool buckets_with_work(struct conn *conn, int64_t as_of_us, struct bucket_work *work,
		       struct error *err)
{
	static const enum pg_type type[] = { PG_INT2, PG_INT8 };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_timestamptz(&params, as_of_us);
	rows = conn_query(conn, QUERY_WORK_BUCKETS, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 2, err);
	if (ok)
		read_work(rows, work);
	rows_free(rows);
	return ok;
}

int buckets_of_subscription(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
			    struct error *err)
{
	static const enum pg_type type[] = { PG_INT2 };
	struct params params = { 0 };
	struct rows *rows;
	int n = -1;

	params_int8(&params, subscription_id);
	rows = conn_query(conn, QUERY_FIND_SUBSCRIPTION, &params, err);
	params_release(&params);
	if (rows != NULL && rows_expect(rows, type, 1, err)) {
		n = rows_count(rows) < BUCKETS ? rows_count(rows) : BUCKETS;
		for (int i = 0; i < n; i++)
			bucket[i] = rows_int2(rows, i, 0);
	}
	rows_free(rows);
	return n;
}
