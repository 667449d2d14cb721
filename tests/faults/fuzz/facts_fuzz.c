/* Fuzzes what reads rows: an answer whose cells hold anything, of any length, is read as facts.
 * Facts that the tables can hold are decided and collected for writing, as a batch does it. */
#include "fuzz.h"
#include "base/instant.h"
#include "core/money.h"
#include "db/facts_rows.h"
#include "db/result.h"
#include "db/writeset.h"

#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

/* The columns that facts_expect wants. */
static const enum pg_type column_type[] = {
	PG_INT2,      PG_INT8, PG_INT8,        PG_INT4,        PG_TEXT, PG_BOOL,
	PG_BOOL,      PG_TEXT, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_INT4, PG_TIMESTAMP,
	PG_TIMESTAMP, PG_INT4, PG_INT4,        PG_INT8,        PG_TEXT, PG_BOOL,
	PG_INT4,      PG_INT4, PG_INT8,        PG_TEXT,        PG_INT4, PG_TIMESTAMPTZ_ARRAY,
};

#define COLUMNS   ((int)(sizeof(column_type) / sizeof(column_type[0])))
#define CELL_SIZE 600

/* What is left of the input; beyond its end there are zeros. */
struct input {
	const uint8_t *next;
	size_t left;
};

struct cell {
	char bytes[CELL_SIZE];
	int size; /* -1: null */
};

/* libpq keeps the cells of a row side by side, so that reading past one of them goes unnoticed: the
 * program is given a copy that ends where the cell ends, with the NUL that libpq puts there. */
static char *exact[COLUMNS];

char *PQgetvalue(const PGresult *result, int row, int column)
{
	(void)result;
	assert(row == 0);
	return exact[column];
}

static unsigned take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->next++;
}

static void append(struct cell *cell, uint64_t value, int size)
{
	for (int i = size - 1; i >= 0; i--)
		cell->bytes[cell->size++] = (char)(value >> (8 * i));
}

static void append_raw(struct cell *cell, struct input *in, int size)
{
	while (size-- > 0)
		append(cell, take(in), 1);
}

/* A day from 2000 to 2179. */
static uint64_t take_day(struct input *in)
{
	unsigned day = take(in) << 8;

	return (day | take(in)) * (uint64_t)INSTANT_PER_DAY;
}

static void append_word(struct cell *cell, struct input *in)
{
	static const char *const word[] = { "trialing", "active", "pending_cancellation", "expired",
					    "EUR",      "JPY",    "payment_dispute",      "" };
	const char *w = word[take(in) % 8];

	memcpy(cell->bytes, w, strlen(w));
	cell->size = (int)strlen(w);
}

static void append_days(struct cell *cell, struct input *in)
{
	unsigned count = take(in) % 40;

	append(cell, 1, 4);
	append(cell, 0, 4);
	append(cell, PG_TIMESTAMPTZ, 4);
	append(cell, count, 4);
	append(cell, 1, 4);
	for (unsigned i = 0; i < count; i++) {
		append(cell, 8, 4);
		append(cell, take_day(in), 8);
	}
}

static int size_of(enum pg_type type)
{
	return type == PG_BOOL ? 1 : type == PG_INT2 ? 2 : type == PG_INT4 ? 4 : 8;
}

/* What a server would send. */
static void append_sound(struct cell *cell, enum pg_type type, struct input *in)
{
	if (type == PG_TEXT)
		append_word(cell, in);
	else if (type == PG_TIMESTAMPTZ_ARRAY)
		append_days(cell, in);
	else if (type == PG_TIMESTAMP || type == PG_TIMESTAMPTZ)
		append(cell, take_day(in), 8);
	else
		append(cell, take(in), size_of(type));
}

static void fill_cell(struct cell *cell, enum pg_type type, struct input *in)
{
	unsigned how = take(in);

	cell->size = 0;
	if (how % 8 == 7)
		cell->size = -1;
	else if (how % 8 == 6)
		append_raw(cell, in, (int)how / 8);
	else if (how % 8 == 5)
		append_raw(cell, in, type == PG_TIMESTAMPTZ_ARRAY ? 32 : size_of(type));
	else
		append_sound(cell, type, in);
}

static void set_cell(PGresult *result, int column, struct cell *cell)
{
	int size = cell->size > 0 ? cell->size : 0;

	exact[column] = malloc((size_t)size + 1);
	assert(exact[column] != NULL && PQsetvalue(result, 0, column, cell->bytes, cell->size));
	memcpy(exact[column], cell->bytes, (size_t)size);
	exact[column][size] = '\0';
}

