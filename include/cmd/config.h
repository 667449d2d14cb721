/* The configuration: one file, read by a table of keys with their kinds, bounds and defaults. */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CONFIG_TEXT_SIZE 512

struct config {
	char connection[CONFIG_TEXT_SIZE];
	bool prepared_statements;
	int workers;
	int batch_size;
	int64_t deadline_ms;
	int64_t retry_for_ms;
	int64_t statement_timeout_ms;
	int64_t lock_timeout_ms;
	int max_periods;
	int max_held;
	char report_time_zone[CONFIG_TEXT_SIZE];
	/* Accounts of the journal. */
	char receivable[CONFIG_TEXT_SIZE];
	char deferred[CONFIG_TEXT_SIZE];
	char revenue[CONFIG_TEXT_SIZE];
	char opening[CONFIG_TEXT_SIZE];
	char metrics_file[CONFIG_TEXT_SIZE]; /* empty: none */
	int syslog_facility;                 /* LOG_DAEMON, … */
	int log_level;                       /* LOG_INFO, … */
	char *text;                          /* of the file, NULL without one */
	size_t text_size;
};

void config_release(struct config *config);

/* Reads the file into *config, which is zeroed; NULL means the default one if it exists.  Each
 * problem is one line of stderr, with file and line; false with EXIT_CONFIG when there was one. */
bool config_load(const char *path, struct config *config, struct error *err) MUST_CHECK;

#endif
