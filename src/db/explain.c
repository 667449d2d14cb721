/* What explain tells of a subscription: its facts in words, and its boundaries. */
#include "db/explain.h"
#include "db/claim.h"
#include "db/facts_rows.h"

struct rows *explain_begin(struct conn *conn, int64_t as_of_us, int64_t subscription_id,
			   const struct rows *lost_zones, struct error *err)
{
	struct params params = { 0 };
	struct call call[] = {
		{ .query = QUERY_BEGIN_PLAN },
		{ .query = QUERY_EXPLAIN, .params = &params },
	};
	bool ok;

	params_timestamptz(&params, as_of_us);
	params_lost_zones(&params, lost_zones);
	params_int8(&params, subscription_id);
	ok = conn_exchange(conn, call, 2, err) && facts_expect(call[1].rows, err);
	params_release(&params);
	rows_free(call[0].rows);
	if (ok)
		return call[1].rows;
	rows_free(call[1].rows);
	return NULL;
}

/* Sends the query, releases its parameters, and checks its columns. */
static struct rows *read_rows(struct conn *conn, enum query_id query, struct params *params,
			      const enum pg_type *type, int columns, struct error *err)
{
	struct rows *rows = conn_query(conn, query, params, err);

	params_release(params);
	if (rows == NULL || rows_expect(rows, type, columns, err))
		return rows;
	rows_free(rows);
	return NULL;
}

struct rows *explain_facts(struct conn *conn, int16_t bucket, int64_t subscription_id,
			   const struct rows *lost_zones, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT, PG_TEXT, PG_TEXT };
	struct params params = { 0 };

	params_int2(&params, bucket);
	params_int8(&params, subscription_id);
	params_lost_zones(&params, lost_zones);
	return read_rows(conn, QUERY_EXPLAIN_FACTS, &params, type, 3, err);
}

struct explain_fact explain_fact(const struct rows *rows, int row)
{
	return (struct explain_fact){
		.name = rows_text(rows, row, 0),
		.value = rows_text(rows, row, 1),
		.document = rows_text(rows, row, 2),
	};
}

struct rows *explain_boundaries(struct conn *conn, int16_t bucket, int64_t subscription_id,
				const struct rows *lost_zones, int most, struct error *err)
{
	static const enum pg_type type[] = { PG_INT4, PG_TEXT, PG_TEXT, PG_TEXT };
	struct params params = { 0 };

	params_int2(&params, bucket);
	params_int8(&params, subscription_id);
	params_lost_zones(&params, lost_zones);
	params_int4(&params, most);
	return read_rows(conn, QUERY_EXPLAIN_BOUNDARIES, &params, type, 4, err);
}

struct explain_boundary explain_boundary(const struct rows *rows, int row)
{
	return (struct explain_boundary){
		.months = rows_int4(rows, row, 0),
		.local = rows_text(rows, row, 1),
		.utc = rows_text(rows, row, 2),
		.time_zone = rows_text(rows, row, 3),
	};
}
