/* Facts: the names of the states. */
#include "core/facts.h"

const char *status_name(enum status status)
{
	static const char *const name[] = { "trialing", "active", "pending_cancellation",
					    "expired" };

	return name[status];
}
