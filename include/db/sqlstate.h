/* SQLSTATEs: what each means for a batch, and for the exit code where nothing helps. */
#ifndef DB_SQLSTATE_H
#define DB_SQLSTATE_H

#include "base/error.h"

struct sqlstate_meaning {
	enum fault fault;
	enum exit_code code;
};

/* One that is not known, or none at all, is taken for the environment's: nothing is ever put on
 * hold for it. */
struct sqlstate_meaning sqlstate_meaning(const char *sqlstate);

#endif
