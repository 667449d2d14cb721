/* Text: cut at a character, and cleaned of control characters. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void text_that_fits_is_copied_whole(void **state)
{
	char buffer[6];

	(void)state;
	text_cut(buffer, sizeof(buffer), "hello");
	assert_string_equal(buffer, "hello");
	text_cut(buffer, sizeof(buffer), "");
	assert_string_equal(buffer, "");
	text_cut(buffer, 1, "hello");
	assert_string_equal(buffer, "");
}

static void text_is_never_cut_within_a_character(void **state)
{
	char buffer[6];

	(void)state;
	text_cut(buffer, sizeof(buffer), "hello!");
	assert_string_equal(buffer, "hello");
	text_cut(buffer, sizeof(buffer), "hell\xc3\xa9");
	assert_string_equal(buffer, "hell");
	text_cut(buffer, sizeof(buffer), "hel\xe2\x82\xac");
	assert_string_equal(buffer, "hel");
	text_cut(buffer, sizeof(buffer), "h\xe2\x82\xac\xc3\xa9");
	assert_string_equal(buffer, "h\xe2\x82\xac");
}

static void control_characters_become_spaces(void **state)
{
	char line[] = "a\tb\nc\x1b[31md\x7f\xc3\xa9";
	char lines[] = "a\tb\nc\rd";

	(void)state;
	text_clean(line, false);
	assert_string_equal(line, "a b c [31md \xc3\xa9");
	text_clean(lines, true);
	assert_string_equal(lines, "a b\nc d");
}

static void a_line_is_utf_8_without_control_characters(void **state)
{
	static const char *const good[] = { "",
					    "a",
					    "caf\xc3\xa9",
					    "\xc2\xa0",
					    "\xe2\x82\xac",
					    "\xed\x9f\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = {
		"a\nb",
		"\t",
		"\x7f",
		"\xc2\x9b",
		"\x80",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xe2\x82",
		"\xe2\x82"
		"a",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_line(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_line(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_fits_is_copied_whole),
		cmocka_unit_test(text_is_never_cut_within_a_character),
		cmocka_unit_test(control_characters_become_spaces),
		cmocka_unit_test(a_line_is_utf_8_without_control_characters),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
