/* Releasing: holds are lifted but for those that the next run would put on hold again at once. */
#ifndef RUN_RELEASE_H
#define RUN_RELEASE_H

#include "core/decide.h"
#include "db/conn.h"

enum release_fate {
	RELEASE_DONE,
	RELEASE_REFUSED, /* the next run would hold it again */
	RELEASE_BUSY,    /* others changed it each time that it was tried */
};

/* What became of one that was on hold. */
struct release_entry {
	int64_t subscription_id;
	const char *hold_reason; /* that it has, or had.  Borrowed */
	enum release_fate fate;
	bool due;
	const char *why;    /* of RELEASE_REFUSED: the reason of the next hold, a code */
	int periods_behind; /* BOUNDARIES_MAX: that many or more */
};

struct release_request {
	struct policy policy;
	const int64_t *id; /* only these; NULL: all that are on hold */
	int ids;
	const char *reason;   /* only those on hold for this; NULL: for any */
	bool catch_up;        /* however far behind */
	const char *note;     /* NULL: none */
	int64_t retry_for_ms; /* so long those are waited for who are in the way */
	bool pretend;         /* decide, and write nothing */
	/* Called for each, once what is said of it is committed. */
	void (*visit)(void *visitor, const struct release_entry *entry);
	void *visitor;
};

/* Reads those that are on hold without locks, decides them as a run would as of the policy's
 * instant, and lifts holds in short transactions of one bucket each: what was released stays so
 * after a failure.  One that changed between is read and decided again. */
bool release_run(struct conn *conn, const struct release_request *request,
		 struct error *err) MUST_CHECK;

#endif
