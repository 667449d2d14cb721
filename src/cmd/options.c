/* Options of the command line: the table, and reading by it. */
#include "cmd/options.h"
#include "base/instant.h"
#include "cmd/command.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum value {
	VALUE_NONE,
	VALUE_NUMBER,
	VALUE_INSTANT,
	VALUE_AGE,
	VALUE_FORMAT,
	VALUE_TEXT,
};

static const struct option_row {
	const char *name;
	const char *argument;
	enum value value;
	int64_t min, max; /* of a number */
	size_t at;        /* in struct options */
	const char *help;
} option_row[OPTIONS] = {
	[OPTION_AS_OF] = { "as-of", "TIME", VALUE_INSTANT, 0, 0, offsetof(struct options, as_of_us),
			   "as of this instant (ISO 8601, UTC unless it says otherwise)" },
	[OPTION_ALLOW_FUTURE] = { "allow-future", NULL, VALUE_NONE, 0, 0,
				  offsetof(struct options, allow_future),
				  "accept an --as-of later than the server's clock" },
	[OPTION_WORKERS] = { "workers", "N", VALUE_NUMBER, 1, 64, offsetof(struct options, workers),
			     "work on N connections at a time, 1 to 64" },
	[OPTION_BATCH_SIZE] = { "batch-size", "N", VALUE_NUMBER, 1, 10000,
				offsetof(struct options, batch_size),
				"subscriptions a transaction, 1 to 10000" },
	[OPTION_LIMIT] = { "limit", "N", VALUE_NUMBER, 1, INT64_MAX,
			   offsetof(struct options, limit), "stop after N subscriptions" },
	[OPTION_SUBSCRIPTION] = { "subscription", "ID", VALUE_NUMBER, 1, INT64_MAX,
				  offsetof(struct options, subscription_id),
				  "only this subscription" },
	[OPTION_DRY_RUN] = { "dry-run", NULL, VALUE_NONE, 0, 0, offsetof(struct options, dry_run),
			     "the same as plan: write nothing" },
	[OPTION_FORMAT] = { "format", "F", VALUE_FORMAT, 0, 0, offsetof(struct options, format),
			    NULL },
	[OPTION_DETAILED_EXITCODE] = { "detailed-exitcode", NULL, VALUE_NONE, 0, 0,
				       offsetof(struct options, detailed_exitcode),
				       "exit 2 when there is work, 0 when there is none" },
	[OPTION_PRINT] = { "print", NULL, VALUE_NONE, 0, 0, offsetof(struct options, print),
			   "print the SQL instead; needs no server" },
	[OPTION_OLDER_THAN] = { "older-than", "AGE", VALUE_AGE, 0, 0,
				offsetof(struct options, older_than_us),
				"finished so long ago: a number with min, h, d or w, as 90d" },
	[OPTION_PERIOD] = { "period", "PERIOD", VALUE_TEXT, 0, 0, offsetof(struct options, period),
			    "2026-10, 2026-Q4 or 2026 (default: the last month that has ended)" },
	[OPTION_FROM] = { "from", "DATE", VALUE_TEXT, 0, 0, offsetof(struct options, from),
			  "from this day on, with --to" },
	[OPTION_TO] = { "to", "DATE", VALUE_TEXT, 0, 0, offsetof(struct options, to),
			"until before this day" },
	[OPTION_CURRENCY] = { "currency", "CODE", VALUE_TEXT, 0, 0,
			      offsetof(struct options, currency), "only what is in this currency" },
	[OPTION_PLAN] = { "plan", "CODE", VALUE_TEXT, 0, 0, offsetof(struct options, plan),
			  "only what is of this plan" },
	[OPTION_DETAIL] = { "detail", NULL, VALUE_NONE, 0, 0, offsetof(struct options, detail),
			    "of billed and tieout: row by row" },
	[OPTION_OUTPUT] = { "output", "FILE", VALUE_TEXT, 0, 0, offsetof(struct options, output),
			    "write to this file, in one step at the end" },
	[OPTION_MANIFEST] = { "manifest", NULL, VALUE_NONE, 0, 0,
			      offsetof(struct options, manifest),
			      "with --output: also FILE.manifest.json, with counts and sums" },
};

static const char *const format_names[FORMATS] = { "text",  "table", "json",
						   "jsonl", "csv",   "hledger" };

const char *format_name(enum format format)
{
	return format_names[format];
}

/* Writes "text, json or csv". */
static const char *list_formats(unsigned formats, char *buffer, size_t size)
{
	size_t n = 0;

	buffer[0] = '\0';
	for (int f = 0; f < FORMATS; f++) {
		const char *separator = n == 0 ? "" : formats >> (f + 1) != 0 ? ", " : " or ";

		if (formats & 1U << f)
			n += (size_t)snprintf(buffer + n, size - n, "%s%s", separator,
					      format_names[f]);
	}
	return buffer;
}

/* A whole number; what follows it is *rest. */
static bool read_number(const char *text, int64_t *value, const char **rest)
{
	char *end;
	long long number;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	*rest = end;
	if (errno != 0)
		return false;
	*value = number;
	return true;
}

static bool set_number(const struct option_row *row, const char *text, int64_t *value,
		       struct error *err)
{
	const char *rest;
	int64_t number;

	if (!read_number(text, &number, &rest) || *rest != '\0' || number < row->min ||
	    number > row->max) {
		if (row->max == INT64_MAX)
			return fail(err, EXIT_USAGE,
				    "--%s takes a whole number from %lld on, not \"%s\"", row->name,
				    (long long)row->min, text);
		return fail(err, EXIT_USAGE,
			    "--%s takes a whole number from %lld to %lld, not \"%s\"", row->name,
			    (long long)row->min, (long long)row->max, text);
	}
	*value = number;
	return true;
}

