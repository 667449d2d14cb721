/* Text: UTF-8. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Copies text into buffer, cut at a character where it does not fit.  size is at least 1. */
void text_cut(char *buffer, size_t size, const char *text);

#endif
