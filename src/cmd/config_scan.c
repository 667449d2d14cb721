/* What libconfig reads as something else than was written. */
#include "cmd/config_scan.h"

#include <string.h>

/* The end of a comment or text that begins at p, or p where neither does. */
static const char *skip_passive(const char *p)
{
	const char *end;

	if (*p == '#' || strncmp(p, "//", 2) == 0)
		return p + strcspn(p, "\n");
	if (strncmp(p, "/*", 2) == 0) {
		end = strstr(p + 2, "*/");
		return end != NULL ? end + 2 : p + strlen(p);
	}
	if (*p != '"')
		return p;
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/* Whether a number begins at p that does not fit 32 bits; *length is that of its digits. */
static bool is_too_large(const char *p, size_t *length)
{
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	const char *first = hex ? p + 2 : p;
	size_t digits = strspn(first, hex ? "0123456789abcdefABCDEF" : "0123456789");

	*length = (size_t)(first - p) + digits;
	return hex ? digits > 8 : digits > 10 || (digits == 10 && strncmp(p, "2147483647", 10) > 0);
}

bool config_scan(const char *text, void (*problem)(void *subject, int line, const char *what),
		 void *subject)
{
	const char *p = text, *counted = p;
	bool includes = false;
	int line = 1;

	while (*p != '\0') {
		const char *next = skip_passive(p);
		size_t length = 0;

		for (; counted < p; counted++)
			line += *counted == '\n';
		if (next == p && *p == '@') {
			problem(subject, line,
				"@include is not supported: the configuration is one file");
			includes = true;
		}
		if (next == p && is_too_large(p, &length))
			problem(subject, line, "a number is too large");
		p = next > p ? next : p + (length > 0 ? length : 1);
	}
	return !includes;
}
