/* Log: one event a line in logfmt, to syslog(3) and, on a terminal, to stderr.  Safe to use from
 * several threads.
 *
 * A line is "event=… key=value …".  No control character can enter it, and no customer data belongs
 * in it: ids, counts and codes only. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

#include <stddef.h>
#include <syslog.h>

/* Opens the log.  facility and level are syslog's; less urgent events than level are dropped. */
void log_open(int facility, int level);

/* level: LOG_ERR ends a run, LOG_WARNING something is left for a person, LOG_NOTICE start and end
 * of a run, LOG_INFO, LOG_DEBUG one for each batch. */
void log_event(int level, const char *event, const char *format, ...) PRINTF(3, 4);

/* Shows text on the last line of the terminal, in place of what was shown there; "" is nothing.
 * Events come above it.  Where stderr is no terminal it does nothing. */
void log_status(const char *text);

/* Writes text as a value in quotes, for log_event.  Returns buffer. */
const char *log_quote(const char *text, char *buffer, size_t size);

/* Logs what ended the program, to syslog only: the person at a terminal is told in plain words. */
void log_failure(const struct error *err);

/* Likewise what went wrong and did not end it: an event of the level warning. */
void log_warning(const char *event, const struct error *err);

/* Whether stderr is the systemd journal, which gets every line through syslog already. */
bool log_stderr_is_journal(void);

#endif
