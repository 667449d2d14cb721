/* The forms in which the status is shown. */
#ifndef CMD_STATUS_VIEW_H
#define CMD_STATUS_VIEW_H

#include "db/server.h"
#include "db/health.h"

/* One document for a person, … */
void status_print_text(const struct health *health, const struct server *server);

/* … one for a program, … */
void status_print_json(const struct health *health, const struct server *server);

/* … and one line for Nagios, by its exit codes. */
enum nagios {
	NAGIOS_OK,
	NAGIOS_WARNING,
	NAGIOS_CRITICAL,
	NAGIOS_UNKNOWN
};

/* From these on. */
struct thresholds {
	int64_t warning_s; /* ages: of the oldest that is due, and of the last success */
	int64_t critical_s;
	int64_t warning_held;
	int64_t critical_held;
};

enum nagios status_print_nagios(const struct health *health, const struct thresholds *thresholds);

/* Likewise where there is nothing to judge by. */
enum nagios status_print_unknown(const struct error *err);

#endif
