/* The forms in which a report is shown. */
#ifndef CMD_REPORT_VIEW_H
#define CMD_REPORT_VIEW_H

#include "cmd/export.h"
#include "cmd/options.h"
#include "report/scope.h"
#include "report/stream.h"

/* What a report is about, beside its rows. */
struct report_about {
	const struct report *report;
	const struct scope *scope;
	const char *as_of; /* NULL: it is about the scope's period */
	bool detail;
};

/* Prints all of it, but does not write out what is buffered.  *failed is set where a check of the
 * report failed. */
bool report_print(struct stream *stream, const struct report_about *about, enum format format,
		  bool *failed, struct error *err) MUST_CHECK;

/* The rows as a table without a title. */
bool report_print_table(struct stream *stream, struct error *err) MUST_CHECK;

/* The rows as an array, for a JSON document. */
bool report_print_array(struct stream *stream, bool *failed, struct error *err) MUST_CHECK;

/* A file that a report was written to. */
struct report_file {
	const char *name; /* without its folder */
	const char *format;
	const char *generated_at;
	int64_t bytes;
	char sha256[SHA256_TEXT_SIZE];
	const char *sums; /* a document with rows, and sums by currency */
};

/* What the file holds, as one JSON document. */
void report_print_manifest(const struct report_about *about, const struct report_file *file);

#endif
