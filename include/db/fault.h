/* Faults that the server or the connection reports, as errors with an exit code. */
#ifndef DB_FAULT_H
#define DB_FAULT_H

#include "base/error.h"

#include <libpq-fe.h>

/* Fills *err from a statement that failed, or could not be sent (result is NULL); pg is NULL when
 * the connection was lost before.  Always false. */
bool fault_of_result(const PGconn *pg, const PGresult *result, const char *statement,
		     struct error *err);

/* The server did not answer in time, and the connection was given up.  Always false. */
bool fault_of_silence(const char *statement, struct error *err);

/* Fills *err from a connection that could not be opened.  Always false. */
bool fault_of_login(const PGconn *pg, struct error *err);

/* Whether it was a server that refused, and not the network or libpq. */
bool fault_is_the_server_s(const struct error *err);

/* Adds the SQLSTATE of the refusal, if there is one: pg was to report verbosely. */
void fault_sqlstate_of_login(const PGconn *pg, struct error *err);

/* Chooses the exit code and the hint by the SQLSTATE. */
void fault_classify_login(struct error *err);

#endif
