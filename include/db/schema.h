/* The schema's version: installing it, and holding it against the program's. */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

#include "db/conn.h"

/* The highest migration of this program. */
int schema_version(void);

/* False, with EXIT_CONFIG, when the database has no schema, or an older or newer one than the
 * program. */
bool schema_check(struct conn *conn, struct error *err) MUST_CHECK;

/* Brings the schema up to this program's version, each migration in a transaction of its own under
 * a lock that a second migrate waits for.  *from is the version found.  applied is called after
 * each commit. */
bool schema_migrate(struct conn *conn, int *from,
		    void (*applied)(const struct migration *migration),
		    struct error *err) MUST_CHECK;

#endif
