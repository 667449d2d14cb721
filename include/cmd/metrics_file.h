/* The metrics as a file, which Prometheus' node exporter picks up. */
#ifndef CMD_METRICS_FILE_H
#define CMD_METRICS_FILE_H

#include "cmd/metrics_view.h"
#include "db/conn.h"

/* Writes the file in one step, for everybody to read. */
bool metrics_write(const char *path, const struct metrics *metrics, struct error *err) MUST_CHECK;

/* What a run does last: it writes the file at path, if that is not empty, and returns its exit
 * code.  What was done stands: where it cannot write, it warns, and a run that was all right ends
 * with EXIT_OUTPUT.  conn may be NULL or lost. */
enum exit_code metrics_after_run(struct conn *conn, const char *path, enum exit_code code);

#endif
