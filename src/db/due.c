/* What is due, counted by the server without locks. */
#include "db/due.h"

bool due_count(struct conn *conn, int64_t as_of_us, int64_t subscription_id, struct due *due,
	       struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_INT8 };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_timestamptz(&params, as_of_us);
	params_id(&params, subscription_id);
	rows = conn_query(conn, QUERY_COUNT_DUE, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 2, err);
	if (ok) {
		due->free = rows_int8(rows, 0, 0);
		due->held = rows_int8(rows, 0, 1);
	}
	rows_free(rows);
	return ok;
}
