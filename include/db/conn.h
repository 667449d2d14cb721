/* A connection: statements go out and answers come back, several in one round trip.
 *
 * It has no state of its own beyond what was prepared on it.  A failed exchange leaves the
 * transaction open; conn_rollback ends it.  A connection that was lost fails each exchange, as a
 * FAULT_ENVIRONMENT, until conn_reopen.  It is one thread's at a time. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "base/error.h"
#include "db/params.h"
#include "db/query.h"
#include "db/rows.h"

struct conn;

void conn_close(struct conn *conn);

/* Call once, before the first connection and any thread.  Unless a connection string, a service or
 * the environment says otherwise: a host that is silent is given up after 10 s; and who writes
 * connects to the primary among several hosts. */
void conn_defaults(bool writes);

/* Of libpq, as 150003 for 15.3. */
int conn_library_version(void);

/* What holds for every transaction of a connection. */
struct session {
	bool prepares;                /* a statement is prepared at its first use */
	int64_t statement_timeout_ms; /* 0: none, and an answer is waited for without a limit */
	int64_t lock_timeout_ms;      /* likewise */
	const char *application_name; /* NULL: "perennial"; counts from the next opening on */
};

/* Opens a connection: conninfo as libpq takes it, empty for its environment alone.  Both are
 * borrowed until conn_close.  Refused by the server is EXIT_ACCESS, a database or service that does
 * not exist EXIT_CONFIG, no server EXIT_NO_SERVER and a FAULT_ENVIRONMENT. */
struct conn *conn_open(const char *conninfo, const struct session *session, struct error *err)
	OWNED_BY(conn_close);

/* Ends what there is of a connection, and opens it anew. */
bool conn_reopen(struct conn *conn, struct error *err) MUST_CHECK;

/* Asks the server to end the statement that is running.  For another thread. */
void conn_cancel(struct conn *conn);

/* One statement of an exchange, and its answer: the caller's, NULL after a failure. */
struct call {
	enum query_id query;
	const struct params *params; /* NULL: none */
	struct rows *rows;
};

/* So many calls one exchange has at most. */
#define CALLS_MAX 8

/* Sends all, then reads all, in one round trip.  At the first error the rest is not executed.  An
 * answer that takes 5 s longer than the statement timeout is a lost connection.
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
 * error.  With FAULT_UNKNOWN it may have been committed; any other fault means that it was not. */
bool conn_commit(struct conn *conn, struct error *err) MUST_CHECK;

/* Ends a transaction if there is one.  What cannot be rolled back ended with its connection. */
void conn_rollback(struct conn *conn);

/* Several statements as one text: a migration. */
bool conn_script(struct conn *conn, const char *text, struct error *err) MUST_CHECK;

#endif
