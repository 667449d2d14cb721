/* The SQL of the program, embedded from sql/ at build time.
 *
 * sql/query/claim.sql is QUERY_CLAIM: a renamed file is a compile error.  sql/schema/ are the
 * migrations. */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include "db/query_id.h"

struct query {
	const char *name;
	const char *text;
};

extern const struct query queries[QUERIES];

struct migration {
	int version; /* from 1 on, without gaps */
	const char *name;
	const char *text;
};

extern const struct migration migrations[];
extern const int migration_count;

#endif
