/* Errors and exit codes.
 *
 * A function that can fail returns bool, takes a struct error as its last parameter and leaves it
 * untouched on success, so that calls chain with &&.  Only cmd/ prints errors; the code is the
 * process's exit code, chosen by whoever detects the fault. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#define MUST_CHECK          __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Under gcc the analyzer then reports a forgotten release. */
#if defined(__GNUC__) && !defined(__clang__)
#define OWNED_BY(release) __attribute__((malloc, malloc(release, 1)))
#else
#define OWNED_BY(release)
#endif

/* An unknown code is to be treated as a failure: new ones may be added. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_WORK = 2,    /* plan --detailed-exitcode: there is work */
	EXIT_HELD = 10,   /* done, but rows were newly put on hold */
	EXIT_LEFT = 11,   /* due rows were left; committed batches stand */
	EXIT_LIMIT = 12,  /* a limit of the configuration would be passed */
	EXIT_TIEOUT = 14, /* a tie-out failed */
	EXIT_USAGE = 64,
	EXIT_UNKNOWN = 65, /* unknown subscription, plan or currency, or one in the wrong state */
	EXIT_NO_SERVER = 69,
	EXIT_INTERNAL = 70,
	EXIT_OUTPUT = 73, /* cannot write output */
	EXIT_LOST = 75,   /* the database was lost mid-run, or asks to try again */
	EXIT_ACCESS = 77, /* refused login or privilege */
	EXIT_CONFIG = 78, /* configuration or schema version */
};

/* What can be done about a fault of a batch. */
enum fault {
	FAULT_BUG,         /* nothing: the program, the schema or a privilege is wrong */
	FAULT_ROW,         /* one of the rows is refused: find it, and put it on hold */
	FAULT_RETRY,       /* others were in the way: the same again, a little later */
	FAULT_SHRINK,      /* it took too long: the same with fewer rows */
	FAULT_ENVIRONMENT, /* server, network or disk: connect anew, a little later */
	FAULT_UNKNOWN,     /* it may be committed or not: the same, and the state decides */
};

struct error {
	enum exit_code code; /* 0 = no error */
	enum fault fault;
	char sqlstate[6];   /* empty when not from the server */
	char object[128];   /* what the server found wrong: statement and constraint or function */
	char message[1024]; /* lower case, no full stop, may have several lines; empty: nobody asks
			     */
	char hint[512];     /* empty, or what to do */
};

/* Fills *err, as a FAULT_BUG, and returns false: "return fail(err, …)" is one line. */
bool fail(struct error *err, enum exit_code code, const char *format, ...) PRINTF(3, 4);

/* Adds what to do about it; returns false likewise. */
bool fail_hint(struct error *err, const char *format, ...) PRINTF(2, 3);

#endif
