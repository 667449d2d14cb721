/* What check asks of the database. */
#include "db/check.h"
#include "db/conn_pg.h"

#include <string.h>

struct rows *check_read(struct conn *conn, enum query_id query, const struct params *params,
			struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT, PG_TEXT, PG_TEXT };
	struct rows *rows = conn_query(conn, query, params, err);

	if (rows == NULL || rows_expect(rows, type, 3, err))
		return rows;
	rows_free(rows);
	return NULL;
}

/* A pool has processes of its own invention: the server's own answer is another one then. */
struct rows *check_connection(struct conn *conn, bool prepares, struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	params_text(&params, PQhost(conn->pg));
	params_text(&params, PQport(conn->pg));
	params_bool(&params, PQsslInUse(conn->pg) || PQgssEncInUse(conn->pg));
	params_int4(&params, PQbackendPID(conn->pg));
	params_int4(&params, PQserverVersion(conn->pg));
	params_bool(&params, prepares);
	rows = check_read(conn, QUERY_CHECK_CONNECTION, &params, err);
	params_release(&params);
	return rows;
}

struct check_row check_row(const struct rows *rows, int row)
{
	return (struct check_row){ .severity = rows_text(rows, row, 0),
				   .message = rows_text(rows, row, 1),
				   .advice = rows_text(rows, row, 2) };
}

bool check_is_secret(const char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	bool secret = false;

	for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0)
			secret = secret || o->val != NULL;
	PQconninfoFree(options);
	return secret;
}
