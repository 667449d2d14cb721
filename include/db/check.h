/* What check asks of the database: findings, each with what to do about it. */
#ifndef DB_CHECK_H
#define DB_CHECK_H

#include "db/conn.h"

/* All text is borrowed from the rows. */
struct check_row {
	const char *severity; /* ok, warning or error */
	const char *message;
	const char *advice; /* NULL: there is nothing to do */
};

/* The findings of a check_… statement.  NULL after a failure. */
struct rows *check_read(struct conn *conn, enum query_id query, const struct params *params,
			struct error *err) OWNED_BY(rows_free);

/* Those about the server and the way to it; prepares is what the configuration says. */
struct rows *check_connection(struct conn *conn, bool prepares, struct error *err)
	OWNED_BY(rows_free);

struct check_row check_row(const struct rows *rows, int row);

/* Whether a connection string holds a password. */
bool check_is_secret(const char *conninfo);

#endif
