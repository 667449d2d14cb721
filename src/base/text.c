/* Text: UTF-8, and words that somebody mistyped. */
#include "base/text.h"

#include <ctype.h>
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

/* The bytes of a character, by its first one. */
static size_t size_by_first(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

/* The bytes of the character that begins at c, 0 where none does. */
static size_t character_size(const unsigned char *c)
{
	size_t size = size_by_first(c[0]);

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

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static void take_less(int *least, int d)
{
	if (d < *least)
		*least = d;
}

/* What is equal is passed over, and the first difference tried in every way that there is: for so
 * few changes that is nothing.  most + 1 stands for all beyond. */
static int distance(const char *a, const char *b, int most)
{
	int least = most + 1;

	while (*a != '\0' && same_letter(*a, *b)) {
		a++;
		b++;
	}
	if (*a == '\0' && *b == '\0')
		return 0;
	if (most == 0)
		return least;
	if (*a != '\0')
		take_less(&least, 1 + distance(a + 1, b, most - 1));
	if (*b != '\0')
		take_less(&least, 1 + distance(a, b + 1, most - 1));
	if (*a != '\0' && *b != '\0')
		take_less(&least, 1 + distance(a + 1, b + 1, most - 1));
	if (*a != '\0' && *b != '\0' && same_letter(a[0], b[1]) && same_letter(a[1], b[0]))
		take_less(&least, 1 + distance(a + 2, b + 2, most - 1));
	return least;
}

int text_distance(const char *a, const char *b)
{
	return distance(a, b, TEXT_FAR - 1);
}

bool text_consider(struct text_nearest *nearest, const char *name)
{
	int d = text_distance(nearest->typed, name);

	if (d >= TEXT_FAR || (size_t)d > strlen(nearest->typed) / 2 ||
	    (nearest->name != NULL && d >= nearest->distance))
		return false;
	nearest->name = name;
	nearest->distance = d;
	return true;
}
