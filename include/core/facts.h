/* Facts: what is known of one subscription when it is decided, read from the locked row.
 *
 * All instants are int64 microseconds since 2000-01-01 UTC.  Months, zones and daylight saving have
 * been worked out by the server: the facts carry its answers. */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/* So many next boundaries a row carries at most; one that is further behind is claimed again. */
#define BOUNDARIES_MAX 32

enum status {
	STATUS_TRIALING,
	STATUS_ACTIVE,
	STATUS_PENDING_CANCELLATION,
	STATUS_EXPIRED,
};

/* The enum's label in the database. */
const char *status_name(enum status status);

/* What is sold for one period. */
struct terms {
	bool known; /* false: there is no such price; amount and currency mean nothing */
	int32_t price_id;
	int32_t quantity;
	int64_t unit_amount_minor;
	char currency[4]; /* ISO 4217; XXX when not known */
};

struct facts {
	int64_t subscription_id;
	int64_t account_id;
	int32_t revision; /* of the last outcome or event */
	enum status status;
	bool billing_info; /* given for this subscription */
	bool catch_up_allowed;
	const char *hold_reason; /* NULL: not held.  Borrowed */

	int64_t period_start_us;
	int64_t period_end_us;
	int32_t months_elapsed; /* from the anchor to period_end */
	int64_t anchor_us;      /* local time, counted as if it were UTC */
	int64_t end_local_us;   /* of a trial: period_end as local time, the anchor to be */

	struct terms in_force;
	struct terms next;       /* from the next boundary on: the scheduled change, or the same */
	int32_t interval_months; /* of next */

	/* The ends of the next periods, oldest first, up to the first after as_of.  None: the
	 * server could not compute them, because the zone or the price's interval is unknown.
	 * Borrowed. */
	const int64_t *boundary_us;
	int boundaries;
};

/* Whether prices and boundaries are known; an end needs no boundary. */
bool facts_complete(const struct facts *facts);

/* How many periods were missed as a whole, that which has ended not being one; BOUNDARIES_MAX: that
 * many or more. */
int facts_missed(const struct facts *facts, int64_t as_of_us);

#endif
