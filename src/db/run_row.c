/* The row of a run: written at its start, closed at its end. */
#include "db/run_row.h"

#include <stdio.h>
#include <string.h>

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

bool run_row_start(struct conn *conn, const struct run_start *start, int64_t *run_id,
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

bool run_row_finish(struct conn *conn, int64_t run_id, const char *result, enum exit_code code,
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

static bool read_kind(const char *text, enum kind *kind, struct error *err)
{
	for (*kind = KIND_RENEWED; *kind < KINDS; (*kind)++)
		if (strcmp(text, kind_name(*kind)) == 0)
			return true;
	return fail(err, EXIT_INTERNAL, "a batch has totals of the unknown kind \"%s\"", text);
}

/* A sum may need more digits than any integer type of libpq's has: it comes as text. */
static money_sum read_sum(const char *digits)
{
	money_sum sum = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		sum = sum * 10 + (*digits - '0');
	return sum;
}

static bool read_totals(const struct rows *rows, struct totals *totals, struct error *err)
{
	totals->lines = 0;
	for (int i = 0; i < rows_count(rows) && i < TOTALS_MAX; i++) {
		struct total *line = &totals->line[totals->lines++];

		if (!read_kind(rows_text(rows, i, 0), &line->kind, err))
			return false;
		snprintf(line->currency, sizeof(line->currency), "%s", rows_text(rows, i, 1));
		line->outcomes = rows_int8(rows, i, 2);
		line->amount_minor = read_sum(rows_text(rows, i, 3));
	}
	totals_sort(totals);
	return true;
}

bool run_row_totals(struct conn *conn, int64_t run_id, struct totals *totals, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_int8(&params, run_id);
	rows = conn_query(conn, QUERY_RUN_TOTALS, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 4, err) && read_totals(rows, totals, err);
	rows_free(rows);
	return ok;
}
