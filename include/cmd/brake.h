/* The brake of a run: what limits.max_expired and limits.max_amount hold against a plan of what is
 * due, before the first batch. */
#ifndef CMD_BRAKE_H
#define CMD_BRAKE_H

#include "cmd/command.h"
#include "run/batch.h"

/* Makes the plan, if a limit that may not be passed asks for one.  False with EXIT_LIMIT where one
 * would be; *over is then the name of the first.  A stop that is asked for meanwhile ends it
 * without an error: there is then nothing to check. */
bool brake_check(const struct context *context, const struct work *work, struct stop *stop,
		 struct conn *conn, char over[LIMIT_NAME_SIZE], struct error *err) MUST_CHECK;

#endif
