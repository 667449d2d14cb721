/* The program: global options, the choice of a command, and the one place that prints errors. */
#include "cmd/command.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/text.h"
#include "cmd/color.h"
#include "cmd/output.h"
#include "db/schema.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What stands before the command. */
struct globals {
	const char *config_path;
	const char *conninfo;
	const char *color; /* when */
	int verbosity;     /* -1 quiet, 1 verbose */
	bool help;
	bool version;
};

/* An option without a letter. */
#define COLOR 1

#define USAGE_GLOBALS "[-c FILE] [-d CONNINFO] [-v] [-q] [--color WHEN]"

static void print_usage(void)
{
	printf("usage: perennial " USAGE_GLOBALS " COMMAND [OPTIONS]\n\n"
	       "Renews, converts and expires subscriptions kept in PostgreSQL.\n\n"
	       "commands\n");
	for (int i = 0; i < command_count; i++)
		printf("  %-24s %s\n", commands[i]->name, commands[i]->summary);
	printf("\noptions\n"
	       "  %-24s configuration file (default " SYSCONFDIR
	       "/perennial/perennial.conf, if it exists)\n"
	       "  %-24s connection string (default: as configured, then libpq's "
	       "environment)\n"
	       "  %-24s log each batch\n"
	       "  %-24s log warnings and errors only, and show no progress\n"
	       "  %-24s colour: auto (on a terminal), always or never\n"
	       "  %-24s this text; after a command, the command's\n"
	       "  %-24s version of the program, its libraries and its schema\n",
	       "-c, --config FILE", "-d, --database CONNINFO", "-v, --verbose", "-q, --quiet",
	       "--color WHEN", "-h, --help", "-V, --version");
}

static void print_command_usage(const struct command *c)
{
	printf("usage: perennial " USAGE_GLOBALS " %s\n\n%s\n\noptions\n", c->usage, c->summary);
	options_print(c);
}

static void print_version(void)
{
	int libpq = conn_library_version();

	printf("perennial " PERENNIAL_VERSION "\nlibpq %d.%d\nlibconfig %s\nschema %d\n",
	       libpq / 10000, libpq % 10000, config_library_version(), schema_version());
}

/* False for an option that there is not. */
static bool set_global(struct globals *globals, int option)
{
	switch (option) {
	case 'c':
		globals->config_path = optarg;
		return true;
	case 'd':
		globals->conninfo = optarg;
		return true;
	case 'v':
	case 'q':
		globals->verbosity = option == 'v' ? 1 : -1;
		return true;
	case COLOR:
		globals->color = optarg;
		return true;
	case 'h':
		globals->help = true;
		return true;
	case 'V':
		globals->version = true;
		return true;
	default:
		return false;
	}
}

static bool parse_globals(int argc, char **argv, struct globals *globals, struct error *err)
{
	static const struct option option[] = {
		{ "config", required_argument, NULL, LONG_OPTIONS + 'c' },
		{ "database", required_argument, NULL, LONG_OPTIONS + 'd' },
		{ "verbose", no_argument, NULL, LONG_OPTIONS + 'v' },
		{ "quiet", no_argument, NULL, LONG_OPTIONS + 'q' },
		{ "color", required_argument, NULL, LONG_OPTIONS + COLOR },
		{ "help", no_argument, NULL, LONG_OPTIONS + 'h' },
		{ "version", no_argument, NULL, LONG_OPTIONS + 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:c:d:vqhV", option, NULL)) != -1)
		if (!set_global(globals, c < LONG_OPTIONS ? c : c - LONG_OPTIONS))
			return option_fault(c, argv, NULL, option, err);
	return color_choose(globals->color) ||
	       fail(err, EXIT_USAGE, "--color takes auto, always or never, not \"%s\"",
		    globals->color);
}

static const struct command *find_command(const char *name, struct error *err)
{
	struct text_nearest nearest = { .typed = name };

	if (name == NULL) {
		fail(err, EXIT_USAGE, "a command is missing");
		return NULL;
	}
	for (int i = 0; i < command_count; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		text_consider(&nearest, commands[i]->name);
	}
	fail(err, EXIT_USAGE, "there is no command \"%s\"", name);
	if (nearest.name != NULL)
		fail_hint(err, "did you mean %s?", nearest.name);
	return NULL;
}

static void open_log(const struct config *config, int verbosity)
{
	int level = config->log_level;

	if (verbosity != 0)
		level = verbosity > 0 ? LOG_DEBUG : LOG_WARNING;
	log_open(config->syslog_facility, level);
}

/* False where the configuration has problems and the command is not the one to tell them. */
static bool load_config(const struct command *c, const char *path, struct context *context,
			struct error *err)
{
	if (config_load(path, &context->config, c->bears_config ? &context->config_error : err) ||
	    c->bears_config)
		return true;
	if (context->config.problems != NULL)
		fputs(context->config.problems, stderr);
	return false;
}

static bool run_command(const struct command *c, const struct globals *globals,
			struct context *context, enum exit_code *code, struct error *err)
{
	log_open(LOG_DAEMON, LOG_INFO);
	if (!load_config(c, globals->config_path, context, err))
		return false;
	context->conninfo =
		globals->conninfo != NULL ? globals->conninfo : context->config.connection;
	context->quiet = globals->verbosity < 0;
	open_log(&context->config, globals->verbosity);
	conn_defaults(c->writes);
	return c->run(context, code, err);
}

static bool parse_and_run(int argc, char **argv, struct context *context, enum exit_code *code,
			  struct error *err)
{
	struct globals globals = { .color = "auto" };
	const struct command *c;
	bool help = false;

	if (!parse_globals(argc, argv, &globals, err))
		return false;
	if (globals.help || globals.version) {
		if (globals.help)
			print_usage();
		else
			print_version();
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
	if (err->message[0] == '\0')
		return;
	if (err->code != EXIT_USAGE) {
		log_failure(err);
		notify_status(err->message);
	}
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
