/* The server's state, and the row of each run. */
#include "db/run_store.h"
#include "db/schema.h"

#include <stdio.h>
#include <string.h>

bool store_server(struct conn *conn, struct server *server, struct error *err)
{
	static const enum pg_type type[] = { PG_TIMESTAMPTZ, PG_TEXT, PG_BOOL, PG_INT4 };
	struct rows *rows = conn_query(conn, QUERY_SERVER, NULL, err);
	bool ok;

	if (rows == NULL) {
		if (err->code == EXIT_CONFIG)
			schema_missing(err);
		return false;
	}
	ok = rows_expect(rows, type, 4, err);
	if (ok) {
		server->clock_us = rows_int8(rows, 0, 0);
		snprintf(server->database, sizeof(server->database), "%s", rows_text(rows, 0, 1));
		server->standby = rows_bool(rows, 0, 2);
		ok = schema_is_current(rows_int4(rows, 0, 3), err);
	}
	rows_free(rows);
	return ok;
}

static void start_params(const struct run_start *start, struct params *params)
{
	if (start->as_of_us != NULL)
		params_timestamptz(params, *start->as_of_us);
	else
		params_null(params, PG_TIMESTAMPTZ);
	params_text(params, start->host);
	params_int4(params, start->pid);
	params_text(params, start->version);
	params_text(params, start->invocation_id);
	if (start->config != NULL)
		params_bytea(params, start->config, start->config_size);
	else
		params_null(params, PG_BYTEA);
}

bool store_start_run(struct conn *conn, const struct run_start *start, int64_t *run_id,
		     int64_t *as_of_us, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_TIMESTAMPTZ, PG_TEXT };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	start_params(start, &params);
	rows = conn_query(conn, QUERY_START_RUN, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 3, err);
	if (ok) {
		*run_id = rows_int8(rows, 0, 0);
		*as_of_us = rows_int8(rows, 0, 1);
	}
	rows_free(rows);
	return ok;
}

bool store_finish_run(struct conn *conn, int64_t run_id, const char *result, enum exit_code code,
		      struct error *err)
{
	struct params params = { 0 };
	bool ok;

	params_int8(&params, run_id);
	params_text(&params, result);
	params_int4(&params, (int32_t)code);
	ok = conn_execute(conn, QUERY_FINISH_RUN, &params, err);
	params_release(&params);
	return ok;
}

static bool add_count(struct rows *rows, struct due_count *count, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_INT8 };
	bool ok = rows != NULL && rows_expect(rows, type, 2, err);

	if (ok) {
		count->due += rows_int8(rows, 0, 0);
		count->held += rows_int8(rows, 0, 1);
	}
	rows_free(rows);
	return ok;
}

bool store_count_due(struct conn *conn, int64_t as_of_us, struct due_count *count,
		     struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	params_timestamptz(&params, as_of_us);
	rows = conn_query(conn, QUERY_COUNT_DUE, &params, err);
	params_release(&params);
	*count = (struct due_count){ 0 };
	return add_count(rows, count, err);
}

bool store_count_due_one(struct conn *conn, int64_t as_of_us, int16_t bucket,
			 int64_t subscription_id, struct due_count *count, struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	params_timestamptz(&params, as_of_us);
	params_int2(&params, bucket);
	params_int8(&params, subscription_id);
	rows = conn_query(conn, QUERY_COUNT_DUE_ONE, &params, err);
	params_release(&params);
	return add_count(rows, count, err);
}

struct rows *store_run_totals(struct conn *conn, int64_t run_id, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT, PG_TEXT, PG_INT4, PG_INT8, PG_TEXT, PG_TEXT };
	struct params params = { 0 };
	struct rows *rows;

	params_int8(&params, run_id);
	rows = conn_query(conn, QUERY_RUN_TOTALS, &params, err);
	params_release(&params);
	if (rows == NULL || rows_expect(rows, type, 6, err))
		return rows;
	rows_free(rows);
	return NULL;
}

struct run_total run_total_at(const struct rows *totals, int line)
{
	return (struct run_total){
		.kind = rows_text(totals, line, 0),
		.currency = rows_text(totals, line, 1),
		.subscriptions = rows_int8(totals, line, 3),
		.amount = rows_text(totals, line, 4),
		.amount_decimal = rows_text(totals, line, 5),
	};
}

bool store_exponents(struct conn *conn, struct exponents *exponents, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT, PG_INT4 };
	struct rows *rows = conn_query(conn, QUERY_CURRENCIES, NULL, err);
	bool ok = rows != NULL && rows_expect(rows, type, 2, err);

	exponents->count = 0;
	for (int i = 0; ok && i < rows_count(rows) && i < 256; i++) {
		snprintf(exponents->currency[i].code, 4, "%s", rows_text(rows, i, 0));
		exponents->currency[i].exponent = rows_int4(rows, i, 1);
		exponents->count++;
	}
	rows_free(rows);
	return ok;
}

int exponent_of(const struct exponents *exponents, const char *currency)
{
	for (int i = 0; i < exponents->count; i++)
		if (strcmp(exponents->currency[i].code, currency) == 0)
			return exponents->currency[i].exponent;
	return 2;
}
