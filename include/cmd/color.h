/* Colour on stdout, for a person at a terminal: it says again what words say already.
 *
 *	color_begin(COLOR_BAD);
 *	output_text("FAIL");
 *	color_end();
 *
 * The codes take no column, so padding counts as without them.  Only what is printed for people
 * uses it: never json, jsonl or csv; and stderr has none, so that a log that is kept is plain. */
#ifndef CMD_COLOR_H
#define CMD_COLOR_H

#include <stdbool.h>

enum color {
	COLOR_GOOD,    /* green */
	COLOR_BAD,     /* red and bold */
	COLOR_WARNING, /* yellow */
};

/* always, never, or auto: where stdout is a terminal that knows colours and $NO_COLOR is not set.
 * False for any other word.  Until then there is none. */
bool color_choose(const char *when);

/* None from here on: stdout is a file. */
void color_off(void);

void color_begin(enum color color);
void color_end(void);

#endif
