/* The server: its clock, and where we are. */
#ifndef DB_SERVER_H
#define DB_SERVER_H

#include "db/conn.h"

#define DATABASE_NAME_SIZE 64

struct server {
	int64_t clock_us;
	char database[DATABASE_NAME_SIZE];
	bool standby;
};

bool server_ask(struct conn *conn, struct server *server, struct error *err) MUST_CHECK;

#endif
