/* The row of a run: written at its start, closed at its end. */
#ifndef DB_RUN_ROW_H
#define DB_RUN_ROW_H

#include "core/totals.h"
#include "db/conn.h"

struct run_start {
	const int64_t *as_of_us; /* NULL: the server's clock */
	const char *host;
	int pid;
	const char *version;
	const char *invocation_id; /* NULL: not started by systemd */
	const char *config;        /* the configuration's text, NULL: none */
	size_t config_size;
};

/* Writes the row, and names the session "perennial run=ID": a sign that the run lives. */
bool run_row_start(struct conn *conn, const struct run_start *start, int64_t *run_id,
		   int64_t *as_of_us, struct error *err) MUST_CHECK;

bool run_row_finish(struct conn *conn, int64_t run_id, const char *result, enum exit_code code,
		    struct error *err) MUST_CHECK;

/* What the run did, as its committed batches say; sorted. */
bool run_row_totals(struct conn *conn, int64_t run_id, struct totals *totals,
		    struct error *err) MUST_CHECK;

#endif
