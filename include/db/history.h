/* The history of a subscription: its events and outcomes, in order. */
#ifndef DB_HISTORY_H
#define DB_HISTORY_H

#include "db/conn.h"

/* One of them; all text is borrowed from the rows. */
struct history_entry {
	int64_t account_id;
	int32_t revision;
	const char *at; /* instants in UTC */
	const char *kind;
	const char *status;     /* after it */
	const char *period_end; /* after it; NULL if it does not say */
	const char *amount;     /* with its currency; NULL if nothing was billed */
	const char *why;        /* who, and the rule or the reason */
	const char *document;   /* all of it, in JSON */
};

/* NULL after a failure; no rows for a subscription that has no history. */
struct rows *history_read(struct conn *conn, int64_t subscription_id, struct error *err)
	OWNED_BY(rows_free);

struct history_entry history_entry(const struct rows *rows, int row);

#endif
