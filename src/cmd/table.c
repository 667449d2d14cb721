/* Rows as an aligned table. */
#include "cmd/table.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/color.h"
#include "cmd/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cell as it is shown. */
struct cell {
	const char *text;
	size_t size;
	int width;
	char number[OUTPUT_DECIMAL_SIZE];
};

static bool is_number(const struct columns *columns, int column)
{
	unsigned type = columns->type[column];

	return type == PG_INT2 || type == PG_INT4 || type == PG_INT8 || type == PG_NUMERIC;
}

/* Whether it is a name rather than a quantity: its thousands are not set apart. */
static bool is_id(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, "_id") == 0;
}

/* The size of a column's name without its unit; 0 where it is not a time in seconds, which people
 * read in larger units. */
static size_t span_name_size(const char *name)
{
	static const char unit[] = "_seconds";
	size_t n = strlen(name), unit_size = sizeof(unit) - 1;

	return n > unit_size && strcmp(name + n - unit_size, unit) == 0 ? n - unit_size : 0;
}

/* Cuts the next cell off a row. */
static const char *next_cell(const struct table *table, int column, const char *row,
			     struct cell *cell)
{
	const char delimiters[] = { table->end, '\n', '\0' };

	cell->text = row;
	cell->size = strcspn(row, delimiters);
	row += cell->size;
	if (cell->size > 0 && span_name_size(table->columns.name[column]) > 0) {
		cell->text = output_age(strtoll(cell->text, NULL, 10), cell->number);
		cell->size = strlen(cell->text);
	} else if (is_number(&table->columns, column) && !is_id(table->columns.name[column]) &&
		   cell->size < OUTPUT_DECIMAL_SIZE / 2 && cell->size > 0 && cell->text[0] <= '9') {
		char plain[OUTPUT_DECIMAL_SIZE];

		snprintf(plain, sizeof(plain), "%.*s", (int)cell->size, cell->text);
		cell->text = output_grouped(plain, cell->number);
		cell->size = strlen(cell->text);
	}
	cell->width = text_width(cell->text, cell->size);
	return *row == table->end ? row + 1 : row;
}

static bool is_word(const char *text, int size, const char *word)
{
	return strlen(word) == (size_t)size && memcmp(text, word, (size_t)size) == 0;
}

static void print_text(const struct table *table, const char *text, int size)
{
	bool good = table->verdicts && is_word(text, size, "PASS");
	bool bad = table->verdicts && is_word(text, size, "FAIL");

	if (good || bad)
		color_begin(good ? COLOR_GOOD : COLOR_BAD);
	printf("%.*s", size, text);
	if (good || bad)
		color_end();
}

/* Prints a cell in its place.  What follows it is blank only up to the last cell that has text. */
static void print_cell(const struct table *table, int column, const char *text, int size, int width,
		       bool is_last)
{
	int blank = table->width[column] > width ? table->width[column] - width : 0;
	bool right = is_number(&table->columns, column);

	printf("%*s", right ? blank : 0, "");
	print_text(table, text, size);
	if (!is_last)
		printf("%*s", (right ? 0 : blank) + 2, "");
}

static void print_row(const struct table *table, const char *row)
{
	struct cell cell[COLUMNS_MAX];
	int last = -1;

	for (int i = 0; i < table->columns.count; i++) {
		row = next_cell(table, i, row, &cell[i]);
		if (cell[i].size > 0)
			last = i;
	}
	for (int i = 0; i <= last; i++)
		print_cell(table, i, cell[i].text, (int)cell[i].size, cell[i].width, i == last);
	putchar('\n');
}

/* The words of a column's name stand one above the other where that makes the column narrower. */
#define HEADER_LINES 4

/* A word of a name, counted from the last one; its size is 0 where there are not so many. */
static const char *word(const char *name, int from_last, size_t *size)
{
	size_t span = span_name_size(name);
	const char *end = name + (span > 0 ? span : strlen(name));

	for (;;) {
		const char *start = end;

		while (start > name && start[-1] != '_')
			start--;
		*size = (size_t)(end - start);
		if (from_last-- == 0)
			return start;
		if (start == name) {
			*size = 0;
			return name;
		}
		end = start - 1;
	}
}

static void print_header(const struct table *table)
{
	for (int line = HEADER_LINES - 1; line >= 0; line--) {
		size_t size;
		int last = -1;

		for (int i = 0; i < table->columns.count; i++) {
			word(table->columns.name[i], line, &size);
			if (size > 0)
				last = i;
		}
		for (int i = 0; i <= last; i++) {
			const char *text = word(table->columns.name[i], line, &size);

			print_cell(table, i, text, (int)size, (int)size, i == last);
		}
		if (last >= 0)
			putchar('\n');
	}
}

static void measure_names(struct table *table)
{
	for (int i = 0; i < table->columns.count; i++)
		for (int w = 0; w < HEADER_LINES; w++) {
			size_t size;

			word(table->columns.name[i], w, &size);
			if ((int)size > table->width[i])
				table->width[i] = (int)size;
		}
}

static void measure(struct table *table, const char *row)
{
	struct cell cell;

	for (int i = 0; i < table->columns.count; i++) {
		row = next_cell(table, i, row, &cell);
		if (cell.width > table->width[i])
			table->width[i] = cell.width;
	}
}

void table_finish(struct table *table)
{
	if (!table->measured) {
		measure_names(table);
		print_header(table);
	}
	for (int i = 0; i < table->rows; i++) {
		print_row(table, table->row[i]);
		free(table->row[i]);
	}
	table->rows = 0;
	table->measured = true;
}

void table_row(struct table *table, const char *bytes, size_t size)
{
	if (table->measured) {
		print_row(table, bytes);
		return;
	}
	measure(table, bytes);
	table->row[table->rows] = memory_zeroed(size + 1);
	memcpy(table->row[table->rows++], bytes, size);
	if (table->rows == TABLE_MEASURED)
		table_finish(table);
}
