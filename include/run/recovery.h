/* Recovery: waiting after a fault, and connecting anew, within a budget of time. */
#ifndef RUN_RECOVERY_H
#define RUN_RECOVERY_H

#include "db/conn.h"
#include "run/stop.h"

/* One for each worker. */
struct recovery {
	int64_t budget_ms; /* from the first fault on, until something succeeds again */
	struct stop *stop;
	enum stop_level gives_up_at;
	int64_t since_ms; /* of the first fault in a row */
	int faults;       /* in a row */
	unsigned random;
};

/* Something succeeded: the budget is whole again. */
void recovery_reset(struct recovery *recovery);

/* After *err: waits, longer with each fault and never as long as others do, and connects anew where
 * the connection may be at fault; conn is NULL while there is none.  False when nothing can be done
 * about it, the budget is used up or it is time to stop; *err is then the last fault. */
bool recovery_try(struct recovery *recovery, struct conn *conn, struct error *err) MUST_CHECK;

#endif
