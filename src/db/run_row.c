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
	params_id(params, start->subscription_id);
	params_text(params, start->allow_over);
	params_text(params, start->allow_reason);
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

bool run_row_finish(struct conn *conn, int64_t run_id, const struct run_end *end, struct error *err)
{
	struct params params = { 0 };
	bool ok;

	params_int8(&params, run_id);
	params_timestamptz(&params, end->as_of_us);
	params_id(&params, end->subscription_id);
	params_text(&params, end->allow_over);
	params_text(&params, end->allow_reason);
	params_text(&params, end->result);
	params_int4(&params, (int32_t)end->code);
	params_text(&params, end->stopped_by);
	if (end->left != NULL) {
		params_int8(&params, end->left->free);
		params_int8(&params, end->left->held);
	} else {
		params_null(&params, PG_INT8);
		params_null(&params, PG_INT8);
	}
	params_int8(&params, end->failed);
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

static bool read_total(const struct rows *rows, int row, struct run_sums *sums, struct error *err)
{
	struct total *line = &sums->totals.line[sums->totals.lines++];

	if (!read_kind(rows_text(rows, row, 0), &line->kind, err))
		return false;
	snprintf(line->currency, sizeof(line->currency), "%s", rows_text(rows, row, 1));
	line->outcomes = rows_int8(rows, row, 2);
	sums->outcomes += line->outcomes;
	return rows_money(rows, row, 3, &line->amount_minor, err);
}

static bool read_sums(const struct rows *batches, const struct rows *totals, struct run_sums *sums,
		      struct error *err)
{
	bool ok = true;

	sums->batches = rows_int8(batches, 0, 0);
	sums->claimed = rows_int8(batches, 0, 1);
	sums->continued = rows_int8(batches, 0, 2);
	sums->held = rows_int8(batches, 0, 3);
	sums->outcomes = 0;
	sums->totals.lines = 0;
	for (int i = 0; ok && i < rows_count(totals) && i < TOTALS_MAX; i++)
		ok = read_total(totals, i, sums, err);
	totals_sort(&sums->totals);
	return ok;
}

bool run_row_sums(struct conn *conn, int64_t run_id, struct run_sums *sums, struct error *err)
{
	static const enum pg_type batches[] = { PG_INT8, PG_INT8, PG_INT8, PG_INT8 };
	static const enum pg_type totals[] = { PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT };
	struct params params = { 0 };
	struct call call[] = {
		{ .query = QUERY_RUN_BATCHES, .params = &params },
		{ .query = QUERY_RUN_TOTALS, .params = &params },
	};
	bool ok;

	params_int8(&params, run_id);
	ok = conn_exchange(conn, call, 2, err);
	params_release(&params);
	if (!ok)
		return false;
	ok = rows_expect(call[0].rows, batches, 4, err) &&
	     rows_expect(call[1].rows, totals, 4, err) &&
	     read_sums(call[0].rows, call[1].rows, sums, err);
	rows_free(call[0].rows);
	rows_free(call[1].rows);
	return ok;
}
