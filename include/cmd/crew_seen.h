/* The crew of a run at work, seen. */
#ifndef CMD_CREW_SEEN_H
#define CMD_CREW_SEEN_H

#include "run/crew.h"

/* As crew_run, and shows how far it has come. */
bool crew_run_seen(struct crew *crew, int workers, bool quiet, struct error *err) MUST_CHECK;

#endif
