/* Recovery: capped backoff with full jitter. */
#include "run/recovery.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

#define WAIT_FIRST_MS 50
#define WAIT_MAX_MS   5000

void recovery_reset(struct recovery *recovery)
{
	recovery->faults = 0;
}

/* Anything up to a cap that doubles with each fault: whoever failed together comes back apart. */
static int64_t next_wait_ms(struct recovery *r)
{
	int64_t cap_ms = WAIT_FIRST_MS;

	for (int i = 1; i < r->faults && cap_ms < WAIT_MAX_MS; i++)
		cap_ms *= 2;
	if (cap_ms > WAIT_MAX_MS)
		cap_ms = WAIT_MAX_MS;
	return 1 + rand_r(&r->random) % cap_ms;
}

/* Waits once.  False when the budget is used up, or it is time to stop. */
static bool wait_once(struct recovery *r, const struct error *err)
{
	int64_t now_ms = clock_ms(), left_ms, wait_ms;

	if (r->faults++ == 0) {
		r->since_ms = now_ms;
		r->random ^= (unsigned)(now_ms ^ (intptr_t)r);
	}
	left_ms = r->since_ms + r->budget_ms - now_ms;
	if (left_ms <= 0)
		return false;
	wait_ms = next_wait_ms(r);
	if (wait_ms > left_ms)
		wait_ms = left_ms;
	log_event(LOG_WARNING, "retrying", "faults=%d sqlstate=%s in_ms=%lld budget_ms=%lld",
		  r->faults, err->sqlstate[0] != '\0' ? err->sqlstate : "none", (long long)wait_ms,
		  (long long)left_ms);
	stop_sleep(r->stop, wait_ms, r->gives_up_at);
	return stop_level(r->stop) < r->gives_up_at;
}

bool recovery_try(struct recovery *recovery, struct conn *conn, struct error *err)
{
	while (err->fault != FAULT_BUG && err->fault != FAULT_ROW && wait_once(recovery, err)) {
		bool lost = err->fault == FAULT_ENVIRONMENT || err->fault == FAULT_UNKNOWN;

		if (!lost || conn == NULL || conn_reopen(conn, err))
			return true;
	}
	return false;
}
