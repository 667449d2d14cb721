/* Statements that are known only as text, and rows that are streamed: what reports are made of. */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "db/conn.h"

#include <stddef.h>

/* A value for what a text has as :'name', as psql has it. */
struct binding {
	const char *name; /* the list ends with NULL */
	const char *value;
};

/* The text with every value in its place, quoted.  The caller's, for free(); NULL after a failure:
 * a name without a value is one. */
char *copy_bind(struct conn *conn, const struct query *query, const struct binding *binding,
		struct error *err);

#define COLUMNS_MAX 40

struct columns {
	int count;
	char name[COLUMNS_MAX][64];
	unsigned type[COLUMNS_MAX]; /* the type's oid */
};

/* The columns of a statement's answer, without executing it. */
bool copy_describe(struct conn *conn, const char *statement, struct columns *columns,
		   struct error *err) MUST_CHECK;

/* Whoever takes the rows: size bytes with the line's end, and a zero after them.  False ends it. */
struct copy_sink {
	bool (*row)(void *sink, const char *bytes, size_t size, struct error *err);
	void *sink;
};

/* Executes COPY … TO STDOUT, and gives each line to the sink; memory does not grow with them. After
 * a failure of the sink the connection is given up: the server may have a million rows left. */
bool copy_out(struct conn *conn, const char *statement, const struct copy_sink *sink,
	      struct error *err) MUST_CHECK;

#endif
