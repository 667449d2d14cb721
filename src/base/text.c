/* Text: UTF-8. */
#include "base/text.h"

#include <string.h>

void text_cut(char *buffer, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size) {
		n = size - 1;
		/* 10xxxxxx goes on with a character. */
		while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
			n--;
	}
	memcpy(buffer, text, n);
	buffer[n] = '\0';
}

void text_clean(char *text, bool keep_lines)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 || *text == 0x7f) &&
		    !(keep_lines && *text == '\n'))
			*text = ' ';
}
