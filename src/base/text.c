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

/* The bytes of the character that begins at c, 0 where none does. */
static size_t character_size(const unsigned char *c)
{
	size_t size = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;

	/* Longer than need be, beyond Unicode, or half of a pair of UTF-16. */
	if ((c[0] >= 0x80 && c[0] < 0xc2) || c[0] > 0xf4 || (c[0] == 0xe0 && c[1] < 0xa0) ||
	    (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) ||
	    (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

bool text_is_line(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	while (*c != '\0') {
		size_t size = character_size(c);

		if (size == 0 || c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0))
			return false;
		c += size;
	}
	return true;
}

void text_clean(char *text, bool keep_lines)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 || *text == 0x7f) &&
		    !(keep_lines && *text == '\n'))
			*text = ' ';
}
