/* perennial check: whether all is well, from the configuration to the data. */
#include "cmd/command.h"
#include "base/clock.h"
#include "cmd/findings.h"
#include "cmd/limits.h"
#include "cmd/output.h"
#include "db/check.h"
#include "db/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const enum option_id check_options[] = { OPTION_FORMAT, OPTION_END };

/* perennial.service's TimeoutStartSec. */
#define UNIT_TIMEOUT_MS (INT64_C(45) * 60000)

#define CLOCK_APART_MAX_US INT64_C(5000000)

/* How much of the schema can be relied upon, and what a check needs of it. */
enum schema {
	SCHEMA_NONE,
	SCHEMA_NAMES, /* it is there, in an unknown version */
	SCHEMA_FITS,
};

struct checking {
	const struct context *context;
	struct conn *conn;
	enum schema schema;
	struct findings findings;
};

/* Each problem of the file, or why it cannot be read. */
static void add_problems(struct checking *c)
{
	static const char advice[] = "perennial.conf(5) has every key with its kind and default";
	struct finding f = { "configuration", SEVERITY_ERROR, EXIT_CONFIG, NULL, advice };
	char *problems = c->context->config.problems, *rest;

	if (problems == NULL) {
		f.message = c->context->config_error.message;
		f.advice = "see to the file, or name another one with -c";
		findings_add(&c->findings, &f);
		return;
	}
	for (f.message = strtok_r(problems, "\n", &rest); f.message != NULL;
	     f.message = strtok_r(NULL, "\n", &rest))
		findings_add(&c->findings, &f);
}

static void warn_of_secrets(struct checking *c)
{
	const struct context *context = c->context;

	if (check_is_secret(context->config.connection))
		findings_warning(
			&c->findings, "configuration", "database.connection holds a password",
			"no secret belongs into this file: libpq's service file or passfile "
			"holds it");
	if (context->conninfo != context->config.connection && check_is_secret(context->conninfo))
		findings_warning(
			&c->findings, "configuration", "-d holds a password",
			"ps shows it to everybody: libpq's service file or passfile holds it");
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), wanted = strlen(end);

	return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

static bool folder_is_there(const char *file)
{
	char folder[CONFIG_TEXT_SIZE];

	/* An absolute path. */
	snprintf(folder, sizeof(folder), "%.*s/", (int)(strrchr(file, '/') - file), file);
	return access(folder, W_OK | X_OK) == 0;
}

static void warn_of_configuration(struct checking *c)
{
	const struct config *config = &c->context->config;
	struct stat st;

	if (config->text != NULL && stat(config->path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IWOTH) != 0)
		findings_warning(&c->findings, "configuration", "everybody may write the file",
				 "take that away: chmod o-w");
	warn_of_secrets(c);
	if (config->lock_timeout_ms >= config->statement_timeout_ms)
		findings_warning(
			&c->findings, "configuration",
			"run.lock_timeout is not shorter than run.statement_timeout",
			"a wait for a lock then counts as a slow statement, and makes batches "
			"smaller");
	if (config->metrics_file[0] != '\0' && !folder_is_there(config->metrics_file))
		findings_warning(
			&c->findings, "configuration",
			"the folder of metrics.file is not there, or may not be written",
			"create it for the user of the runs; its unit needs ReadWritePaths");
	if (config->metrics_file[0] != '\0' && !ends_with(config->metrics_file, ".prom"))
		findings_warning(&c->findings, "configuration",
				 "the name of metrics.file does not end with .prom",
				 "the node exporter leaves out what has another name");
	if (config->deadline_ms >= UNIT_TIMEOUT_MS)
		findings_warning(
			&c->findings, "configuration",
			"run.deadline is not shorter than the 45min that perennial.service has",
			"systemd then kills the run, which would have ended by itself: see its "
			"TimeoutStartSec");
}

static void look_at_configuration(struct checking *c)
{
	const struct config *config = &c->context->config;
	char message[CONFIG_TEXT_SIZE];

	if (c->context->config_error.code != EXIT_DONE)
		add_problems(c);
	warn_of_configuration(c);
	if (findings_bad(&c->findings) > 0)
		return;
	snprintf(message, sizeof(message),
		 config->text != NULL ? "%s has no problem"
				      : "there is no %s: all is as by default",
		 config->path);
	findings_ok(&c->findings, "configuration", message);
}

struct check {
	const char *name;
	enum exit_code code; /* of its errors */
	enum schema needs;
	bool (*look)(struct checking *c, const struct check *check, struct error *err);
	enum query_id query; /* of look_by_query */
};

/* Adds the findings that a statement made, and releases them. */
static bool add_rows(struct checking *c, const struct check *check, struct rows *rows)
{
	if (rows == NULL)
		return false;
	for (int i = 0; i < rows_count(rows); i++) {
		const struct check_row row = check_row(rows, i);

		findings_add(&c->findings,
			     &(struct finding){ check->name, severity_of(row.severity), check->code,
						row.message, row.advice });
	}
	rows_free(rows);
	return true;
}

static bool look_by_query(struct checking *c, const struct check *check, struct error *err)
{
	return add_rows(c, check, check_read(c->conn, check->query, NULL, err));
}

static bool look_at_connection(struct checking *c, const struct check *check, struct error *err)
{
	bool prepares = c->context->config.prepared_statements;

	return add_rows(c, check, check_connection(c->conn, prepares, err));
}

