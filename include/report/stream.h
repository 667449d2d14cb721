/* A report's rows, streamed in one of several shapes: the server makes them, line by line. */
#ifndef REPORT_STREAM_H
#define REPORT_STREAM_H

#include "db/copy.h"
#include "report/catalogue.h"

enum shape {
	SHAPE_TABLE, /* cells with CELL_END between them */
	SHAPE_CSV,
	SHAPE_JSON, /* a document a row */
	SHAPE_LINE, /* the only column, as it is */
	SHAPE_SUMS, /* one document: rows, and sums by currency of what is in minor units */
	SHAPES,
};

#define CELL_END '\002'

/* A statement that is ready to be streamed, in several shapes if need be. */
struct stream {
	struct conn *conn;
	char *statement;
	struct columns columns;
	int total_by, labels; /* as the report has them */
};

/* Opens the transaction in which everything is read: one snapshot, and nothing can be written. */
bool stream_begin(struct conn *conn, struct error *err) MUST_CHECK;

/* Binds the values, asks for the columns. */
bool stream_open(struct stream *stream, struct conn *conn, const struct report *report,
		 enum report_id query, const struct binding *binding, struct error *err) MUST_CHECK;

void stream_close(struct stream *stream);

/* The columns that a table shows: of an amount the decimal form, and not the period, which its
 * title has. */
void stream_shown(const struct stream *stream, struct columns *shown);

bool stream_rows(struct stream *stream, enum shape shape, const struct copy_sink *sink,
		 struct error *err) MUST_CHECK;

#endif
