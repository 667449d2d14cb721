/* Faults: what the server or the connection reported, as an error with its exit code. */
#include "db/fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What libpq says of an option that it will not take begins with "invalid". */
#define NO_CONNECTION "cannot connect: "

static bool in_class(const char *sqlstate, const char *class)
{
	return strncmp(sqlstate, class, 2) == 0;
}

static bool is_one_of(const char *sqlstate, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(sqlstate, *list) == 0)
			return true;
	return false;
}

/* The exit code for an SQLSTATE in a running session; empty means that the connection was lost. */
static enum exit_code fault_code(const char *sqlstate)
{
	static const char *const schema[] = { "3F000", "42P01", "42P06", "42P07", "42703",
					      "42883", "26000", "42P05", NULL };
	static const char *const lost[] = { "25006", "25P03", "55P03", "40001", "40P01", NULL };

	if (sqlstate[0] == '\0' || in_class(sqlstate, "08") || in_class(sqlstate, "53") ||
	    in_class(sqlstate, "57") || is_one_of(sqlstate, lost))
		return EXIT_LOST;
	if (strcmp(sqlstate, "42501") == 0 || in_class(sqlstate, "28"))
		return EXIT_ACCESS;
	if (is_one_of(sqlstate, schema))
		return EXIT_CONFIG;
	return EXIT_INTERNAL;
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
		return "the role needs to be a member of perennial_batch for run, perennial_reader "
		       "for plan and history, perennial_operator for prune, and the owner for "
		       "migrate";
	if (strcmp(sqlstate, "25006") == 0)
		return "this server is a standby or read-only: run, prune and migrate need the "
		       "primary";
	if (strcmp(sqlstate, "42P05") == 0 || strcmp(sqlstate, "26000") == 0)
		return "behind a connection pool, the configuration needs "
		       "database.prepared_statements = false";
	return "";
}

bool fault_of_result(const PGconn *pg, const PGresult *result, const char *statement,
		     struct error *err)
{
	const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
	const char *primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = field(result, PG_DIAG_MESSAGE_HINT);
	/* The detail of a constraint is the row: no customer data belongs in a message. */
	const char *detail = in_class(sqlstate, "23") ? "" : field(result, PG_DIAG_MESSAGE_DETAIL);

	if (primary[0] == '\0')
		primary = result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(pg);
	fail(err, fault_code(sqlstate), "statement \"%s\": %s%s%s", statement, primary,
	     detail[0] != '\0' ? "; " : "", detail);
	chomp(err->message);
	snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
	fail_hint(err, "%s", hint[0] != '\0' ? hint : hint_for(sqlstate));
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
	} else if (err->sqlstate[0] == '\0') {
		fail_hint(err, "%s", server);
	}
}
