/* Output: checked writing to stdout, and the text forms that need more than printf. */
#include "cmd/output.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether whoever read it has gone.  errno may be that of something since. */
static bool is_unread(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };

	return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLHUP)) != 0;
}

static bool cannot_write(struct error *err)
{
	if (is_unread()) {
		*err = (struct error){ .code = EXIT_OUTPUT };
		return false;
	}
	return fail(err, EXIT_OUTPUT, "cannot write to standard output: %s", strerror(errno));
}

bool output_ok(struct error *err)
{
	return !ferror(stdout) || cannot_write(err);
}

bool output_finish(struct error *err)
{
	return (fflush(stdout) == 0 && !ferror(stdout)) || cannot_write(err);
}

void output_text(const char *text)
{
	while (*text != '\0') {
		int size = text_control(text);

		putchar(size > 0 ? ' ' : *text);
		text += size > 0 ? size : 1;
	}
}

void output_padded(const char *text, int width)
{
	width -= text_width(text, strlen(text));
	output_text(text);
	printf("%*s", width > 0 ? width : 0, "");
}

void output_json_text(const char *text)
{
	if (text == NULL) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void output_csv_text(const char *text)
{
	if (text == NULL)
		return;
	if (text[0] != '\0' && strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

const char *output_grouped(const char *decimal, char buffer[OUTPUT_DECIMAL_SIZE])
{
	size_t whole = strcspn(decimal, ".");
	size_t first = decimal[0] == '-' ? 1 : 0;
	size_t n = 0;

	for (size_t i = 0; decimal[i] != '\0' && n < OUTPUT_DECIMAL_SIZE - 2; i++) {
		if (i > first && i < whole && (whole - i) % 3 == 0)
			buffer[n++] = ' ';
		buffer[n++] = decimal[i];
	}
	buffer[n] = '\0';
	return buffer;
}

void output_decimal(const char *decimal, int width)
{
	char text[OUTPUT_DECIMAL_SIZE];

	printf("%*s", width, output_grouped(decimal, text));
}

void output_count(int64_t count, int width)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)count);
	output_decimal(text, width);
}

void output_counted(int64_t count, const char *noun)
{
	output_count(count, 0);
	printf(" %s%s", noun, count == 1 ? "" : "s");
}

const char *output_age(int64_t seconds, char buffer[OUTPUT_AGE_SIZE])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} unit[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	const int last = (int)(sizeof(unit) / sizeof(unit[0])) - 1;
	int i = 0, n;
	int64_t rest;

	while (i < last && seconds < unit[i].seconds)
		i++;
	n = snprintf(buffer, OUTPUT_AGE_SIZE, "%lld %s", (long long)(seconds / unit[i].seconds),
		     unit[i].name);
	/* Seconds are of no interest beside minutes. */
	rest = i + 1 < last ? seconds % unit[i].seconds / unit[i + 1].seconds : 0;
	if (rest > 0)
		snprintf(buffer + n, OUTPUT_AGE_SIZE - (size_t)n, " %lld %s", (long long)rest,
			 unit[i + 1].name);
	return buffer;
}
