/* A plan in the making, seen. */
#ifndef CMD_PLAN_SEEN_H
#define CMD_PLAN_SEEN_H

#include "run/plan.h"

/* As plan_make, and shows how far it has come, unless its rows go to the same terminal. */
bool plan_make_seen(struct conn *conn, const struct plan_request *request, bool quiet,
		    struct plan *plan, struct error *err) MUST_CHECK;

#endif
