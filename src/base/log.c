/* Log: logfmt lines. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The log is the process's, as syslog(3)'s own connection is. */
static int log_level = LOG_INFO;

void log_open(int facility, int level)
{
	log_level = level;
	openlog("perennial", LOG_PID | LOG_NDELAY, facility);
}

static void drop_controls(char *line)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = ' ';
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
	drop_controls(values);
	syslog(level, "event=%s %s", event, values);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "event=%s %s\n", event, values);
}

const char *log_quote(const char *text, char buffer[LOG_QUOTED_SIZE])
{
	int n = 0;

	buffer[n++] = '"';
	for (; *text != '\0' && n < LOG_QUOTED_SIZE - 4; text++) {
		if (*text == '"' || *text == '\\')
			buffer[n++] = '\\';
		buffer[n++] = *text;
	}
	buffer[n++] = '"';
	buffer[n] = '\0';
	return buffer;
}

bool log_stderr_is_journal(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return journal != NULL && sscanf(journal, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}
