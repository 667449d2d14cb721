/* Colour on stdout. */
#include "cmd/color.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* stdout is the process's, and so is this. */
static bool colored;

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

static bool is_wanted(void)
{
	const char *term = variable("TERM");

	return isatty(STDOUT_FILENO) && variable("NO_COLOR")[0] == '\0' && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

bool color_choose(const char *when)
{
	if (strcmp(when, "auto") == 0)
		colored = is_wanted();
	else if (strcmp(when, "always") == 0 || strcmp(when, "never") == 0)
		colored = when[0] == 'a';
	else
		return false;
	return true;
}

void color_off(void)
{
	colored = false;
}

void color_begin(enum color color)
{
	static const char *const code[] = {
		[COLOR_GOOD] = "32",
		[COLOR_BAD] = "1;31",
		[COLOR_WARNING] = "33",
	};

	if (colored)
		printf("\x1b[%sm", code[color]);
}

void color_end(void)
{
	if (colored)
		printf("\x1b[0m");
}
