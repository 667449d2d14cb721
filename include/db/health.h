/* Whether runs happen, and keep up: what is due, on hold and waiting, and the last runs. */
#ifndef DB_HEALTH_H
#define DB_HEALTH_H

#include "db/due.h"
#include "db/run_row.h"

#define HEALTH_RUNS 5

/* An instant that there is not. */
#define HEALTH_NEVER INT64_MIN

/* Where a count is not known. */
#define HEALTH_UNKNOWN (-1)

/* A run; what is text is borrowed from the answer. */
struct health_run {
	int64_t run_id;
	int64_t as_of_us;
	int64_t subscription_id; /* 0: all */
	int64_t started_us;
	int64_t finished_us; /* HEALTH_NEVER, and then … */
	const char *state;   /* … "running" or "died"; else "finished" */
	const char *result;  /* NULL until then */
	int exit_code;       /* HEALTH_UNKNOWN until then */
	const char *stopped_by;
	const char *host; /* both may be NULL */
	int64_t outcomes;
	int64_t held;
	int64_t failed; /* this and the next may be HEALTH_UNKNOWN */
	int64_t left_due;
	int64_t left_held;
};

/* The first of some subscriptions. */
struct health_first {
	int64_t at_us; /* HEALTH_NEVER: there is none */
	int64_t subscription_id;
};

struct health {
	int64_t clock_us; /* everything is as of it */
	char server[40];  /* its version */
	int schema_version;
	struct due due;
	struct health_first oldest_due; /* not on hold, as is the next one */
	struct health_first next_due;
	int64_t held;
	int64_t oldest_held_us;
	struct {
		int64_t ready;
		int64_t later;  /* to be taken later: a first attempt failed */
		int64_t taken;  /* a consumer has it */
		int64_t lapsed; /* its lease ran out */
		int64_t dead;
	} jobs;
	int64_t died; /* runs that died, of those that started after the last success */
	int runs;
	struct health_run
		run[HEALTH_RUNS];  /* the latest first, and of those for all subscriptions: */
	struct health_run last;    /* the last that finished; run_id 0: none */
	struct health_run success; /* the last with exit code 0 or 11, likewise */
	struct run_sums sums;      /* of the last one */
	struct rows *rows;         /* where the text is */
};

void health_release(struct health *health);

/* Jobs that wait for a consumer, or for one that has them. */
int64_t health_jobs_waiting(const struct health *health);

/* Seconds since an instant, never less than 0. */
int64_t health_age_s(const struct health *health, int64_t since_us);

/* Reads all of it into *health, which is zeroed, in one snapshot as of the server's clock.  A role
 * that may send it sees runs as died whose backends it may not see, after five silent minutes. */
bool health_read(struct conn *conn, int64_t clock_us, struct health *health,
		 struct error *err) MUST_CHECK;

#endif
