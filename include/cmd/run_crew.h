/* The crew of a run at work, seen. */
#ifndef CMD_RUN_CREW_H
#define CMD_RUN_CREW_H

#include "run/crew.h"

/* As crew_run, and shows how far it has come. */
bool run_crew(struct crew *crew, int workers, bool quiet, struct error *err) MUST_CHECK;

#endif
