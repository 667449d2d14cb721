/* Facts: the names of the states, and what is missing. */
#include "core/facts.h"

const char *status_name(enum status status)
{
	static const char *const name[] = { "trialing", "active", "pending_cancellation",
					    "expired" };

	return name[status];
}

bool facts_complete(const struct facts *facts)
{
	bool goes_on = facts->status == STATUS_TRIALING || facts->status == STATUS_ACTIVE;

	return facts->in_force.known && facts->next.known && (!goes_on || facts->boundaries > 0);
}

int facts_missed(const struct facts *facts, int64_t as_of_us)
{
	int missed = 0;

	while (missed < facts->boundaries && facts->boundary_us[missed] <= as_of_us)
		missed++;
	return missed;
}
