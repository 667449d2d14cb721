/* The history of a subscription. */
#include "db/history.h"

struct rows *history_read(struct conn *conn, int64_t subscription_id, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_INT4, PG_TEXT, PG_TEXT, PG_TEXT,
					     PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT };
	struct params params = { 0 };
	struct rows *rows;

	params_int8(&params, subscription_id);
	rows = conn_query(conn, QUERY_HISTORY, &params, err);
	params_release(&params);
	if (rows == NULL || rows_expect(rows, type, 9, err))
		return rows;
	rows_free(rows);
	return NULL;
}

struct history_entry history_entry(const struct rows *rows, int row)
{
	return (struct history_entry){
		.account_id = rows_int8(rows, row, 0),
		.revision = rows_int4(rows, row, 1),
		.at = rows_text(rows, row, 2),
		.kind = rows_text(rows, row, 3),
		.status = rows_text(rows, row, 4),
		.period_end = rows_text(rows, row, 5),
		.amount = rows_text(rows, row, 6),
		.why = rows_text(rows, row, 7),
		.document = rows_text(rows, row, 8),
	};
}