static bool look_at_schema(struct checking *c, const struct check *check, struct error *err)
{
	char message[80];

	if (!schema_check(c->conn, err)) {
		if (err->code == EXIT_ACCESS)
			c->schema = SCHEMA_NAMES;
		return false;
	}
	c->schema = SCHEMA_FITS;
	snprintf(message, sizeof(message), "version %d, as this program needs it",
		 schema_version());
	findings_ok(&c->findings, check->name, message);
	return look_by_query(c, check, err);
}

/* The server read its clock at some moment of the round trip: the middle of it is wrong by half of
 * it at most. */
static bool look_at_clock(struct checking *c, const struct check *check, struct error *err)
{
	int64_t before_us = clock_now_us(), half_us, ahead_us;
	struct server server;
	char message[120];

	if (!server_ask(c->conn, &server, err))
		return false;
	half_us = (clock_now_us() - before_us) / 2;
	ahead_us = server.clock_us - (before_us + half_us);
	if (imaxabs(ahead_us) > CLOCK_APART_MAX_US) {
		snprintf(message, sizeof(message), "the server's clock is %.1f s %s this host's",
			 (double)imaxabs(ahead_us) / 1e6, ahead_us < 0 ? "behind" : "ahead of");
		findings_warning(&c->findings, check->name, message,
				 "see to both: the server's decides what is due, and the log has "
				 "this host's");
	} else {
		snprintf(message, sizeof(message),
			 "the server's clock and this host's agree within %.1f s",
			 (double)(imaxabs(ahead_us) + half_us) / 1e6 + 0.05);
		findings_ok(&c->findings, check->name, message);
	}
	return true;
}

static bool look_at_zones(struct checking *c, const struct check *check, struct error *err)
{
	struct params params = { 0 };
	bool ok;

	params_text(&params, c->context->config.report_time_zone);
	ok = add_rows(c, check, check_read(c->conn, check->query, &params, err));
	params_release(&params);
	return ok;
}

static bool look_at_limits(struct checking *c, const struct check *check, struct error *err)
{
	struct currencies currencies;
	struct limits limits;

	if (!currencies_read(c->conn, &currencies, err) ||
	    !limits_read(&c->context->config, &currencies, &limits, err))
		return false;
	findings_ok(&c->findings, check->name,
		    "limits.max_amount has no currency that the database lacks");
	return true;
}

/* In this order. */
static const struct check checks[] = {
	{ "connection", EXIT_CONFIG, SCHEMA_NONE, look_at_connection, QUERY_CHECK_CONNECTION },
	{ "schema", EXIT_CONFIG, SCHEMA_NONE, look_at_schema, QUERY_CHECK_SCHEMA },
	{ "privileges", EXIT_ACCESS, SCHEMA_NAMES, look_by_query, QUERY_CHECK_PRIVILEGES },
	{ "indexes", EXIT_CONFIG, SCHEMA_NAMES, look_by_query, QUERY_CHECK_INDEXES },
	{ "durability", EXIT_CONFIG, SCHEMA_NONE, look_by_query, QUERY_CHECK_DURABILITY },
	{ "clock", EXIT_CONFIG, SCHEMA_NONE, look_at_clock, QUERY_SERVER },
	{ "limits", EXIT_CONFIG, SCHEMA_FITS, look_at_limits, QUERY_CURRENCIES },
	{ "zones", EXIT_CONFIG, SCHEMA_FITS, look_at_zones, QUERY_CHECK_ZONES },
	{ "data", EXIT_CONFIG, SCHEMA_FITS, look_by_query, QUERY_CHECK_DATA },
	{ "runs", EXIT_CONFIG, SCHEMA_FITS, look_by_query, QUERY_CHECK_RUNS },
};

/* False where the rest cannot be looked at. */
static bool look(struct checking *c, const struct check *check)
{
	struct error err = { 0 };

	if (check->needs > c->schema || check->look(c, check, &err))
		return true;
	/* What the roles should be able to read, and cannot, is told among the privileges. */
	if (check->needs == SCHEMA_FITS && err.code == EXIT_ACCESS)
		findings_ok(&c->findings, check->name, "left out: this user may not read it");
	else
		findings_error(&c->findings, check->name, &err);
	return err.fault != FAULT_ENVIRONMENT;
}

static void look_at_all(struct checking *c)
{
	struct session session = session_of(&c->context->config);
	struct error err = { 0 };
	size_t i = 0;

	session.prepares = false;
	c->conn = conn_open(c->context->conninfo, &session, &err);
	if (c->conn == NULL)
		findings_error(&c->findings, checks[0].name, &err);
	else
		while (i < sizeof(checks) / sizeof(checks[0]) && look(c, &checks[i]))
			i++;
	conn_close(c->conn);
}

static bool check_main(struct context *context, enum exit_code *code, struct error *err)
{
	struct checking c = { .context = context };

	findings_begin(&c.findings, context->options.format == FORMAT_JSON);
	look_at_configuration(&c);
	look_at_all(&c);
	findings_end(&c.findings);
	*code = c.findings.code;
	return output_finish(err);
}

const struct command command_check = {
	.name = "check",
	.usage = "check [--format F]",
	.summary = "say whether all is well, from the configuration to the data",
	.option = check_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON,
	.bears_config = true,
	.example = {
		{ "check", "before the timer is enabled, and after every change" },
		{ "-d 'dbname=billing user=perennial' check", "as the timer's own login" },
		{ "check --format json | jq -r .exit_code", "for another program" },
	},
	.run = check_main,
};
