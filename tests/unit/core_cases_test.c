/* The truth tables in tests/cases against the core.  Months are added by a calendar of the test's
 * own: UTC only. */
#include "base/instant.h"
#include "core/decide.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define CASES_MAX 1000
#define LINE_SIZE 4000

static char names[CASES_MAX][120];
static char lines[CASES_MAX][LINE_SIZE];
static struct CMUnitTest tests[CASES_MAX];

static int64_t instant(const char *text)
{
	int64_t us = 0;

	if (!instant_parse(text, &us))
		fail_msg("\"%s\" is not a time", text);
	return us;
}

/* The anchor plus months, the last day where the day is missing. */
static int64_t add_months(int64_t anchor_us, int months)
{
	char text[INSTANT_TEXT_SIZE], moved[80];
	int year, month, day, total;
	char rest[20];
	int64_t us;

	instant_format(anchor_us, text);
	sscanf(text, "%4d-%2d-%2d%19s", &year, &month, &day, rest);
	total = year * 12 + month - 1 + months;
	do
		snprintf(moved, sizeof(moved), "%04d-%02d-%02d%s", total / 12, total % 12 + 1,
			 day--, rest);
	while (!instant_parse(moved, &us));
	return us;
}

/* The value of "name=" among the words of a text, or fallback. */
static const char *word(const char *text, const char *name, const char *fallback, char buffer[80])
{
	size_t n = strlen(name);

	for (const char *p = text; *p != '\0'; p += strcspn(p, " "), p += strspn(p, " "))
		if (strncmp(p, name, n) == 0 && p[n] == '=') {
			snprintf(buffer, 80, "%.*s", (int)strcspn(p + n + 1, " "), p + n + 1);
			return buffer;
		}
	return fallback;
}

static bool flag(const char *text, const char *name)
{
	const char *p = strstr(text, name);
	char after = p != NULL ? p[strlen(name)] : 'x';

	return p != NULL && p[-1] == ' ' && (after == ' ' || after == '\0');
}

static int64_t number(const char *text, const char *name, int64_t fallback)
{
	char buffer[80];
	const char *value = word(text, name, NULL, buffer);

	return value != NULL ? strtoll(value, NULL, 10) : fallback;
}

static enum status status_at(const char *text)
{
	for (enum status s = STATUS_TRIALING; s <= STATUS_EXPIRED; s++)
		if (strncmp(text, status_name(s), strlen(status_name(s))) == 0)
			return s;
	fail_msg("no status in \"%s\"", text);
	return STATUS_EXPIRED;
}

static struct terms terms_at(const char *text, const char *price, const char *quantity,
			     const struct terms *fallback)
{
	struct terms terms = *fallback;
	char buffer[80];

	terms.known = true;
	terms.unit_amount_minor = number(text, price, terms.unit_amount_minor);
	terms.quantity = (int32_t)number(text, quantity, terms.quantity);
	snprintf(terms.currency, 4, "%s", word(text, "currency", "EUR", buffer));
	return terms;
}

/* A misspelt fact would be a case that tests something else. */
static void check_words(const char *text)
{
	static const char *const known[] = {
		"end=",           "start=",    "anchor=",   "months=",     "every=",
		"price=",         "currency=", "quantity=", "next-price=", "next-every=",
		"next-quantity=", "hold=",     "max=",      "billing",     "catch-up"
	};

	for (const char *p = text + strcspn(text, " "); *(p += strspn(p, " ")) != '\0';
	     p += strcspn(p, " ")) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || strncmp(p, known[i], strlen(known[i])) == 0;
		if (!found)
			fail_msg("unknown fact at \"%s\"", p);
	}
}

static void fill_facts(const char *text, int64_t as_of_us, struct facts *f,
		       int64_t boundary_us[BOUNDARIES_MAX])
{
	static char hold[80];
	static const struct terms usual = { .unit_amount_minor = 1000, .quantity = 1 };
	char buffer[80];
	int64_t end = instant(word(text, "end", "", buffer));
	int64_t anchor;
	int months;

	*f = (struct facts){
		.status = status_at(text),
		.billing_info = flag(text, "billing"),
		.catch_up_allowed = flag(text, "catch-up"),
		.hold_reason = word(text, "hold", NULL, hold),
		.period_end_us = end,
		.period_start_us = word(text, "start", NULL, buffer) != NULL
					   ? instant(buffer)
					   : end - INSTANT_PER_DAY,
		.end_local_us = end,
		.months_elapsed = (int32_t)number(text, "months", 0),
		.anchor_us = word(text, "anchor", NULL, buffer) != NULL ? instant(buffer) : end,
		.in_force = terms_at(text, "price", "quantity", &usual),
		.boundary_us = boundary_us,
	};
	f->next = terms_at(text, "next-price", "next-quantity", &f->in_force);
	f->interval_months = (int32_t)number(text, "next-every", number(text, "every", 1));
	anchor = f->status == STATUS_TRIALING ? end : f->anchor_us;
	months = f->status == STATUS_TRIALING ? 0 : f->months_elapsed;
	do
		boundary_us[f->boundaries++] = add_months(anchor, months += f->interval_months);
	while (f->boundaries < BOUNDARIES_MAX && boundary_us[f->boundaries - 1] <= as_of_us);
}

