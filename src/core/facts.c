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
