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
	OPTION_ALLOW_OVER,
	OPTION_ALLOW_REASON, /* of passing a limit; … */
	OPTION_FORMAT,
	OPTION_HORIZON,
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
	OPTION_METRICS_OUTPUT,
	OPTION_TIEOUT,
	OPTION_HOLD_REASON, /* … of a hold; … */
	OPTION_REASON,      /* … and those that have it */
	OPTION_ALL,
	OPTION_NOTE,
	OPTION_CATCH_UP,
	OPTION_YES,
	OPTION_JSON,
	OPTION_NAGIOS,
	OPTION_WARNING,
	OPTION_CRITICAL,
	OPTION_WARNING_HELD,
	OPTION_CRITICAL_HELD,
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
	int64_t as_of_us;
	int64_t workers;         /* 0: as configured */
	int64_t batch_size;      /* likewise */
	int64_t limit;           /* 0: none */
	int64_t subscription_id; /* 0: all */
	int64_t horizon_us;
	int64_t older_than_us;
	int64_t warning_us;
	int64_t critical_us;
	int64_t warning_held;
	int64_t critical_held;
	const char *allow_over; /* NULL: not given; so are all texts */
	const char *reason;
	const char *note;
	const char *period;
	const char *from;
	const char *to;
	const char *currency;
	const char *plan;
	const char *output;

	/* The arguments: what the command takes. */
	int64_t id;         /* a subscription, */
	const char *name;   /* or a name, */
	char *const *id_of; /* or several subscriptions: checked texts, … */
	int ids;            /* … so many, for options_id */

	enum format format;
	bool allow_future;
	bool dry_run;
	bool detailed_exitcode;
	bool print;
	bool detail;
	bool manifest;
	bool tieout;
	bool all;
	bool catch_up;
	bool yes;
	bool json;
	bool nagios;
	bool given[OPTIONS];
};

struct command;
struct option;

/* Reads a command's own arguments.  *help is set at -h, and the rest is then not read.  False with
 * EXIT_USAGE. */
bool options_parse(int argc, char **argv, const struct command *command, struct options *options,
		   bool *help, struct error *err) MUST_CHECK;

/* The i-th of several subscriptions. */
int64_t options_id(const struct options *options, int i);

/* What getopt found wrong: an option ('?') that is not among the long ones of the command, or of
 * the program (NULL), or has a value that it does not take; or one without its value (':').  Always
 * false. */
bool option_fault(int found, char **argv, const char *command, const struct option *long_option,
		  struct error *err);

/* Prints a line for each option of a command to stdout. */
void options_print(const struct command *command);

#endif
