/* The tie-out as one number. */
#ifndef REPORT_TIEOUT_H
#define REPORT_TIEOUT_H

#include "db/conn.h"

/* How many checks of the last month that has ended, by this zone, fail. */
bool tieout_failed_checks(struct conn *conn, const char *time_zone, int64_t *failed,
			  struct error *err) MUST_CHECK;

#endif
