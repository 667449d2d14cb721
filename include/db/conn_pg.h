/* Between the files of db/ that see libpq: what a connection is made of. */
#ifndef DB_CONN_PG_H
#define DB_CONN_PG_H

#include "db/conn.h"

#include <libpq-fe.h>
#include <pthread.h>

struct conn {
	const char *conninfo;
	const struct session *session;
	PGconn *pg; /* NULL: lost */
	bool prepared[QUERIES];
	struct params settings; /* of every transaction */

	pthread_mutex_t cancelling; /* of what follows */
	PGcancel *cancel;
	int openings; /* rises with each session that begins or ends */
};

/* Gives a connection up whose state is not known any more.  Whatever it had open ends with it. */
void conn_drop(struct conn *conn);

#endif