/* What happened, written as a case writes it. */
static void describe(const struct step *step, int steps, char *what, char *by_rule)
{
	*what = *by_rule = '\0';
	for (int i = 0; i < steps; i++) {
		const struct step *s = &step[i];
		char end[INSTANT_TEXT_SIZE];

		sprintf(by_rule + strlen(by_rule), "%s%s", i > 0 ? ", " : "", s->rule->name);
		sprintf(what + strlen(what), "%s", i > 0 ? ", " : "");
		if (s->action == ACTION_LEAVE)
			strcat(what, "-");
		else if (s->action == ACTION_HOLD)
			sprintf(what + strlen(what), "held %s", s->reason);
		else if (!step_opens(s))
			strcat(what, kind_name(s->kind));
		else
			sprintf(what + strlen(what), "%s %s %lld", kind_name(s->kind),
				instant_format(s->next_end_us, end), (long long)s->amount_minor);
	}
}

/* "2024-03-29" and "2024-03-29T00:00:00Z" are the same: both become the latter. */
static void spell_out(const char *expect, char *out)
{
	char copy[LINE_SIZE], *save = NULL;

	*out = '\0';
	snprintf(copy, sizeof(copy), "%s", expect);
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		char text[INSTANT_TEXT_SIZE];
		int64_t us;

		sprintf(out + strlen(out), "%s%s", *out != '\0' ? " " : "",
			instant_parse(w, &us) ? instant_format(us, text) : w);
	}
}

static char *column(char **rest)
{
	char *start = *rest + strspn(*rest, " "), *bar = strchr(start, '|');
	size_t n = bar != NULL ? (size_t)(bar - start) : strlen(start);

	*rest = bar != NULL ? bar + 1 : start + n;
	while (n > 0 && start[n - 1] == ' ')
		n--;
	start[n] = '\0';
	return start;
}

static void core_decides_as_the_table_says(void **state)
{
	char *rest = *state;
	char *as_of = column(&rest), *facts_text = column(&rest), *expect = column(&rest),
	     *rule = column(&rest);
	char what[LINE_SIZE], expected[LINE_SIZE], rules_found[LINE_SIZE];
	struct policy policy = { .as_of_us = instant(as_of),
				 .max_periods = (int)number(facts_text, "max", 3) };
	int64_t boundary_us[BOUNDARIES_MAX];
	struct step step[STEPS_MAX];
	struct facts facts;

	check_words(facts_text);
	fill_facts(facts_text, policy.as_of_us, &facts, boundary_us);
	describe(step, decide_all(&facts, &policy, step), what, rules_found);
	spell_out(expect, expected);
	assert_string_equal(what, expected);
	assert_string_equal(rules_found, rule);
}

/* Adds a file's cases to the list; returns how many there are then. */
static int read_cases(const char *path, int n)
{
	FILE *f = fopen(path, "r");
	int line = 0;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while (n < CASES_MAX && fgets(lines[n], LINE_SIZE, f) != NULL) {
		line++;
		lines[n][strcspn(lines[n], "\n")] = '\0';
		if (lines[n][0] == '#' || lines[n][0] == '\0')
			continue;
		snprintf(names[n], sizeof(names[n]), "%s:%d %.70s", strrchr(path, '/') + 1, line,
			 lines[n]);
		tests[n] = (struct CMUnitTest){
			.name = names[n],
			.test_func = core_decides_as_the_table_says,
			.initial_state = lines[n],
		};
		n++;
	}
	fclose(f);
	return n;
}

int main(void)
{
	glob_t files;
	int n = 0;

	if (glob("tests/cases/*.case", 0, NULL, &files) != 0) {
		fprintf(stderr, "no tests/cases/*.case: run it from the top of the tree\n");
		return 1;
	}
	for (size_t i = 0; i < files.gl_pathc; i++)
		n = read_cases(files.gl_pathv[i], n);
	globfree(&files);
	return _cmocka_run_group_tests("cases", tests, (size_t)n, NULL, NULL);
}
