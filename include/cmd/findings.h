/* Findings: what check has to say, printed one by one as they are made. */
#ifndef CMD_FINDINGS_H
#define CMD_FINDINGS_H

#include "base/error.h"

enum severity {
	SEVERITY_OK,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

struct finding {
	const char *check;
	enum severity severity;
	enum exit_code code; /* of an error */
	const char *message;
	const char *advice; /* what to do; NULL where all is well */
};

/* Those that were made. */
struct findings {
	bool json; /* a document, or lines for people */
	int count[SEVERITY_ERROR + 1];
	enum exit_code code; /* of the first error */
};

/* By its name: ok, warning or error. */
enum severity severity_of(const char *name);

/* So many findings that are no ok. */
int findings_bad(const struct findings *findings);

/* What stands before the first finding, and after the last one. */
void findings_begin(struct findings *findings, bool json);
void findings_end(const struct findings *findings);

void findings_add(struct findings *findings, const struct finding *finding);

/* The same by kind; an error's advice is its hint. */
void findings_ok(struct findings *findings, const char *check, const char *message);
void findings_warning(struct findings *findings, const char *check, const char *message,
		      const char *advice);
void findings_error(struct findings *findings, const char *check, const struct error *err);

#endif
