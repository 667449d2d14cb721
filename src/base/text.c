/* Text: UTF-8, and words that somebody mistyped. */
#include "base/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* 10xxxxxx goes on with a character. */
static bool goes_on(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

int text_width(const char *text, size_t size)
{
	int n = 0;

	for (size_t i = 0; i < size; i++)
		n += !goes_on(text[i]);
	return n;
}

void text_cut(char *buffer, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size) {
		n = size - 1;
		while (n > 0 && goes_on(text[n]))
			n--;
	}
	memcpy(buffer, text, n);
	buffer[n] = '\0';
}

/* How characters are written that have so many bytes. */
static const struct form {
	unsigned char mask, first; /* of the first byte */
	uint32_t least;            /* what is smaller has a shorter form */
} form[] = {
	{ 0x80, 0x00, 0x0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 }
};

#define FORMS (sizeof(form) / sizeof(form[0]))

/* Reads the character that begins at c; returns its bytes, 0 where none does. */
static size_t read_character(const unsigned char *c, uint32_t *code)
{
	size_t f = 0;

	while (f < FORMS && (c[0] & form[f].mask) != form[f].first)
		f++;
	if (f == FORMS)
		return 0;
	*code = c[0] & (unsigned char)~form[f].mask;
	for (size_t i = 1; i <= f; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (c[i] & 0x3f);
	}
	return *code < form[f].least ? 0 : f + 1;
}

int text_control(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if ((c[0] > 0 && c[0] < 0x20) || c[0] == 0x7f)
		return 1;
	return c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

bool text_is_line(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	uint32_t code = 0;
	size_t size;

	for (; *c != '\0'; c += size) {
		size = read_character(c, &code);
		if (size == 0 || text_control((const char *)c) > 0 ||
		    (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
			return false;
	}
	return true;
}

void text_clean(char *text, bool keep_lines)
{
	char *out = text;

	while (*text != '\0') {
		int size = keep_lines && *text == '\n' ? 0 : text_control(text);

		*out++ = *text;
		if (size > 0)
			out[-1] = ' ';
		text += size > 0 ? size : 1;
	}
	*out = '\0';
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

	if (d >= TEXT_FAR || (size_t)d > 1 + strlen(nearest->typed) / 6 ||
	    (nearest->name != NULL && d >= nearest->distance))
		return false;
	nearest->name = name;
	nearest->distance = d;
	return true;
}
