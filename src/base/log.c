/* Log: logfmt lines. */
#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS_MAX 200

/* The log is the process's, as syslog(3)'s own connection is. */
static int log_level = LOG_INFO;

/* The terminal's last line. */
static pthread_mutex_t status_lock = PTHREAD_MUTEX_INITIALIZER;
static char status[COLUMNS_MAX];

void log_open(int facility, int level)
{
	log_level = level;
	openlog("perennial", LOG_PID | LOG_NDELAY, facility);
}

/* By blanks, which every terminal knows. */
static void erase_status(void)
{
	if (status[0] != '\0')
		fprintf(stderr, "\r%*s\r", (int)strlen(status), "");
}

void log_event(int level, const char *event, const char *format, ...)
{
	char values[3000];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	vsnprintf(values, sizeof(values), format, args);
	va_end(args);
	text_clean(values, false);
	syslog(level, "event=%s %s", event, values);
	if (!isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&status_lock);
	erase_status();
	fprintf(stderr, "event=%s %s\n%s", event, values, status);
	pthread_mutex_unlock(&status_lock);
}

/* Of the terminal; text that came to its last one would go on in the next line. */
static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

void log_status(const char *text)
{
	if (!isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&status_lock);
	erase_status();
	text_cut(status, columns(), text);
	fputs(status, stderr);
	pthread_mutex_unlock(&status_lock);
}

const char *log_quote(const char *text, char *buffer, size_t size)
{
	size_t n = 0;

	buffer[n++] = '"';
	for (; *text != '\0' && n < size - 3; text++) {
		if (*text == '"' || *text == '\\')
			buffer[n++] = '\\';
		buffer[n++] = *text;
	}
	buffer[n++] = '"';
	buffer[n] = '\0';
	text_clean(buffer, false);
	return buffer;
}

static void log_error(int level, const char *event, const struct error *err)
{
	char message[2 * sizeof(err->message) + 3], hint[2 * sizeof(err->hint) + 3];

	if (level > log_level)
		return;
	syslog(level, "event=%s exit=%d sqlstate=%s error=%s hint=%s", event, (int)err->code,
	       err->sqlstate[0] != '\0' ? err->sqlstate : "none",
	       log_quote(err->message, message, sizeof(message)),
	       log_quote(err->hint, hint, sizeof(hint)));
}

void log_failure(const struct error *err)
{
	log_error(LOG_ERR, "failed", err);
}

void log_warning(const char *event, const struct error *err)
{
	log_error(LOG_WARNING, event, err);
}

bool log_stderr_is_journal(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	char stream[50];
	struct stat st;

	if (journal == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return strcmp(journal, stream) == 0;
}
