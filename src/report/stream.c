/* A report's rows, streamed. */
#include "report/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const shape_name[SHAPES] = { "table", "csv", "json", "line", "sums" };

bool stream_begin(struct conn *conn, struct error *err)
{
	return conn_execute(conn, QUERY_BEGIN_PLAN, NULL, err) &&
	       conn_execute(conn, QUERY_REPORT_SETTINGS, NULL, err);
}

bool stream_open(struct stream *stream, struct conn *conn, const struct report *report,
		 enum report_id query, const struct binding *binding, struct error *err)
{
	*stream = (struct stream){ .conn = conn };
	/* Rows of a detail are not added up: their numbers are names, too. */
	if (query == report->query) {
		stream->total_by = report->total_by;
		stream->labels = report->labels;
	}
	stream->statement = copy_bind(conn, &report_queries[query], binding, err);
	return stream->statement != NULL &&
	       copy_describe(conn, stream->statement, &stream->columns, err);
}

void stream_close(struct stream *stream)
{
	free(stream->statement);
	stream->statement = NULL;
}

/* Whether a column has the same as another one, in minor units. */
static bool is_minor(const struct columns *columns, int column)
{
	const char *name = columns->name[column], *end = strstr(name, "_minor");

	for (int i = 0; end != NULL && i < columns->count; i++)
		if (strlen(columns->name[i]) == (size_t)(end - name) &&
		    strncmp(columns->name[i], name, (size_t)(end - name)) == 0)
			return true;
	return false;
}

void stream_shown(const struct stream *stream, struct columns *shown)
{
	const struct columns *all = &stream->columns;

	shown->count = 0;
	for (int i = 0; i < all->count; i++) {
		if (is_minor(all, i) || (i == 0 && strcmp(all->name[i], "period") == 0))
			continue;
		snprintf(shown->name[shown->count], sizeof(shown->name[0]), "%s", all->name[i]);
		shown->type[shown->count++] = all->type[i];
	}
}

static struct rows *ask_statement(const struct stream *stream, enum shape shape,
				  const struct columns *columns, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT };
	struct params params = { 0 };
	struct param *array;
	struct rows *rows;

	params_text(&params, stream->statement);
	params_text(&params, shape_name[shape]);
	array = params_array(&params, PG_TEXT_ARRAY);
	for (int i = 0; i < columns->count; i++)
		array_text(array, columns->name[i]);
	array = params_array(&params, PG_INT8_ARRAY);
	for (int i = 0; i < columns->count; i++)
		array_int8(array, columns->type[i]);
	params_int4(&params, stream->total_by);
	params_int4(&params, stream->labels);
	rows = conn_query(stream->conn, QUERY_REPORT_STATEMENT, &params, err);
	params_release(&params);
	if (rows == NULL || rows_expect(rows, type, 1, err))
		return rows;
	rows_free(rows);
	return NULL;
}

bool stream_rows(struct stream *stream, enum shape shape, const struct copy_sink *sink,
		 struct error *err)
{
	struct columns columns = stream->columns;
	struct rows *rows;
	bool ok;

	if (shape == SHAPE_TABLE)
		stream_shown(stream, &columns);
	rows = ask_statement(stream, shape, &columns, err);
	ok = rows != NULL && copy_out(stream->conn, rows_text(rows, 0, 0), sink, err);
	rows_free(rows);
	return ok;
}