static bool set_instant(const struct option_row *row, const char *text, int64_t *value,
			struct error *err)
{
	int64_t instant;

	if (!instant_parse(text, &instant)) {
		fail(err, EXIT_USAGE, "--%s: \"%s\" is not a time", row->name, text);
		return fail_hint(
			err,
			"write it like 2026-11-23, 2026-11-23T02:00:00Z or 2026-11-23T03:00+01:00");
	}
	if (instant < INSTANT_AS_OF_MIN || instant > INSTANT_AS_OF_MAX)
		return fail(err, EXIT_USAGE, "--%s: %s is not within the years 2000 to 2999",
			    row->name, text);
	*value = instant;
	return true;
}

static bool set_age(const struct option_row *row, const char *text, int64_t *value,
		    struct error *err)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} unit[] = { { "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	const int64_t most = INT64_C(1000) * 366 * 86400;
	const char *rest;
	int64_t number;

	if (read_number(text, &number, &rest) && number >= 0)
		for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
			if (strcmp(rest, unit[i].name) == 0 && number <= most / unit[i].seconds) {
				*value = number * unit[i].seconds * INSTANT_PER_SECOND;
				return true;
			}
	return fail(err, EXIT_USAGE,
		    "--%s takes a whole number with min, h, d or w, as 90d, not \"%s\"", row->name,
		    text);
}

static bool set_format(const char *text, unsigned formats, enum format *format, struct error *err)
{
	char list[60];

	for (int f = 0; f < FORMATS; f++)
		if (formats & 1U << f && strcmp(text, format_names[f]) == 0) {
			*format = (enum format)f;
			return true;
		}
	return fail(err, EXIT_USAGE, "--format takes %s, not \"%s\"",
		    list_formats(formats, list, sizeof(list)), text);
}

static bool set_option(enum option_id id, const char *text, unsigned formats,
		       struct options *options, struct error *err)
{
	const struct option_row *row = &option_row[id];
	void *at = (char *)options + row->at;

	switch (row->value) {
	case VALUE_NONE:
		*(bool *)at = true;
		return true;
	case VALUE_NUMBER:
		return set_number(row, text, at, err);
	case VALUE_FORMAT:
		return set_format(text, formats, at, err);
	case VALUE_AGE:
		options->older_than_given = true;
		return set_age(row, text, at, err);
	case VALUE_TEXT:
		*(const char **)at = text;
		return true;
	case VALUE_INSTANT:
		options->as_of_given = true;
		return set_instant(row, text, at, err);
	}
	return false;
}

static void fill_long_options(const enum option_id *option, struct option *out)
{
	for (; *option != OPTION_END; option++)
		*out++ = (struct option){
			.name = option_row[*option].name,
			.has_arg = option_row[*option].argument != NULL ? required_argument
									: no_argument,
			.val = LONG_OPTIONS + (int)*option,
		};
	*out++ = (struct option){ .name = "help", .val = 'h' };
	*out = (struct option){ 0 };
}

bool option_fault(int found, char **argv, const char *command, struct error *err)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	/* A letter may stand among others, as in -xv; only a long option is a word of its own. */
	const char *option = optopt > ' ' && optopt < LONG_OPTIONS ? letter : argv[optind - 1];

	if (found == ':')
		return fail(err, EXIT_USAGE, "%s needs a value", option);
	if (command == NULL)
		return fail(err, EXIT_USAGE, "there is no option %s", option);
	return fail(err, EXIT_USAGE, "%s has no option %s", command, option);
}

static bool set_id(const char *text, const struct command *command, struct options *options,
		   struct error *err)
{
	const char *rest;

	if (text == NULL)
		return fail(err, EXIT_USAGE, "%s needs the id of a subscription", command->name);
	if (!read_number(text, &options->id, &rest) || *rest != '\0' || options->id < 1)
		return fail(err, EXIT_USAGE, "%s takes the id of a subscription, not \"%s\"",
			    command->name, text);
	return true;
}

/* What is left after the options. */
static bool set_arguments(char **argv, const struct command *command, struct options *options,
			  struct error *err)
{
	if (command->takes_id && !set_id(*argv, command, options, err))
		return false;
	if (command->takes_name)
		options->name = *argv;
	if (command->takes_id || (command->takes_name && *argv != NULL))
		argv++;
	return *argv == NULL ||
	       fail(err, EXIT_USAGE, "%s takes no argument \"%s\"", command->name, *argv);
}

bool options_parse(int argc, char **argv, const struct command *command, struct options *options,
		   bool *help, struct error *err)
{
	struct option long_option[OPTIONS + 2];
	int c;

	fill_long_options(command->option, long_option);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", long_option, NULL)) != -1) {
		if (c == 'h') {
			*help = true;
			return true;
		}
		if (c == ':' || c == '?')
			return option_fault(c, argv, argv[0], err);
		if (!set_option((enum option_id)(c - LONG_OPTIONS), optarg, command->formats,
				options, err))
			return false;
	}
	return set_arguments(argv + optind, command, options, err);
}

void options_print(const struct command *command)
{
	const enum option_id *option = command->option;
	char list[60], left[40];

	for (; *option != OPTION_END; option++) {
		const struct option_row *row = &option_row[*option];
		const char *help = row->help != NULL
					   ? row->help
					   : list_formats(command->formats, list, sizeof(list));

		snprintf(left, sizeof(left), "--%s%s%s", row->name,
			 row->argument != NULL ? " " : "",
			 row->argument != NULL ? row->argument : "");
		printf("  %-24s %s\n", left, help);
	}
	printf("  %-24s %s\n", "-h, --help", "this text");
	if (command->print_more != NULL)
		command->print_more();
}
