/* Holds: what operators put on hold, what is on hold, and lifting it. */
#include "db/hold.h"
#include "db/facts_rows.h"

bool hold_put(struct conn *conn, struct hold *hold, struct error *err)
{
	static const enum pg_type type[] = { PG_BOOL, PG_TIMESTAMPTZ };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_int2(&params, hold->bucket);
	params_int8(&params, hold->subscription_id);
	params_text(&params, hold->reason);
	params_text(&params, hold->note);
	rows = conn_query(conn, QUERY_HOLD_SUBSCRIPTION, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 2, err);
	if (ok) {
		hold->newly = rows_bool(rows, 0, 0);
		hold->period_end_us = rows_int8(rows, 0, 1);
	}
	rows_free(rows);
	return ok;
}

static void params_ids(struct params *params, const int64_t *id, int ids)
{
	struct param *array;

	if (id == NULL) {
		params_null(params, PG_INT8_ARRAY);
		return;
	}
	array = params_array(params, PG_INT8_ARRAY);
	for (int i = 0; i < ids; i++)
		array_int8(array, id[i]);
}

struct rows *held_read(struct conn *conn, const struct held_query *query, struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	params_timestamptz(&params, query->as_of_us);
	params_lost_zones(&params, query->lost_zones);
	params_ids(&params, query->id, query->ids);
	params_text(&params, query->reason);
	params_int2(&params, query->bucket);
	params_timestamptz(&params, query->after.period_end_us);
	params_int8(&params, query->after.subscription_id);
	params_int8(&params, HELD_AT_ONCE);
	rows = conn_query(conn, QUERY_HELD, &params, err);
	params_release(&params);
	if (rows == NULL || facts_expect(rows, err))
		return rows;
	rows_free(rows);
	return NULL;
}

bool held_count(struct conn *conn, const char *reason, int64_t *count, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8 };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_text(&params, reason);
	rows = conn_query(conn, QUERY_COUNT_HELD, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 1, err);
	if (ok)
		*count = rows_int8(rows, 0, 0);
	rows_free(rows);
	return ok;
}

static bool is_among(const struct rows *rows, int64_t id)
{
	for (int i = 0; i < rows_count(rows); i++)
		if (rows_int8(rows, i, 0) == id)
			return true;
	return false;
}

bool hold_lift(struct conn *conn, struct lift *lift, bool catch_up, const char *note,
	       struct error *err)
{
	static const enum pg_type type[] = { PG_INT8 };
	struct params params = { 0 };
	struct param *revisions;
	struct rows *rows;
	bool ok;

	params_int2(&params, lift->bucket);
	params_ids(&params, lift->id, lift->count);
	revisions = params_array(&params, PG_INT4_ARRAY);
	for (int i = 0; i < lift->count; i++)
		array_int4(revisions, lift->revision[i]);
	params_bool(&params, catch_up);
	params_text(&params, note);
	rows = conn_query(conn, QUERY_RELEASE_SUBSCRIPTIONS, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 1, err);
	/* Usually it is all of them. */
	for (int i = 0; ok && i < lift->count; i++)
		lift->lifted[i] = rows_count(rows) == lift->count || is_among(rows, lift->id[i]);
	rows_free(rows);
	return ok;
}
