/* A connection: opening it, and exchanging statements for answers. */
#include "db/conn.h"
#include "base/clock.h"
#include "base/memory.h"
#include "db/fault.h"
#include "db/result.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_S "10"
#define ASK_TIMEOUT_MS    2000 /* to ask a second time why a connection was refused */

struct conn {
	PGconn *pg;
	bool prepares;
	bool prepared[QUERIES]; /* what has been */
	struct params settings; /* of every transaction */
};

/* The server's notices are for its own log: nothing of ours raises one that a user should see. */
static void ignore_notice(void *unused, const PGresult *result)
{
	(void)unused;
	(void)result;
}

void conn_defaults(void)
{
	/* The environment is the last that libpq asks: a connection string or a service wins. */
	setenv("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT_S, 0);
}

static bool check_conninfo(const char *conninfo, struct error *err)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);
	bool ok = options != NULL;

	if (message != NULL)
		message[strcspn(message, "\n")] = '\0';
	if (!ok)
		fail(err, EXIT_CONFIG, "the connection string is not valid: %s",
		     message != NULL ? message : "out of memory");
	PQfreemem(message);
	PQconninfoFree(options);
	return ok;
}

/* What follows dbname wins over the connection string that it holds: all text is UTF-8. */
static const char *const keyword[] = { "fallback_application_name", "dbname", "client_encoding",
				       NULL };

/* Connects once more to learn the SQLSTATE of a refusal: libpq tells it only in a verbose message,
 * and cannot be asked for one while it walks through several hosts by itself. */
