/* A connection: exchanging statements for answers. */
#include "base/clock.h"
#include "base/fault_point.h"
#include "db/conn_pg.h"
#include "db/fault.h"
#include "db/result.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

/* The server ends a statement that takes too long; after so much more time without an answer it is
 * the connection that does not work. */
#define GRACE_MS 5000

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
	if (!conn->session->prepares)
		return PQsendQueryParams(conn->pg, queries[call->query].text, params->count, type,
					 value, length, format, 1);
	if (!conn->prepared[call->query] &&
	    !PQsendPrepare(conn->pg, queries[call->query].name, queries[call->query].text,
			   params->count, type))
		return false;
	return PQsendQueryPrepared(conn->pg, queries[call->query].name, params->count, value,
				   length, format, 1);
}

/* Waits for the socket; false when there is nothing by the deadline, 0 being none. */
static bool wait_socket(const struct conn *conn, short events, int64_t deadline_ms)
{
	struct pollfd fd = { .fd = PQsocket(conn->pg), .events = events };
	int64_t left_ms = deadline_ms == 0 ? -1 : deadline_ms - clock_ms();
	int ready;

	if (deadline_ms != 0 && left_ms <= 0)
		return false;
	ready = poll(&fd, 1, (int)left_ms);
	return ready > 0 || (ready < 0 && errno == EINTR);
}

/* Sends what is queued and reads until the next answer is there.  False when the server is silent
 * for too long, or libpq is: an answer that it has no memory for it mentions, and then waits for
 * the next one.  A connection that broke is an answer that PQgetResult gives. */
static bool await_answer(struct conn *conn)
{
	int64_t timeout_ms = conn->session->statement_timeout_ms;
	int64_t deadline_ms = timeout_ms == 0 ? 0 : clock_ms() + timeout_ms + GRACE_MS;
	size_t said = strlen(PQerrorMessage(conn->pg));
	int unsent;

	while ((unsent = PQflush(conn->pg)) == 1 || PQisBusy(conn->pg)) {
		if (unsent < 0)
			return true;
		if (strlen(PQerrorMessage(conn->pg)) > said)
			return false;
		if (!wait_socket(conn, unsent ? POLLIN | POLLOUT : POLLIN, deadline_ms))
			return false;
		if (!PQconsumeInput(conn->pg))
			return true;
	}
	return true;
}

/* The next answer in the pipeline.  The NULL after each but the sync's is read along.  The
 * connection is gone after a false. */
static bool next_result(struct conn *conn, PGresult **result)
{
	*result = NULL;
	if (conn->pg == NULL || !await_answer(conn)) {
		conn_drop(conn);
		return false;
	}
	*result = PQgetResult(conn->pg);
	if (*result != NULL && PQresultStatus(*result) != PGRES_PIPELINE_SYNC)
		PQclear(PQgetResult(conn->pg));
	return true;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Reads what came of one prepare or execution.  Only the first failure of an exchange tells why. */
static PGresult *receive(struct conn *conn, enum query_id id, bool *ok, struct error *err)
{
	PGresult *result;
	bool answered = next_result(conn, &result);

	if (is_good(result))
		return result;
	if (*ok && answered)
		fault_of_result(conn->pg, result, queries[id].name, err);
	else if (*ok)
		fault_of_silence(queries[id].name, err);
	*ok = false;
	PQclear(result);
	return NULL;
}

static void receive_call(struct conn *conn, struct call *call, bool *ok, struct error *err)
{
	if (conn->session->prepares && !conn->prepared[call->query]) {
		PGresult *result = receive(conn, call->query, ok, err);

		conn->prepared[call->query] = result != NULL;
		PQclear(result);
	}
	call->rows = rows_of(receive(conn, call->query, ok, err));
	fault_point("answered", queries[call->query].name);
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
	if (conn->pg == NULL || !PQenterPipelineMode(conn->pg))
		return false;
	for (int i = 0; i < n; i++) {
		fault_point("before", queries[order[i]->query].name);
		if (!send_call(conn, order[i]))
			return false;
	}
	if (!PQpipelineSync(conn->pg) || PQflush(conn->pg) < 0)
		return false;
	fault_point("sent", queries[order[n - 1]->query].name);
	return true;
}

/* Reads all answers.  What the connection is left in is then known, or it is dropped. */
static bool receive_all(struct conn *conn, struct call *const *order, int n, struct error *err)
{
	PGresult *sync;
	bool ok = true;

	for (int i = 0; i < n; i++)
		receive_call(conn, order[i], &ok, err);
	if (next_result(conn, &sync) &&
	    (PQresultStatus(sync) != PGRES_PIPELINE_SYNC || !PQexitPipelineMode(conn->pg))) {
		if (ok)
			ok = fault_of_result(conn->pg, NULL, queries[order[n - 1]->query].name,
					     err);
		conn_drop(conn);
	}
	PQclear(sync);
	return ok;
}

bool conn_exchange(struct conn *conn, struct call *call, int calls, struct error *err)
{
	struct call settings = { .query = QUERY_SETTINGS, .params = &conn->settings };
	struct call *order[CALLS_MAX + 1];
	int n = order_calls(conn, call, calls, &settings, order);
	bool ok;

	for (int i = 0; i < calls; i++)
		call[i].rows = NULL;
	if (!send_all(conn, order, n)) {
		fault_of_result(conn->pg, NULL, queries[call[0].query].name, err);
		conn_drop(conn);
		return false;
	}
	ok = receive_all(conn, order, n, err);
	rows_free(settings.rows);
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

	if (rows == NULL) {
		/* The server rolled back what it answers with an error, unless it went away. */
		if (err->fault == FAULT_ENVIRONMENT)
			err->fault = FAULT_UNKNOWN;
		return false;
	}
	ok = strcmp(rows_tag(rows), "COMMIT") == 0;
	if (!ok) {
		fail(err, EXIT_INTERNAL, "commit: the server answered %s", rows_tag(rows));
		err->fault = FAULT_RETRY;
	}
	rows_free(rows);
	return ok;
}

void conn_rollback(struct conn *conn)
{
	struct error ignored;

	if (conn->pg != NULL && PQtransactionStatus(conn->pg) != PQTRANS_IDLE &&
	    !conn_execute(conn, QUERY_ROLLBACK, NULL, &ignored))
		conn_drop(conn);
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
