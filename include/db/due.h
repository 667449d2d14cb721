/* What is due, counted by the server without locks. */
#ifndef DB_DUE_H
#define DB_DUE_H

#include "db/conn.h"

struct due {
	int64_t free; /* not on hold */
	int64_t held;
};

/* Counts what is due at as_of: all, or one subscription (not 0). */
bool due_count(struct conn *conn, int64_t as_of_us, int64_t subscription_id, struct due *due,
	       struct error *err) MUST_CHECK;

#endif
