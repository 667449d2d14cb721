/* A run, from its start to how it is shown. */
#ifndef CMD_RUN_VIEW_H
#define CMD_RUN_VIEW_H

#include "db/currencies.h"
#include "db/run_row.h"

struct run {
	int64_t run_id;
	int64_t as_of_us;
	struct run_sums sums;
	int64_t failed;         /* rows that the server refused, and their hold too */
	struct due left;        /* what is due after it */
	const char *stopped_by; /* NULL: it went on until nothing could be claimed */
	struct currencies currencies;
	enum exit_code code;
};

/* The result as stored in the run's row: done, held, left, limit or failed. */
const char *run_result(enum exit_code code);

#define RUN_STATUS_SIZE 200

/* One line on how it ended, for systemd.  Returns buffer. */
const char *run_status(const struct run *run, char buffer[RUN_STATUS_SIZE]);

void run_print_text(const struct run *run);
void run_print_json(const struct run *run);

#endif
