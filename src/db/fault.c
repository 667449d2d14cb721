/* Faults: what the server or the connection reported, as an error with its exit code. */
#include "db/fault.h"
#include "base/text.h"
#include "db/sqlstate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What libpq says of an option that it will not take begins with "invalid". */
#define NO_CONNECTION "cannot connect: "

static bool in_class(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, 2) == 0;
}

static void chomp(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
}

static const char *field(const PGresult *result, int code)
{
	const char *text = PQresultErrorField(result, code);

	return text != NULL ? text : "";
}

/* What to do about it, where the server does not say. */
static const char *hint_for(const char *sqlstate)
{
	if (strcmp(sqlstate, "42501") == 0)
		return "the role needs to be a member of perennial_batch for run, "
		       "perennial_operator for hold, release and prune, perennial_reader for what "
		       "only reads, and the owner for migrate";
	if (strcmp(sqlstate, "55P03") == 0)
		return "somebody else has it locked: try again a little later";
	if (strcmp(sqlstate, "25006") == 0)
		return "this server is a standby or read-only: run, hold, release, prune and "
		       "migrate need the primary";
	if (strcmp(sqlstate, "42P05") == 0 || strcmp(sqlstate, "26000") == 0)
		return "behind a connection pool, the configuration needs "
		       "database.prepared_statements = false";
	return "";
}

static bool is_one_of(const char *const *names, const char *statement)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, statement) == 0)
			return true;
	return false;
}

/* Whether a statement works on the rows of a batch, so that one of these may be at fault. */
static bool is_about_rows(const char *statement)
{
	static const char *const about[] = { "claim",          "claim_one",   "write_state",
					     "write_outcomes", "write_holds", "hold_row",
					     "check_now",      "commit",      NULL };

	return is_one_of(about, statement);
}

/* Whether one of our functions refused what a person had asked it for. */
static bool is_refusal(const char *statement, const char *sqlstate)
{
	static const char *const asks[] = { "hold_subscription", "release_subscriptions", NULL };

	return is_one_of(asks, statement) &&
	       (in_class(sqlstate, "PR") || strcmp(sqlstate, "22023") == 0);
}

/* A fault of one row is one only in a statement about rows.  A number that a sequence gave twice,
 * after a restore that forgot it, is not the row's fault either. */
static enum fault fault_kind(const PGconn *pg, const PGresult *result, const char *statement)
{
	enum fault fault = sqlstate_meaning(field(result, PG_DIAG_SQLSTATE)).fault;
	const char *severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (PQstatus(pg) != CONNECTION_OK || strcmp(severity, "FATAL") == 0 ||
	    strcmp(severity, "PANIC") == 0)
		return FAULT_ENVIRONMENT;
	/* A zone that the server knew a moment ago and cannot read now. */
	if (strncmp(statement, "claim", 5) == 0 &&
	    strcmp(field(result, PG_DIAG_SQLSTATE), "22023") == 0)
		return FAULT_ENVIRONMENT;
	if (fault == FAULT_ROW &&
	    (!is_about_rows(statement) ||
	     strcmp(field(result, PG_DIAG_CONSTRAINT_NAME), "notification_job_pkey") == 0))
		return FAULT_BUG;
	return fault;
}

/* The line of the context that names a function: what was raised in SQL of its own comes first. */
static const char *function_line(const char *context)
{
	while (context != NULL && strncmp(context, "PL/", 3) != 0) {
		context = strchr(context, '\n');
		context = context != NULL ? context + 1 : NULL;
	}
	return context;
}

/* What was found wrong, without the row's values: its constraint, or the function that raised it.
 */
static void name_object(const PGresult *result, const char *statement, struct error *err)
{
	const char *constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
	const char *function = function_line(field(result, PG_DIAG_CONTEXT));
	char text[512];

	if (constraint[0] != '\0')
		snprintf(text, sizeof(text), "%s, constraint %s", statement, constraint);
	else if (function != NULL)
		snprintf(text, sizeof(text), "%s, %.*s", statement, (int)strcspn(function, "\n"),
			 function);
	else
		snprintf(text, sizeof(text), "%s", statement);
	text_cut(err->object, sizeof(err->object), text);
}

