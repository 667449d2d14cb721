/* Text: cut at a character, cleaned of control characters, and held against words that are near. */
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
	char eight_bits[] = "a\xc2\x9b"
			    "31mb\xc2\x80\n\xc2\x9f\xc2\xa0\xc3\x9b";

	(void)state;
	text_clean(line, false);
	assert_string_equal(line, "a b c [31md \xc3\xa9");
	text_clean(lines, true);
	assert_string_equal(lines, "a b\nc d");
	text_clean(eight_bits, true);
	assert_string_equal(eight_bits, "a 31mb \n \xc2\xa0\xc3\x9b");
}

static void a_control_character_has_one_byte_or_two(void **state)
{
	(void)state;
	assert_int_equal(text_control("\x01"), 1);
	assert_int_equal(text_control("\x1f"), 1);
	assert_int_equal(text_control("\x7f"), 1);
	assert_int_equal(text_control("\xc2\x80"), 2);
	assert_int_equal(text_control("\xc2\x9f"), 2);
	assert_int_equal(text_control(""), 0);
	assert_int_equal(text_control(" "), 0);
	assert_int_equal(text_control("\xc2\xa0"), 0);
	assert_int_equal(text_control("\xc3\x9b"), 0);
	assert_int_equal(text_control("\xc2"), 0);
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
		"\xe2\x82z",
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

static void the_distance_counts_what_was_mistyped(void **state)
{
	static const struct {
		const char *a, *b;
		int distance;
	} row[] = {
		{ "", "", 0 },
		{ "plan", "plan", 0 },
		{ "PLAN", "plan", 0 },
		{ "", "a", 1 },
		{ "plan", "plans", 1 },
		{ "plan", "lan", 1 },
		{ "plan", "clan", 1 },
		{ "paln", "plan", 1 },
		{ "pLAn", "paln", 1 },
		{ "lpna", "plan", 2 },
		{ "pan", "paln", 1 },
		{ "paan", "plans", 2 },
		{ "run", "rbcn", 2 },
		{ "", "ab", 2 },
		{ "abcd", "dabc", 2 },
		{ "history", "hitsroy", 2 },
		/* A letter that was swapped is not changed a second time. */
		{ "ca", "abc", TEXT_FAR },
		{ "", "abc", TEXT_FAR },
		{ "run", "history", TEXT_FAR },
		{ "caf\xc3\xa9", "caf\xc3\xa8", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(text_distance(row[i].a, row[i].b), row[i].distance);
		assert_int_equal(text_distance(row[i].b, row[i].a), row[i].distance);
	}
}

static const char *nearest(const char *typed)
{
	static const char *const name[] = { "run", "plan", "plans", "history", "hold", "holds" };
	struct text_nearest n = { .typed = typed };

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		text_consider(&n, name[i]);
	return n.name != NULL ? n.name : "";
}

static void the_nearest_name_is_the_one_with_fewest_changes(void **state)
{
	(void)state;
	assert_string_equal(nearest("paln"), "plan");
	assert_string_equal(nearest("plnas"), "plans");
	assert_string_equal(nearest("histroy"), "history");
	assert_string_equal(nearest("RUN"), "run");
	assert_string_equal(nearest("rn"), "run");
}

static void among_equals_the_first_is_the_nearest(void **state)
{
	(void)state;
	assert_string_equal(nearest("holdx"), "hold");
	assert_string_equal(nearest("plan_"), "plan");
}

static void a_short_name_has_one_letter_wrong_at_most(void **state)
{
	(void)state;
	assert_string_equal(nearest(""), "");
	assert_string_equal(nearest("u"), "");
	assert_string_equal(nearest("on"), "");
	assert_string_equal(nearest("ruin"), "run");
	assert_string_equal(nearest("ruin_"), "");
	assert_string_equal(nearest("pit"), "");
	assert_string_equal(nearest("history___"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_that_fits_is_copied_whole),
		cmocka_unit_test(text_is_never_cut_within_a_character),
		cmocka_unit_test(control_characters_become_spaces),
		cmocka_unit_test(a_control_character_has_one_byte_or_two),
		cmocka_unit_test(a_line_is_utf_8_without_control_characters),
		cmocka_unit_test(the_distance_counts_what_was_mistyped),
		cmocka_unit_test(the_nearest_name_is_the_one_with_fewest_changes),
		cmocka_unit_test(among_equals_the_first_is_the_nearest),
		cmocka_unit_test(a_short_name_has_one_letter_wrong_at_most),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
