/* perennial status: whether runs happen, and keep up. */
#include "base/instant.h"
#include "base/memory.h"
#include "cmd/command.h"
#include "cmd/option_row.h"
#include "cmd/output.h"
#include "cmd/status_view.h"

#include <stdio.h>
#include <stdlib.h>

static const enum option_id status_options[] = {
	OPTION_JSON,         OPTION_NAGIOS,        OPTION_WARNING, OPTION_CRITICAL,
	OPTION_WARNING_HELD, OPTION_CRITICAL_HELD, OPTION_END,
};

static bool check_options(const struct options *o, struct error *err)
{
	static const enum option_id of_nagios[] = { OPTION_WARNING, OPTION_CRITICAL,
						    OPTION_WARNING_HELD, OPTION_CRITICAL_HELD };

	if (o->json && o->nagios)
		return fail(err, EXIT_USAGE, "--json is given, or --nagios, not both");
	for (size_t i = 0; !o->nagios && i < sizeof(of_nagios) / sizeof(of_nagios[0]); i++)
		if (o->given[of_nagios[i]])
			return fail(err, EXIT_USAGE, "--%s needs --nagios, whose threshold it is",
				    option_row[of_nagios[i]].name);
	return true;
}

static bool above(const char *warning, const char *warning_value, const char *critical_value,
		  struct error *err)
{
	return fail(err, EXIT_USAGE, "--warning%s, which is %s, is above --critical%s, which is %s",
		    warning, warning_value, warning, critical_value);
}

static bool read_thresholds(const struct options *o, struct thresholds *t, struct error *err)
{
	char warning[OUTPUT_AGE_SIZE], critical[OUTPUT_AGE_SIZE];

	*t = (struct thresholds){ 7200, 21600, 1, 100 };
	if (o->given[OPTION_WARNING])
		t->warning_s = o->warning_us / INSTANT_PER_SECOND;
	if (o->given[OPTION_CRITICAL])
		t->critical_s = o->critical_us / INSTANT_PER_SECOND;
	if (o->given[OPTION_WARNING_HELD])
		t->warning_held = o->warning_held;
	if (o->given[OPTION_CRITICAL_HELD])
		t->critical_held = o->critical_held;
	if (t->warning_s > t->critical_s)
		return above("", output_age(t->warning_s, warning),
			     output_age(t->critical_s, critical), err);
	snprintf(warning, sizeof(warning), "%lld", (long long)t->warning_held);
	snprintf(critical, sizeof(critical), "%lld", (long long)t->critical_held);
	return t->warning_held <= t->critical_held || above("-held", warning, critical, err);
}

static bool look(const struct context *context, struct server *server, struct health *health,
		 struct error *err)
{
	struct session session = session_of(&context->config);
	struct conn *conn;
	bool ok;

	if (context->config_error.code != EXIT_DONE) {
		if (context->config.problems != NULL)
			fputs(context->config.problems, stderr);
		*err = context->config_error;
		return false;
	}
	session.prepares = false;
	conn = session_open(context, true, &session, server, err);
	if (conn == NULL)
		return false;
	ok = health_read(conn, server->clock_us, health, err);
	conn_close(conn);
	return ok;
}

/* Nagios' exit codes are its own; not to have looked is one of them. */
static bool judge(const struct health *health, bool looked, const struct thresholds *thresholds,
		  enum exit_code *code, struct error *err)
{
	enum nagios nagios =
		looked ? status_print_nagios(health, thresholds) : status_print_unknown(err);

	*code = (enum exit_code)nagios;
	return output_finish(err);
}

static bool print(const struct health *health, const struct server *server, bool json,
		  struct error *err)
{
	if (json)
		status_print_json(health, server);
	else
		status_print_text(health, server);
	return output_finish(err);
}

static bool status_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct options *options = &context->options;
	struct thresholds thresholds;
	struct health *health;
	struct server server;
	bool ok;

	if (!check_options(options, err) || !read_thresholds(options, &thresholds, err))
		return false;
	health = memory_zeroed(sizeof(*health));
	ok = look(context, &server, health, err);
	if (options->nagios)
		ok = judge(health, ok, &thresholds, code, err);
	else
		ok = ok && print(health, &server, options->json, err);
	health_release(health);
	free(health);
	return ok;
}

const struct command command_status = {
	.name = "status",
	.usage = "status [OPTIONS]",
	.summary = "say whether runs happen, and what is due, on hold and waiting",
	.option = status_options,
	.bears_config = true, /* Nagios is answered all the same */
	.example = {
		{ "status", "the last runs, what is due, on hold and waiting" },
		{ "status --json", "the same for a program" },
		{ "status --nagios --warning 3h --critical 12h --warning-held 10", "a check for Nagios" },
	},
	.run = status_main,
};
