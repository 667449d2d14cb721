/* Statements that are known only as text, and rows that are streamed. */
#include "db/copy.h"
#include "base/memory.h"
#include "db/conn_pg.h"
#include "db/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that grows. */
struct text {
	char *bytes;
	size_t used, room;
};

static void append(struct text *text, const char *bytes, size_t size)
{
	if (text->used + size + 1 > text->room) {
		text->room = 2 * (text->used + size + 1);
		text->bytes = memory_resize(text->bytes, text->room);
	}
	memcpy(text->bytes + text->used, bytes, size);
	text->used += size;
	text->bytes[text->used] = '\0';
}

/* The length of the name in :'name' at p; 0 where none is, but a colon and the end of a text. */
static size_t name_size(const char *p)
{
	size_t size = strspn(p + 2, "abcdefghijklmnopqrstuvwxyz_");

	return p[2 + size] == '\'' ? size : 0;
}

static const char *find_value(const struct binding *binding, const char *name, size_t size)
{
	for (; binding->name != NULL; binding++)
		if (strlen(binding->name) == size && memcmp(binding->name, name, size) == 0)
			return binding->value;
	return NULL;
}

/* Appends a value as a literal; false without one. */
static bool append_literal(struct conn *conn, struct text *text, const char *value)
{
	char *literal = value != NULL ? PQescapeLiteral(conn->pg, value, strlen(value)) : NULL;

	if (literal == NULL)
		return false;
	append(text, literal, strlen(literal));
	PQfreemem(literal);
	return true;
}

char *copy_bind(struct conn *conn, const struct query *query, const struct binding *binding,
		struct error *err)
{
	struct text out = { memory_zeroed(1), 0, 1 };
	const char *p = query->text, *next;

	for (next = p; (next = strstr(next, ":'")) != NULL;) {
		size_t size = name_size(next);

		if (size == 0) {
			next += 2;
			continue;
		}
		append(&out, p, (size_t)(next - p));
		if (!append_literal(conn, &out, find_value(binding, next + 2, size))) {
			/* Of what is bound, only the names of accounts were not looked up before.
			 */
			fail(err, EXIT_CONFIG, "the value of %.*s is not text in UTF-8", (int)size,
			     next + 2);
			free(out.bytes);
			return NULL;
		}
		p = next += size + 3;
	}
	append(&out, p, strlen(p));
	return out.bytes;
}

bool copy_describe(struct conn *conn, const char *statement, struct columns *columns,
		   struct error *err)
{
	PGresult *prepared = PQprepare(conn->pg, "", statement, 0, NULL);
	PGresult *described = NULL;
	bool ok = PQresultStatus(prepared) == PGRES_COMMAND_OK;

	if (ok) {
		described = PQdescribePrepared(conn->pg, "");
		ok = PQresultStatus(described) == PGRES_COMMAND_OK;
	}
	if (!ok)
		fault_of_result(conn->pg, described != NULL ? described : prepared, "report", err);
	else if (PQnfields(described) > COLUMNS_MAX)
		ok = fail(err, EXIT_INTERNAL, "a report has %d columns", PQnfields(described));
	if (ok) {
		columns->count = PQnfields(described);
		for (int i = 0; i < columns->count; i++) {
			snprintf(columns->name[i], sizeof(columns->name[i]), "%s",
				 PQfname(described, i));
			columns->type[i] = PQftype(described, i);
		}
	}
	PQclear(described);
	PQclear(prepared);
	return ok;
}

/* Reads what follows the last row: the command's end, or why it ended early. */
static bool end_copy(struct conn *conn, struct error *err)
{
	PGresult *result = PQgetResult(conn->pg);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	if (!ok)
		fault_of_result(conn->pg, result, "report", err);
	PQclear(result);
	while ((result = PQgetResult(conn->pg)) != NULL)
		PQclear(result);
	return ok;
}

bool copy_out(struct conn *conn, const char *statement, const struct copy_sink *sink,
	      struct error *err)
{
	PGresult *result = PQexec(conn->pg, statement);
	bool ok = PQresultStatus(result) == PGRES_COPY_OUT;
	char *row;
	int size;

	if (!ok)
		fault_of_result(conn->pg, result, "report", err);
	PQclear(result);
	if (!ok)
		return false;
	while ((size = PQgetCopyData(conn->pg, &row, 0)) > 0) {
		ok = sink->row(sink->sink, row, (size_t)size, err);
		PQfreemem(row);
		if (!ok) {
			conn_drop(conn);
			return false;
		}
	}
	return end_copy(conn, err);
}
