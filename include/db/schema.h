/* The schema's version: installing it, and holding it against the program's. */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

#include "db/conn.h"

/* The highest migration of this program. */
int schema_version(void);

/* False, with EXIT_CONFIG, when the database's schema is older or newer than the program. */
bool schema_is_current(int installed, struct error *err) MUST_CHECK;

/* Fills *err for a database without a schema.  Always false. */
bool schema_missing(struct error *err);

/* Brings the schema up to this program's version, each migration in a transaction of its own under
 * a lock that a second migrate waits for.  *from is the version found.  applied is called after
 * each commit. */
bool schema_migrate(struct conn *conn, int *from,
		    void (*applied)(const struct migration *migration),
		    struct error *err) MUST_CHECK;

#endif
