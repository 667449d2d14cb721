/* A connection: opening it, again too, and what may be done to it from outside. */
#include "base/clock.h"
#include "base/memory.h"
#include "db/conn_pg.h"
#include "db/fault.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_S "10"
#define ASK_TIMEOUT_MS    2000 /* to ask a second time why a connection was refused */

/* A host that fell silent is given up after 10 + 3 * 5 s without traffic, and 30 s after the first
 * byte that it did not acknowledge. */
static const struct {
	const char *option; /* libpq's: what it says counts */
	int name;
	int value;
} tcp[] = {
	{ "keepalives_idle", TCP_KEEPIDLE, 10 },
	{ "keepalives_interval", TCP_KEEPINTVL, 5 },
	{ "keepalives_count", TCP_KEEPCNT, 3 },
	{ "tcp_user_timeout", TCP_USER_TIMEOUT, 30000 },
};

/* The server's notices are for its own log: nothing of ours raises one that a user should see. */
static void ignore_notice(void *unused, const PGresult *result)
{
	(void)unused;
	(void)result;
}

void conn_defaults(bool writes)
{
	/* The environment is the last that libpq asks: a connection string or a service wins. */
	setenv("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT_S, 0);
	if (writes)
		setenv("PGTARGETSESSIONATTRS", "primary", 0);
}

int conn_library_version(void)
{
	return PQlibVersion();
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

/* What follows dbname wins over the connection string that it holds: all text is UTF-8, and a run
 * is recognised by its name. */
static const char *const keyword[] = { "fallback_application_name", "dbname", "client_encoding",
				       "application_name", NULL };

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

static bool says(const PQconninfoOption *option, const char *keyword_sought)
{
	for (; option != NULL && option->keyword != NULL; option++)
		if (strcmp(option->keyword, keyword_sought) == 0)
			return option->val != NULL && option->val[0] != '\0';
	return false;
}

/* On a Unix socket each of these fails, and is not needed. */
static void watch_host(PGconn *pg)
{
	PQconninfoOption *options = PQconninfo(pg);

	for (size_t i = 0; i < sizeof(tcp) / sizeof(tcp[0]); i++)
		if (!says(options, tcp[i].option))
			setsockopt(PQsocket(pg), IPPROTO_TCP, tcp[i].name, &tcp[i].value,
				   sizeof(tcp[i].value));
	PQconninfoFree(options);
}

static void set_cancel(struct conn *conn, PGcancel *cancel)
{
	pthread_mutex_lock(&conn->cancelling);
	PQfreeCancel(conn->cancel);
	conn->cancel = cancel;
	conn->openings++;
	pthread_mutex_unlock(&conn->cancelling);
}

void conn_drop(struct conn *conn)
{
	set_cancel(conn, NULL);
	PQfinish(conn->pg);
	conn->pg = NULL;
	memset(conn->prepared, 0, sizeof(conn->prepared));
}

bool conn_reopen(struct conn *conn, struct error *err)
{
	const char *const value[] = { "perennial", conn->conninfo, "UTF8",
				      conn->session->application_name, NULL };

	conn_drop(conn);
	conn->pg = PQconnectdbParams(keyword, value, 1);
	if (PQstatus(conn->pg) == CONNECTION_OK && PQsetnonblocking(conn->pg, 1) == 0) {
		PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
		watch_host(conn->pg);
		set_cancel(conn, PQgetCancel(conn->pg));
		return true;
	}
	fault_of_login(conn->pg, err);
	if (fault_is_the_server_s(err))
		ask_why(value, err);
	fault_classify_login(err);
	conn_drop(conn);
	return false;
}

static void add_timeout(struct params *settings, int64_t ms)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)ms);
	params_text(settings, text);
}

struct conn *conn_open(const char *conninfo, const struct session *session, struct error *err)
{
	struct conn *conn;

	if (!check_conninfo(conninfo, err))
		return NULL;
	conn = memory_zeroed(sizeof(*conn));
	conn->conninfo = conninfo;
	conn->session = session;
	add_timeout(&conn->settings, session->statement_timeout_ms);
	add_timeout(&conn->settings, session->lock_timeout_ms);
	pthread_mutex_init(&conn->cancelling, NULL);
	if (conn_reopen(conn, err))
		return conn;
	conn_close(conn);
	return NULL;
}

void conn_close(struct conn *conn)
{
	if (conn == NULL)
		return;
	conn_drop(conn);
	pthread_mutex_destroy(&conn->cancelling);
	params_release(&conn->settings);
	free(conn);
}

static void free_cancel(void *cancel)
{
	PQfreeCancel(cancel);
}

/* To ask may take its time, and nobody else is to wait for it: what is asked with is taken away
 * meanwhile, and put back if it is still about the same session.  The thread may be cancelled in
 * it. */
void conn_cancel(struct conn *conn)
{
	char ignored[256];
	PGcancel *cancel;
	int openings;

	pthread_mutex_lock(&conn->cancelling);
	cancel = conn->cancel;
	conn->cancel = NULL;
	openings = conn->openings;
	pthread_mutex_unlock(&conn->cancelling);
	if (cancel == NULL)
		return;
	pthread_cleanup_push(free_cancel, cancel);
	PQcancel(cancel, ignored, sizeof(ignored));
	pthread_cleanup_pop(0);
	pthread_mutex_lock(&conn->cancelling);
	if (conn->openings == openings) {
		conn->cancel = cancel;
		cancel = NULL;
	}
	pthread_mutex_unlock(&conn->cancelling);
	PQfreeCancel(cancel);
}
