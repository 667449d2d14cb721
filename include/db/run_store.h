/* What the program knows of the server, and the row of each run. */
#ifndef DB_RUN_STORE_H
#define DB_RUN_STORE_H

#include "db/conn.h"

#define DATABASE_NAME_SIZE 64

struct server {
	int64_t clock_us;
	char database[DATABASE_NAME_SIZE];
	bool standby;
};

/* Asks for the clock and makes sure that the schema is there and has this program's version
 * (EXIT_CONFIG). */
bool store_server(struct conn *conn, struct server *server, struct error *err) MUST_CHECK;

struct run_start {
	const int64_t *as_of_us; /* NULL: the server's clock */
	const char *host;
	int pid;
	const char *version;
	const char *invocation_id; /* NULL: not started by systemd */
	const char *config;        /* the configuration's text, NULL: none */
	size_t config_size;
};

/* Writes the run's row and names the session after it. */
bool store_start_run(struct conn *conn, const struct run_start *start, int64_t *run_id,
		     int64_t *as_of_us, struct error *err) MUST_CHECK;

/* Closes the run's row. */
bool store_finish_run(struct conn *conn, int64_t run_id, const char *result, enum exit_code code,
		      struct error *err) MUST_CHECK;

/* What is due at as_of, counted without locks. */
struct due_count {
	int64_t due; /* not held */
	int64_t held;
};

bool store_count_due(struct conn *conn, int64_t as_of_us, struct due_count *count,
		     struct error *err) MUST_CHECK;

/* The same for one subscription, added to *count. */
bool store_count_due_one(struct conn *conn, int64_t as_of_us, int16_t bucket,
			 int64_t subscription_id, struct due_count *count,
			 struct error *err) MUST_CHECK;

/* A run's totals from its committed batches: kind, currency, exponent, subscriptions, amount in
 * minor units and as decimal text.  Read by the functions below; NULL after a failure. */
struct rows *store_run_totals(struct conn *conn, int64_t run_id, struct error *err)
	OWNED_BY(rows_free);

struct run_total {
	const char *kind; /* all borrowed from the rows */
	const char *currency;
	int64_t subscriptions;
	const char *amount;
	const char *amount_decimal;
};

struct run_total run_total_at(const struct rows *totals, int line);

/* How many decimals each currency has. */
struct exponents {
	int count;
	struct {
		char code[4];
		int exponent;
	} currency[256];
};

bool store_exponents(struct conn *conn, struct exponents *exponents, struct error *err) MUST_CHECK;

/* 2 for a currency that is not in the table. */
int exponent_of(const struct exponents *exponents, const char *currency);

#endif
