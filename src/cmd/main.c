/* The program: global options, the choice of a command, and the one place that prints errors. */
#include "cmd/command.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/output.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command *const command[] = {
	&command_run,     &command_plan,   &command_history, &command_status,
	&command_metrics, &command_report, &command_prune,   &command_migrate,
};

#define COMMANDS (sizeof(command) / sizeof(command[0]))

/* What stands before the command. */
struct globals {
	const char *config_path;
	const char *conninfo;
	int verbosity; /* -1 quiet, 1 verbose */
	bool help;
	bool version;
};

static void print_usage(void)
{
	printf("usage: perennial [-c FILE] [-d CONNINFO] [-v] [-q] COMMAND [OPTIONS]\n\n"
	       "Renews, converts and expires subscriptions kept in PostgreSQL.\n\n"
	       "commands\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-24s %s\n", command[i]->name, command[i]->summary);
	printf("\noptions\n"
	       "  %-24s configuration file (default " SYSCONFDIR
	       "/perennial/perennial.conf, if it exists)\n"
	       "  %-24s connection string (default: the configuration's, then libpq's "
	       "environment)\n"
	       "  %-24s log each batch\n"
	       "  %-24s log warnings and errors only\n"
	       "  %-24s this text; after a command, the command's\n"
	       "  %-24s version of the program\n",
	       "-c, --config FILE", "-d, --database CONNINFO", "-v, --verbose", "-q, --quiet",
	       "-h, --help", "-V, --version");
}

static void print_command_usage(const struct command *c)
{
	printf("usage: perennial [-c FILE] [-d CONNINFO] [-v] [-q] %s\n\n%s\n\noptions\n", c->usage,
	       c->summary);
	options_print(c);
}

static bool parse_globals(int argc, char **argv, struct globals *globals, struct error *err)
{
	static const struct option option[] = {
		{ "config", required_argument, NULL, LONG_OPTIONS + 'c' },
		{ "database", required_argument, NULL, LONG_OPTIONS + 'd' },
		{ "verbose", no_argument, NULL, LONG_OPTIONS + 'v' },
		{ "quiet", no_argument, NULL, LONG_OPTIONS + 'q' },
		{ "help", no_argument, NULL, LONG_OPTIONS + 'h' },
		{ "version", no_argument, NULL, LONG_OPTIONS + 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:c:d:vqhV", option, NULL)) != -1) {
		if (c >= LONG_OPTIONS)
			c -= LONG_OPTIONS;
		if (c == 'c')
			globals->config_path = optarg;
		else if (c == 'd')
			globals->conninfo = optarg;
		else if (c == 'v' || c == 'q')
			globals->verbosity = c == 'v' ? 1 : -1;
		else if (c == 'h')
			globals->help = true;
		else if (c == 'V')
			globals->version = true;
		else
			return option_fault(c, argv, NULL, err);
	}
	return true;
}

static const struct command *find_command(const char *name, struct error *err)
{
	if (name == NULL) {
		fail(err, EXIT_USAGE, "a command is missing");
		return NULL;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(command[i]->name, name) == 0)
			return command[i];
	fail(err, EXIT_USAGE, "there is no command \"%s\"", name);
	return NULL;
}

static void open_log(const struct config *config, int verbosity)
{
	int level = config->log_level;

	if (verbosity != 0)
		level = verbosity > 0 ? LOG_DEBUG : LOG_WARNING;
	log_open(config->syslog_facility, level);
}

static bool run_command(const struct command *c, const struct globals *globals,
			struct context *context, enum exit_code *code, struct error *err)
{
	log_open(LOG_DAEMON, LOG_INFO);
	if (!config_load(globals->config_path, &context->config, err))
		return false;
	context->conninfo =
		globals->conninfo != NULL ? globals->conninfo : context->config.connection;
	open_log(&context->config, globals->verbosity);
	conn_defaults(c->writes);
	return c->run(context, code, err);
}

static bool parse_and_run(int argc, char **argv, struct context *context, enum exit_code *code,
			  struct error *err)
{
	struct globals globals = { 0 };
	const struct command *c;
	bool help = false;

	if (!parse_globals(argc, argv, &globals, err))
		return false;
	if (globals.help || globals.version) {
		if (globals.help)
			print_usage();
		else
			printf("perennial " PERENNIAL_VERSION "\n");
		return output_finish(err);
	}
	argc -= optind;
	argv += optind;
	c = find_command(argv[0], err);
	if (c == NULL || !options_parse(argc, argv, c, &context->options, &help, err))
		return false;
	if (!help)
		return run_command(c, &globals, context, code, err);
	print_command_usage(c);
	return output_finish(err);
}

/* Wrong usage is a matter between the program and whoever typed it; anything else is logged too. */
static void print_error(struct error *err)
{
	if (err->code != EXIT_USAGE)
		log_failure(err);
	if (err->code != EXIT_USAGE && log_stderr_is_journal())
		return;
	text_clean(err->message, true);
	text_clean(err->hint, true);
	fprintf(stderr, "perennial: %s\n", err->message);
	if (err->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", err->hint);
	else if (err->code == EXIT_USAGE)
		fprintf(stderr,
			"hint: perennial --help lists the commands, perennial COMMAND --help "
			"their options\n");
}

/* A socket that gets the number of a closed standard file would be read and written as that file.
 * Writing to a standard output that was closed is an error, and stays one. */
static void open_standard_files(void)
{
	static const int flags[] = { O_RDONLY, O_RDONLY, O_RDWR };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", flags[fd]) != fd)
			_exit(EXIT_INTERNAL);
}

int main(int argc, char **argv)
{
	struct context context = { 0 };
	struct error err = { 0 };
	enum exit_code code = EXIT_DONE;
	bool ok;

	open_standard_files();
	signal(SIGPIPE, SIG_IGN);
	ok = parse_and_run(argc, argv, &context, &code, &err);
	if (!ok)
		print_error(&err);
	config_release(&context.config);
	return (int)(ok ? code : err.code);
}
