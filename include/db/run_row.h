/* The row of a run: written at its start, closed at its end. */
#ifndef DB_RUN_ROW_H
#define DB_RUN_ROW_H

#include "core/totals.h"
#include "db/conn.h"
#include "db/due.h"

struct run_start {
	const int64_t *as_of_us; /* NULL: the server's clock */
	int64_t subscription_id; /* 0: all that are due */
	const char *allow_over;  /* limits that it may pass; NULL: none */
	const char *allow_reason;
	const char *host;
	int pid;
	const char *version;
	const char *invocation_id; /* NULL: not started by systemd */
	const char *config;        /* the configuration's text, NULL: none */
	size_t config_size;
};

/* How a run ended. */
struct run_end {
	int64_t as_of_us; /* this and what follows as at its start */
	int64_t subscription_id;
	const char *allow_over;
	const char *allow_reason;

	const char *result;
	enum exit_code code;
	const char *stopped_by; /* NULL: it went on until nothing could be claimed */
	const struct due *left; /* NULL: not known */
	int64_t failed;
};

/* What a run did, as its committed batches say. */
struct run_sums {
	int64_t batches;
	int64_t claimed;
	int64_t continued;
	int64_t held;
	int64_t outcomes;
	struct totals totals; /* sorted */
};

/* Writes the row, and names the session "perennial run=ID": a sign that the run lives. */
bool run_row_start(struct conn *conn, const struct run_start *start, int64_t *run_id,
		   int64_t *as_of_us, struct error *err) MUST_CHECK;

/* Closes the row; one that is closed stays as it is. */
bool run_row_finish(struct conn *conn, int64_t run_id, const struct run_end *end,
		    struct error *err) MUST_CHECK;

bool run_row_sums(struct conn *conn, int64_t run_id, struct run_sums *sums,
		  struct error *err) MUST_CHECK;

#endif
