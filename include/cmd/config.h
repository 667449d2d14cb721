/* The configuration: one file, read by a table of keys with their kinds, bounds and defaults. */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include "base/error.h"
#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

#define CONFIG_TEXT_SIZE 512

struct config {
	char connection[CONFIG_TEXT_SIZE];
	bool prepared_statements;
	int workers;
	int batch_size;
	int max_rows_per_second; /* 0: no limit */
	int64_t deadline_ms;
	int64_t retry_for_ms;
	int64_t statement_timeout_ms;
	int64_t lock_timeout_ms;
	int max_periods;
	int max_held;
	int max_expired;
	/* limits.max_amount: decimal text and currency, checked in form only. */
	struct config_amount {
		char decimal[24];
		char currency[4];
	} max_amount[LIMIT_AMOUNTS_MAX];
	int max_amounts;
	char report_time_zone[CONFIG_TEXT_SIZE];
	/* Accounts of the journal. */
	char receivable[CONFIG_TEXT_SIZE];
	char deferred[CONFIG_TEXT_SIZE];
	char revenue[CONFIG_TEXT_SIZE];
	char opening[CONFIG_TEXT_SIZE];
	char metrics_file[CONFIG_TEXT_SIZE]; /* empty: none */
	int syslog_facility;                 /* LOG_DAEMON, … */
	int log_level;                       /* LOG_INFO, … */
	const char *path; /* of the file: the one that was named, or the default one */
	char *text;       /* of the file, NULL without one */
	size_t text_size;
	char *problems; /* a line for each, with file and line; NULL: none */
};

/* Of libconfig, as "1.5.0". */
const char *config_library_version(void);

void config_release(struct config *config);

/* Reads the file into *config, which is zeroed; NULL means the default one if it exists.  False
 * with EXIT_CONFIG where it cannot be read or has problems: what is wrong then has its default. */
bool config_load(const char *path, struct config *config, struct error *err) MUST_CHECK;

#endif
