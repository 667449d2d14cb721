/* Text: UTF-8, and words that somebody mistyped. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The characters of so many bytes, each taken for one column wide. */
int text_width(const char *text, size_t size);

/* Copies text into buffer, cut at a character where it does not fit.  size is at least 1. */
void text_cut(char *buffer, size_t size, const char *text);

/* The bytes of the control character that text begins with; 0 where it begins with none, or is at
 * its end.  U+0080 to U+009F are some, too: a terminal takes U+009B for the beginning of a command.
 */
int text_control(const char *text);

/* Turns each control character into a space, so that no text of others can command a terminal or
 * break a line of the log.  Line ends stay where keep_lines says so. */
void text_clean(char *text, bool keep_lines);

/* Whether it is valid UTF-8 without control characters. */
bool text_is_line(const char *text);

/* How many letters have to be put in, taken out, replaced or swapped with their neighbour to make
 * one word of the other, whether they are capitals or not; at most TEXT_FAR, which stands for all
 * beyond. */
int text_distance(const char *a, const char *b);

#define TEXT_FAR 3

/* Which of several names was meant.  It begins with what was typed, and nothing else. */
struct text_nearest {
	const char *typed;
	const char *name; /* the nearest so far; NULL: none is near */
	int distance;     /* of this name */
};

/* Looks at one more name.  True when it is the nearest so far.  One letter may be wrong, two of six
 * or more. */
bool text_consider(struct text_nearest *nearest, const char *name);

#endif
