/* A connection: statements go out and answers come back, several in one round trip.
 *
 * It has no state of its own beyond what was prepared on it.  A failed exchange leaves the
 * transaction open; conn_rollback ends it. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "base/error.h"
#include "db/params.h"
#include "db/query.h"
#include "db/rows.h"

struct conn;

void conn_close(struct conn *conn);

/* Call once, before the first connection and any thread: a host that is silent is given up after 10
 * s, unless connect_timeout says otherwise. */
void conn_defaults(void);

/* What holds for every transaction of a connection. */
struct session {
	bool prepares;                 /* a statement is prepared at its first use */
	const char *statement_timeout; /* as PostgreSQL takes it ("60s"); "0" for none.  Borrowed */
	const char *lock_timeout;
};

/* Opens a connection: conninfo as libpq takes it, empty for its environment alone.  Refused by the
 * server is EXIT_ACCESS, a database or service that does not exist EXIT_CONFIG, no server
 * EXIT_NO_SERVER. */
struct conn *conn_open(const char *conninfo, const struct session *session, struct error *err)
	OWNED_BY(conn_close);

/* One statement of an exchange, and its answer: the caller's, NULL after a failure. */
struct call {
	enum query_id query;
	const struct params *params; /* NULL: none */
	struct rows *rows;
};

/* So many calls one exchange has at most. */
#define CALLS_MAX 8

/* Sends all, then reads all, in one round trip.  At the first error the rest is not executed.
 * Outside of a transaction the calls make one, or the first of them begins one; the session's
 * settings come first in it. */
bool conn_exchange(struct conn *conn, struct call *call, int calls, struct error *err) MUST_CHECK;

/* One statement.  NULL after a failure. */
struct rows *conn_query(struct conn *conn, enum query_id query, const struct params *params,
			struct error *err) OWNED_BY(rows_free);

/* The same where only success matters. */
bool conn_execute(struct conn *conn, enum query_id query, const struct params *params,
		  struct error *err) MUST_CHECK;

/* COMMIT, sent alone.  The server answers it with ROLLBACK when the transaction had failed: an
 * error. */
bool conn_commit(struct conn *conn, struct error *err) MUST_CHECK;

/* Ends a transaction if there is one.  What cannot be rolled back ended with its connection. */
void conn_rollback(struct conn *conn);

/* Several statements as one text: a migration. */
bool conn_script(struct conn *conn, const char *text, struct error *err) MUST_CHECK;

#endif
