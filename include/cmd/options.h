/* Options of the command line: one table tells what each is called, takes and means, and serves
 * parsing and --help alike.  A command lists which of them it has. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "base/error.h"

#include <stdint.h>

/* getopt answers long options from here on, above every letter, and so tells which way one was
 * written. */
#define LONG_OPTIONS 256

enum option_id {
	OPTION_END,
	OPTION_AS_OF,
	OPTION_ALLOW_FUTURE,
	OPTION_WORKERS,
	OPTION_BATCH_SIZE,
	OPTION_LIMIT,
	OPTION_SUBSCRIPTION,
	OPTION_DRY_RUN,
	OPTION_FORMAT,
	OPTION_DETAILED_EXITCODE,
	OPTION_PRINT,
	OPTION_OLDER_THAN,
	OPTION_PERIOD,
	OPTION_FROM,
	OPTION_TO,
	OPTION_CURRENCY,
	OPTION_PLAN,
	OPTION_DETAIL,
	OPTION_OUTPUT,
	OPTION_MANIFEST,
	OPTIONS,
};

enum format {
	FORMAT_TEXT,
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_CSV,
	FORMAT_HLEDGER,
	FORMATS,
};

/* As --format has it. */
const char *format_name(enum format format);

struct options {
	bool as_of_given;
	int64_t as_of_us;
	bool allow_future;
	int64_t workers;         /* 0: as configured */
	int64_t batch_size;      /* likewise */
	int64_t limit;           /* 0: none */
	int64_t subscription_id; /* 0: all */
	int64_t id;              /* the argument of a command that takes a subscription */
	bool dry_run;
	enum format format;
	bool detailed_exitcode;
	bool print;
	bool older_than_given;
	int64_t older_than_us;
	const char *name;   /* the argument of a command that takes one; NULL: not given */
	const char *period; /* NULL: not given; so are those that follow */
	const char *from;
	const char *to;
	const char *currency;
	const char *plan;
	const char *output;
	bool detail;
	bool manifest;
};

struct command;

/* Reads a command's own arguments.  *help is set at -h, and the rest is then not read.  False with
 * EXIT_USAGE. */
bool options_parse(int argc, char **argv, const struct command *command, struct options *options,
		   bool *help, struct error *err) MUST_CHECK;

/* What getopt found wrong: an unknown option ('?') of the command, or of the program (NULL), or one
 * without its value (':').  Always false. */
bool option_fault(int found, char **argv, const char *command, struct error *err);

/* Prints a line for each option of a command to stdout. */
void options_print(const struct command *command);

#endif