static bool is_sound(const struct cell *cell, enum pg_type type)
{
	return cell->size == -1 || type == PG_TEXT || type == PG_TIMESTAMPTZ_ARRAY ||
	       cell->size == size_of(type);
}

/* An answer of one row.  *sound is false where a column is missing, or has a type or format of its
 * own. */
static PGresult *make_answer(struct input *in, bool *sound)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	static char name[] = "column";
	PGresAttDesc attribute[COLUMNS] = { 0 };
	unsigned odd = take(in), way = odd < COLUMNS ? take(in) % 3 : 3;
	struct cell cell;

	for (int i = 0; i < COLUMNS; i++)
		attribute[i] = (PGresAttDesc){ .name = name,
					       .format = (unsigned)i != odd || way != 0,
					       .typid = column_type[i] +
							((unsigned)i == odd && way == 1) };
	assert(result != NULL && PQsetResultAttrs(result, COLUMNS - (way == 2), attribute));
	*sound = way == 3;
	for (int i = 0; i < COLUMNS - (way == 2); i++) {
		fill_cell(&cell, column_type[i], in);
		set_cell(result, i, &cell);
		*sound = *sound && is_sound(&cell, column_type[i]);
	}
	return result;
}

/* Any cell may be taken for an array. */
static void read_arrays(const struct rows *rows)
{
	int64_t us[BOUNDARIES_MAX];

	for (int i = 0; i < COLUMNS; i++) {
		int room = i % (BOUNDARIES_MAX + 1);
		int instants = rows_instants(rows, 0, i, us, room);

		assert(instants >= 0 && instants <= room);
	}
}

static bool terms_are_possible(const struct terms *t)
{
	return t->quantity > 0 && t->unit_amount_minor >= 0 && t->unit_amount_minor <= MONEY_MAX;
}

/* Whether the checks of the tables let such a row in.  The core may rely on them. */
static bool is_possible(const struct facts *f)
{
	return f->revision >= 0 && f->revision <= 2000000000 && f->months_elapsed >= 0 &&
	       f->months_elapsed <= 13200 && f->interval_months >= 0 && f->interval_months <= 120 &&
	       f->period_end_us > f->period_start_us && f->period_end_us <= INSTANT_END_MAX &&
	       terms_are_possible(&f->in_force) && terms_are_possible(&f->next);
}

static void check_steps(const struct step *step, int steps)
{
	assert(steps >= 1 && steps <= STEPS_MAX);
	for (int i = 0; i < steps; i++) {
		assert(step[i].amount_minor >= 0 && step[i].amount_minor <= MONEY_MAX);
		assert(!step_opens(&step[i]) || step[i].next_end_us > step[i].period_end_us);
		assert(i == 0 || (step[i].period_start_us == step[i - 1].period_end_us &&
				  step[i].revision ==
					  step[i - 1].revision + (step[i].action != ACTION_LEAVE)));
	}
}

static void decide_and_collect(struct facts_row *row, const struct policy *policy)
{
	static struct writeset set;
	struct facts *facts = &row->facts;
	struct step step[STEPS_MAX];
	int read = facts->boundaries, steps;

	/* Boundaries that were not read are not to be used. */
	ASAN_POISON_MEMORY_REGION(row->boundary_us + read, (BOUNDARIES_MAX - read) * 8);
	steps = decide_all(facts, policy, step);
	ASAN_UNPOISON_MEMORY_REGION(row->boundary_us, sizeof(row->boundary_us));
	check_steps(step, steps);
	writeset_begin(&set, 1, 0, policy->as_of_us);
	if (step[0].action != ACTION_LEAVE)
		writeset_add(&set, facts, step, steps);
	assert(set.closed <= steps && set.held <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct policy policy = { .as_of_us = (int64_t)take_day(&in),
				 .max_periods = 1 + (int)take(&in) % (BOUNDARIES_MAX - 1) };
	bool sound;
	struct rows *rows = rows_of(make_answer(&in, &sound));
	struct facts_row row;
	struct error err;

	assert(facts_expect(rows, &err) == sound);
	if (sound) {
		read_arrays(rows);
		if (facts_read(rows, 0, &row, &err) && is_possible(&row.facts))
			decide_and_collect(&row, &policy);
	}
	rows_free(rows);
	for (int i = 0; i < COLUMNS; i++) {
		free(exact[i]);
		exact[i] = NULL;
	}
	return 0;
}
