/* The rows of a plan: a cursor over what is due. */
#include "db/plan_cursor.h"
#include "db/claim.h"

bool plan_cursor_open(struct conn *conn, int64_t as_of_us, int64_t subscription_id,
		      const struct rows *lost_zones, struct error *err)
{
	struct params params = { 0 };
	struct call call[] = {
		{ .query = QUERY_BEGIN_PLAN },
		{ .query = QUERY_OPEN_PLAN, .params = &params },
	};
	bool ok;

	params_timestamptz(&params, as_of_us);
	params_lost_zones(&params, lost_zones);
	params_id(&params, subscription_id);
	ok = conn_exchange(conn, call, 2, err);
	params_release(&params);
	rows_free(call[0].rows);
	rows_free(call[1].rows);
	return ok;
}

struct rows *plan_cursor_fetch(struct conn *conn, struct error *err)
{
	struct rows *rows = conn_query(conn, QUERY_FETCH_PLAN, NULL, err);

	if (rows == NULL || facts_expect(rows, err))
		return rows;
	rows_free(rows);
	return NULL;
}

bool plan_more_boundaries(struct conn *conn, struct facts_row *row, struct error *err)
{
	static const enum pg_type type[] = { PG_TIMESTAMPTZ_ARRAY };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_timestamp(&params, row->facts.anchor_us);
	params_int2(&params, row->bucket);
	params_int8(&params, row->facts.subscription_id);
	params_int4(&params, row->facts.months_elapsed);
	params_int4(&params, row->facts.interval_months);
	rows = conn_query(conn, QUERY_BOUNDARIES, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 1, err);
	if (ok)
		facts_set_boundaries(row, rows, 0, 0);
	rows_free(rows);
	return ok;
}