bool fault_of_result(const PGconn *pg, const PGresult *result, const char *statement,
		     struct error *err)
{
	const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
	const char *primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = field(result, PG_DIAG_MESSAGE_HINT);
	/* The detail of a constraint is the row: no customer data belongs in a message. */
	const char *detail = in_class(sqlstate, "23") ? "" : field(result, PG_DIAG_MESSAGE_DETAIL);

	if (primary[0] == '\0' && result != NULL)
		primary = PQresultErrorMessage(result);
	if (primary[0] == '\0')
		primary = pg != NULL ? PQerrorMessage(pg) : "the connection was lost";
	if (is_refusal(statement, sqlstate))
		fail(err, EXIT_UNKNOWN, "%s", primary);
	else
		fail(err, sqlstate_meaning(sqlstate).code, "statement \"%s\": %s%s%s", statement,
		     primary, detail[0] != '\0' ? "; " : "", detail);
	chomp(err->message);
	err->fault = fault_kind(pg, result, statement);
	if (err->fault == FAULT_ENVIRONMENT)
		err->code = EXIT_LOST;
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
	name_object(result, statement, err);
	fail_hint(err, "%s", hint[0] != '\0' ? hint : hint_for(sqlstate));
	return false;
}

bool fault_of_silence(const char *statement, struct error *err)
{
	fail(err, EXIT_LOST, "statement \"%s\": the server does not answer", statement);
	err->fault = FAULT_ENVIRONMENT;
	return false;
}

void fault_sqlstate_of_login(const PGconn *pg, struct error *err)
{
	/* "…: SEVERITY:  28P01: text": the severity may be in another language. */
	for (const char *at = strstr(PQerrorMessage(pg), ":  "); at != NULL;
	     at = strstr(at + 1, ":  "))
		if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':')
			snprintf(err->sqlstate, sizeof(err->sqlstate), "%.5s", at + 3);
}

bool fault_of_login(const PGconn *pg, struct error *err)
{
	fail(err, EXIT_NO_SERVER, NO_CONNECTION "%s", PQerrorMessage(pg));
	err->fault = FAULT_ENVIRONMENT;
	chomp(err->message);
	/* libpq itself gives up where the server asks for a password and there is none. */
	if (PQconnectionNeedsPassword(pg))
		snprintf(err->sqlstate, sizeof(err->sqlstate), "28P01");
	return false;
}

bool fault_is_the_server_s(const struct error *err)
{
	/* A server's message begins with its severity, in whatever language, and two spaces. */
	return strstr(err->message, ":  ") != NULL;
}

/* Whether something is wrong with what was asked for: a database, an option, a setting. */
static bool is_configuration(const struct error *err)
{
	static const char invalid[] = NO_CONNECTION "invalid ";

	return strcmp(err->sqlstate, "3D000") == 0 || in_class(err->sqlstate, "22") ||
	       in_class(err->sqlstate, "42") ||
	       strncmp(err->message, invalid, strlen(invalid)) == 0;
}

void fault_classify_login(struct error *err)
{
	static const char user[] = "the user comes from the connection string, the password from "
				   "libpq's service file, passfile or PGPASSWORD";
	static const char service[] = "services are defined in ~/.pg_service.conf or PGSERVICEFILE";
	static const char server[] =
		"where to connect comes from -d, the configuration's "
		"database.connection, or libpq's environment (PGHOST, PGSERVICE, …)";

	if (in_class(err->sqlstate, "28")) {
		err->code = EXIT_ACCESS;
		fail_hint(err, "%s", user);
	} else if (strcmp(err->sqlstate, "42501") == 0) {
		err->code = EXIT_ACCESS;
	} else if (strstr(err->message, "definition of service") != NULL ||
		   strstr(err->message, "service file") != NULL) {
		err->code = EXIT_CONFIG;
		fail_hint(err, "%s", service);
	} else if (is_configuration(err)) {
		err->code = EXIT_CONFIG;
	} else if (strstr(err->message, "hot standby") != NULL) {
		fail_hint(err, "run, hold, release, prune and migrate need the primary: name all "
			       "hosts in the connection, and libpq finds it");
	} else if (err->sqlstate[0] == '\0') {
		fail_hint(err, "%s", server);
	}
	if (err->code != EXIT_NO_SERVER)
		err->fault = FAULT_BUG;
}
