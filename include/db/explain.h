/* What explain tells of a subscription, beside its facts: read in one snapshot that cannot write.
 */
#ifndef DB_EXPLAIN_H
#define DB_EXPLAIN_H

#include "db/conn.h"

/* A fact; all text is borrowed from the rows. */
struct explain_fact {
	const char *name;     /* as in period_end */
	const char *value;    /* empty where there is none */
	const char *document; /* the value in JSON */
};

/* The end of a period, likewise. */
struct explain_boundary {
	int32_t months;    /* from the anchor, of a trial from its end */
	const char *local; /* with its offset from UTC; NULL: the server does not know the zone */
	const char *utc;
	const char *time_zone; /* of local */
};

/* Begins the snapshot and reads the facts of each subscription with this id, due or not; by
 * facts_read.  There are several if an import gave the id twice.  NULL after a failure.  Ends with
 * conn_rollback in any case. */
struct rows *explain_begin(struct conn *conn, int64_t as_of_us, int64_t subscription_id,
			   const struct rows *lost_zones, struct error *err) OWNED_BY(rows_free);

/* What is known of one of them.  NULL after a failure. */
struct rows *explain_facts(struct conn *conn, int16_t bucket, int64_t subscription_id,
			   const struct rows *lost_zones, struct error *err) OWNED_BY(rows_free);

struct explain_fact explain_fact(const struct rows *rows, int row);

/* The end of its period and those that follow, as many as there are to be; fewer where they cannot
 * be computed.  NULL after a failure. */
struct rows *explain_boundaries(struct conn *conn, int16_t bucket, int64_t subscription_id,
				const struct rows *lost_zones, int most, struct error *err)
	OWNED_BY(rows_free);

struct explain_boundary explain_boundary(const struct rows *rows, int row);

#endif
