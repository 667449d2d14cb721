/* The metrics in the text format of Prometheus. */
#ifndef CMD_METRICS_VIEW_H
#define CMD_METRICS_VIEW_H

#include "db/health.h"

#include <stdio.h>

struct metrics {
	const struct health *health;
	const int64_t *failed_checks; /* of the last month's tie-out; NULL: it was not asked for */
};

void metrics_print(FILE *to, const struct metrics *metrics);

#endif
