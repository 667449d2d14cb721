/* Faults that the server or the connection reports, as errors with an exit code. */
#ifndef DB_FAULT_H
#define DB_FAULT_H

#include "base/error.h"

#include <libpq-fe.h>

/* The exit code for an SQLSTATE in a running session; empty means the connection was lost. */
enum exit_code fault_code(const char *sqlstate);

/* Fills *err from a statement that failed, or could not be sent (NULL).  Always false. */
bool fault_of_result(const PGconn *pg, const PGresult *result, const char *statement,
		     struct error *err);

/* Fills *err from a connection that could not be opened.  It must report verbosely: the SQLSTATE of
 * a refused login is nowhere but in the message.  Always false. */
bool fault_of_login(const PGconn *pg, struct error *err);

#endif
