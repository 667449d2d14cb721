/* Text: UTF-8. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies text into buffer, cut at a character where it does not fit.  size is at least 1. */
void text_cut(char *buffer, size_t size, const char *text);

/* Turns control characters into spaces, so that no text of others can command a terminal or break a
 * line of the log.  Line ends stay where keep_lines says so. */
void text_clean(char *text, bool keep_lines);

/* Whether it is valid UTF-8 without control characters. */
bool text_is_line(const char *text);

#endif