static void ask_why(const char *const *value, struct error *err)
{
	PGconn *pg = PQconnectStartParams(keyword, value, 1);
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	int64_t deadline_ms = clock_ms() + ASK_TIMEOUT_MS;

	PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
	while (PQstatus(pg) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
	       state != PGRES_POLLING_FAILED) {
		struct pollfd fd = { .fd = PQsocket(pg),
				     .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		int64_t left_ms = deadline_ms - clock_ms();

		if (left_ms <= 0 || poll(&fd, 1, (int)left_ms) == 0)
			break;
		state = PQconnectPoll(pg);
	}
	fault_sqlstate_of_login(pg, err);
	PQfinish(pg);
}

struct conn *conn_open(const char *conninfo, const struct session *session, struct error *err)
{
	const char *const value[] = { "perennial", conninfo, "UTF8", NULL };
	struct conn *conn;

	if (!check_conninfo(conninfo, err))
		return NULL;
	conn = memory_zeroed(sizeof(*conn));
	conn->prepares = session->prepares;
	params_text(&conn->settings, session->statement_timeout);
	params_text(&conn->settings, session->lock_timeout);
	conn->pg = PQconnectdbParams(keyword, value, 1);
	if (PQstatus(conn->pg) == CONNECTION_OK) {
		PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
		return conn;
	}
	fault_of_login(conn->pg, err);
	if (fault_is_the_server_s(err))
		ask_why(value, err);
	fault_classify_login(err);
	conn_close(conn);
	return NULL;
}

void conn_close(struct conn *conn)
{
	if (conn == NULL)
		return;
	PQfinish(conn->pg);
	params_release(&conn->settings);
	free(conn);
}

static bool send_call(struct conn *conn, const struct call *call)
{
	static const struct params none;
	const struct params *params = call->params != NULL ? call->params : &none;
	const char *value[PARAMS_MAX];
	Oid type[PARAMS_MAX];
	int length[PARAMS_MAX], format[PARAMS_MAX];

	for (int i = 0; i < params->count; i++) {
		const struct param *p = &params->param[i];

		type[i] = (Oid)p->type;
		value[i] = p->is_null ? NULL : p->used > 0 ? p->bytes : "";
		length[i] = (int)p->used;
		format[i] = 1;
	}
	if (!conn->prepares)
		return PQsendQueryParams(conn->pg, queries[call->query].text, params->count, type,
					 value, length, format, 1);
	if (!conn->prepared[call->query] &&
	    !PQsendPrepare(conn->pg, queries[call->query].name, queries[call->query].text,
			   params->count, type))
		return false;
	return PQsendQueryPrepared(conn->pg, queries[call->query].name, params->count, value,
				   length, format, 1);
}

/* The next answer in the pipeline.  The NULL after each but the sync's is read along. */
static PGresult *next_result(struct conn *conn)
{
	PGresult *result = PQgetResult(conn->pg);

	if (result != NULL && PQresultStatus(result) != PGRES_PIPELINE_SYNC)
		PQclear(PQgetResult(conn->pg));
	return result;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Reads what came of one prepare or execution.  Only the first failure of an exchange tells why. */
static PGresult *receive(struct conn *conn, enum query_id id, bool *ok, struct error *err)
{
	PGresult *result = next_result(conn);

	if (is_good(result))
		return result;
	if (*ok)
		fault_of_result(conn->pg, result, queries[id].name, err);
	*ok = false;
	PQclear(result);
	return NULL;
}

static void receive_call(struct conn *conn, struct call *call, bool *ok, struct error *err)
{
	if (conn->prepares && !conn->prepared[call->query]) {
		PGresult *result = receive(conn, call->query, ok, err);

		conn->prepared[call->query] = result != NULL;
		PQclear(result);
	}
	call->rows = rows_of(receive(conn, call->query, ok, err));
}

/* Whether the call begins a transaction by itself. */
static bool begins(const struct call *call)
{
	return call->query == QUERY_BEGIN_BATCH || call->query == QUERY_BEGIN_PLAN ||
	       call->query == QUERY_BEGIN_MIGRATION;
}

/* The calls in the order in which they go out: where they start a transaction, the settings come
 * after its BEGIN. Returns how many. */
static int order_calls(struct conn *conn, struct call *call, int calls, struct call *settings,
		       struct call *order[CALLS_MAX + 1])
{
	bool opening = PQtransactionStatus(conn->pg) == PQTRANS_IDLE;
	int n = 0;

	assert(calls >= 1 && calls <= CALLS_MAX);
	if (opening && !begins(call))
		order[n++] = settings;
	order[n++] = call;
	if (opening && begins(call))
		order[n++] = settings;
	for (int i = 1; i < calls; i++)
		order[n++] = &call[i];
	return n;
}

static bool send_all(struct conn *conn, struct call *const *order, int n)
{
	for (int i = 0; i < n; i++)
		if (!send_call(conn, order[i]))
			return false;
	return PQpipelineSync(conn->pg);
}

bool conn_exchange(struct conn *conn, struct call *call, int calls, struct error *err)
{
	struct call settings = { .query = QUERY_SETTINGS, .params = &conn->settings };
	struct call *order[CALLS_MAX + 1];
	int n = order_calls(conn, call, calls, &settings, order);
	bool ok = true;

	for (int i = 0; i < calls; i++)
		call[i].rows = NULL;
	if (!PQenterPipelineMode(conn->pg) || !send_all(conn, order, n))
		return fault_of_result(conn->pg, NULL, queries[call[0].query].name, err);
	for (int i = 0; i < n; i++)
		receive_call(conn, order[i], &ok, err);
	PQclear(next_result(conn));
	rows_free(settings.rows);
	if (!PQexitPipelineMode(conn->pg) && ok)
		ok = fault_of_result(conn->pg, NULL, queries[call[0].query].name, err);
	for (int i = 0; !ok && i < calls; i++) {
		rows_free(call[i].rows);
		call[i].rows = NULL;
	}
	return ok;
}

struct rows *conn_query(struct conn *conn, enum query_id query, const struct params *params,
			struct error *err)
{
	struct call call = { query, params, NULL };

	return conn_exchange(conn, &call, 1, err) ? call.rows : NULL;
}

bool conn_execute(struct conn *conn, enum query_id query, const struct params *params,
		  struct error *err)
{
	struct rows *rows = conn_query(conn, query, params, err);

	rows_free(rows);
	return rows != NULL;
}

bool conn_commit(struct conn *conn, struct error *err)
{
	struct rows *rows = conn_query(conn, QUERY_COMMIT, NULL, err);
	bool ok;

	if (rows == NULL)
		return false;
	ok = strcmp(rows_tag(rows), "COMMIT") == 0;
	if (!ok)
		fail(err, EXIT_INTERNAL, "commit: the server answered %s", rows_tag(rows));
	rows_free(rows);
	return ok;
}

void conn_rollback(struct conn *conn)
{
	struct error ignored;
	bool ended = PQtransactionStatus(conn->pg) == PQTRANS_IDLE ||
		     conn_execute(conn, QUERY_ROLLBACK, NULL, &ignored);

	(void)ended;
}

bool conn_script(struct conn *conn, const char *text, struct error *err)
{
	PGresult *result = PQexec(conn->pg, text);
	bool ok = is_good(result);

	if (!ok)
		fault_of_result(conn->pg, result, "migration", err);
	PQclear(result);
	return ok;
}
