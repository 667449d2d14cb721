/* A run, from its start to how it is shown. */
#ifndef CMD_RUN_VIEW_H
#define CMD_RUN_VIEW_H

#include "core/totals.h"
#include "db/currencies.h"
#include "db/due.h"
#include "run/worker.h"

struct run {
	struct work work;
	struct work_done done;
	struct due left; /* what is due after it */
	struct totals totals;
	struct currencies currencies;
	int64_t started_ms;
	enum exit_code code;
};

/* The result as stored in the run's row: done, held, left or failed. */
const char *run_result(enum exit_code code);

void run_print_text(const struct run *run);
void run_print_json(const struct run *run);

#endif
