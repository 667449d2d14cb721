/* The server: its clock, and where we are. */
#include "db/server.h"

#include <stdio.h>

bool server_ask(struct conn *conn, struct server *server, struct error *err)
{
	static const enum pg_type type[] = { PG_TIMESTAMPTZ, PG_TEXT, PG_BOOL };
	struct rows *rows = conn_query(conn, QUERY_SERVER, NULL, err);
	bool ok = rows != NULL && rows_expect(rows, type, 3, err);

	if (ok) {
		server->clock_us = rows_int8(rows, 0, 0);
		snprintf(server->database, sizeof(server->database), "%s", rows_text(rows, 0, 1));
		server->standby = rows_bool(rows, 0, 2);
	}
	rows_free(rows);
	return ok;
}
