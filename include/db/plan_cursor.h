/* The rows of a plan: the facts of what is due, from one snapshot that cannot write. */
#ifndef DB_PLAN_CURSOR_H
#define DB_PLAN_CURSOR_H

#include "db/conn.h"
#include "db/facts_rows.h"

/* Begins the transaction and opens the plan's cursor over all that is due, held rows too, or over
 * one subscription (not 0).  Ends with conn_rollback. */
bool plan_cursor_open(struct conn *conn, int64_t as_of_us, int64_t subscription_id,
		      const struct rows *lost_zones, struct error *err) MUST_CHECK;

/* The next rows, none at the end; read by facts_read.  NULL after a failure. */
struct rows *plan_cursor_fetch(struct conn *conn, struct error *err) OWNED_BY(rows_free);

/* The next boundaries of a row that used up those it had, being very far behind. */
bool plan_more_boundaries(struct conn *conn, struct facts_row *row, struct error *err) MUST_CHECK;

#endif
