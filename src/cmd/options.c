/* Options of the command line: reading by the table. */
#include "cmd/options.h"
#include "base/instant.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/option_row.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	if (instant < row->min || instant > row->max)
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

	if (read_number(text, &number, &rest) && number >= row->min)
		for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
			if (strcmp(rest, unit[i].name) == 0 && number <= most / unit[i].seconds) {
				*value = number * unit[i].seconds * INSTANT_PER_SECOND;
				return true;
			}
	return fail(err, EXIT_USAGE,
		    "--%s takes a whole number with min, h, d or w, as 90d, not \"%s\"", row->name,
		    text);
}

static bool set_line(const struct option_row *row, const char *text, const char **value,
		     struct error *err)
{
	bool is_blank = text[strspn(text, " ")] == '\0';
	size_t size = strlen(text);

	if (!text_is_line(text) || is_blank || size > (size_t)row->max)
		return fail(err, EXIT_USAGE,
			    "--%s takes one line of text, of 1 to %lld bytes, not only blanks",
			    row->name, (long long)row->max);
	*value = text;
	return true;
}

static bool set_format(const char *text, unsigned formats, enum format *format, struct error *err)
{
	struct text_nearest nearest = { .typed = text };
	char list[60];

	for (int f = 0; f < FORMATS; f++) {
		if (!(formats & 1U << f))
			continue;
		if (strcmp(text, format_names[f]) == 0) {
			*format = (enum format)f;
			return true;
		}
		text_consider(&nearest, format_names[f]);
	}
	fail(err, EXIT_USAGE, "--format takes %s, not \"%s\"",
	     list_formats(formats, list, sizeof(list)), text);
	if (nearest.name != NULL)
		fail_hint(err, "did you mean %s?", nearest.name);
	return false;
}

static bool set_option(enum option_id id, const char *text, unsigned formats,
		       struct options *options, struct error *err)
{
	const struct option_row *row = &option_row[id];
	void *at = (char *)options + row->at;

	options->given[id] = true;
	switch (row->value) {
	case VALUE_NONE:
		*(bool *)at = true;
		return true;
	case VALUE_NUMBER:
		return set_number(row, text, at, err);
	case VALUE_INSTANT:
		return set_instant(row, text, at, err);
	case VALUE_AGE:
		return set_age(row, text, at, err);
	case VALUE_FORMAT:
		return set_format(text, formats, at, err);
	case VALUE_TEXT:
		*(const char **)at = text;
		return true;
	case VALUE_LINE:
		return set_line(row, text, at, err);
	}
	return false;
}

/* Above every option of a command. */
#define LONG_HELP (LONG_OPTIONS + OPTIONS)

static void fill_long_options(const enum option_id *option, struct option *out)
{
	for (; *option != OPTION_END; option++)
		*out++ = (struct option){
			.name = option_row[*option].name,
			.has_arg = option_row[*option].argument != NULL ? required_argument
									: no_argument,
			.val = LONG_OPTIONS + (int)*option,
		};
	*out++ = (struct option){ .name = "help", .val = LONG_HELP };
	*out = (struct option){ 0 };
}

/* The options that begin with name: "--warning or --warning-held".  Returns how
 * many there are. */
static int list_options(const char *name, const struct option *long_option, char *buffer,
			size_t size)
{
	const char *last = NULL;
	size_t n = 0;
	int count = 0;

	for (; long_option->name != NULL; long_option++) {
		if (strncmp(long_option->name, name, strlen(name)) != 0)
			continue;
		if (last != NULL && n < size)
			n += (size_t)snprintf(buffer + n, size - n, "%s--%s", count > 1 ? ", " : "",
					      last);
		last = long_option->name;
		count++;
	}
	if (last != NULL && n < size)
		snprintf(buffer + n, size - n, "%s--%s", count > 1 ? " or " : "", last);
	return count;
}

/* An option that there is not, as it was written.  A long one may be the beginning of several, or
 * near another. */
static bool no_option(const char *written, const char *command, const struct option *long_option,
		      struct error *err)
{
	char name[40] = "", list[400];
	struct text_nearest nearest = { .typed = name };

	if (strncmp(written, "--", 2) == 0)
		text_cut(name, sizeof(name), written + 2);
	name[strcspn(name, "=")] = '\0';
	if (name[0] != '\0' && list_options(name, long_option, list, sizeof(list)) > 1)
		return fail(err, EXIT_USAGE, "--%s could be %s", name, list);
	if (command == NULL)
		fail(err, EXIT_USAGE, "there is no option %s", written);
	else
		fail(err, EXIT_USAGE, "%s has no option %s", command, written);
	for (; long_option->name != NULL; long_option++)
		text_consider(&nearest, long_option->name);
	if (nearest.name != NULL)
		fail_hint(err, "did you mean --%s?", nearest.name);
	return false;
}

bool option_fault(int found, char **argv, const char *command, const struct option *long_option,
		  struct error *err)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	/* A letter may stand among others, as in -xv; only a long option is a word of its own. */
	const char *written = optopt > ' ' && optopt < LONG_OPTIONS ? letter : argv[optind - 1];

	if (found == ':')
		return fail(err, EXIT_USAGE, "%s needs a value", written);
	/* getopt knows it, and found a value. */
	if (optopt >= LONG_OPTIONS)
		return fail(err, EXIT_USAGE, "%.*s takes no value", (int)strcspn(written, "="),
			    written);
	return no_option(written, command, long_option, err);
}

static bool set_id(const char *text, const struct command *command, int64_t *id, struct error *err)
{
	const char *rest;

	if (!read_number(text, id, &rest) || *rest != '\0' || *id < 1)
		return fail(err, EXIT_USAGE, "%s takes the id of a subscription, not \"%s\"",
			    command->name, text);
	return true;
}

int64_t options_id(const struct options *options, int i)
{
	return strtoll(options->id_of[i], NULL, 10);
}

/* What is left after the options. */
static bool set_arguments(char **argv, const struct command *command, struct options *options,
			  struct error *err)
{
	int64_t id;

	if (command->takes == TAKES_IDS) {
		options->id_of = argv;
		for (; *argv != NULL; argv++, options->ids++)
			if (!set_id(*argv, command, &id, err))
				return false;
	} else if (command->takes == TAKES_ID) {
		if (*argv == NULL)
			return fail(err, EXIT_USAGE, "%s needs the id of a subscription",
				    command->name);
		if (!set_id(*argv++, command, &options->id, err))
			return false;
	} else if (command->takes == TAKES_NAME && *argv != NULL) {
		options->name = *argv++;
	}
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
		if (c == 'h' || c == LONG_HELP) {
			*help = true;
			return true;
		}
		if (c == ':' || c == '?')
			return option_fault(c, argv, argv[0], long_option, err);
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
	printf("\nexamples\n");
	for (int i = 0; i < EXAMPLES; i++)
		printf("  perennial %s\n      %s\n", command->example[i].line,
		       command->example[i].does);
}
