/* Rows: reading PostgreSQL's binary format. */
#include "db/rows.h"
#include "db/result.h"

#include <stdlib.h>

/* struct rows is never defined: it is a PGresult under a name that db/ can show to the floors
 * above. */
static const PGresult *result(const struct rows *rows)
{
	return (const PGresult *)rows;
}

struct rows *rows_of(PGresult *result)
{
	return (struct rows *)result;
}

void rows_free(struct rows *rows)
{
	PQclear((PGresult *)rows);
}

int rows_count(const struct rows *rows)
{
	return PQntuples(result(rows));
}

int64_t rows_affected(const struct rows *rows)
{
	return strtoll(PQcmdTuples((PGresult *)rows), NULL, 10);
}

const char *rows_tag(const struct rows *rows)
{
	return PQcmdStatus((PGresult *)rows);
}

/* How many bytes a value has; 0: any number of them. */
static int size_of(enum pg_type type)
{
	switch (type) {
	case PG_BOOL:
		return 1;
	case PG_INT2:
		return 2;
	case PG_INT4:
		return 4;
	case PG_INT8:
	case PG_TIMESTAMP:
	case PG_TIMESTAMPTZ:
		return 8;
	default:
		return 0;
	}
}

/* Readers rely on it: they would read past the end of a value that is too short. */
static bool expect_size(const struct rows *rows, int column, int size, struct error *err)
{
	for (int i = 0; size != 0 && i < rows_count(rows); i++)
		if (PQgetlength(result(rows), i, column) != size && !rows_is_null(rows, i, column))
			return fail(err, EXIT_INTERNAL, "column \"%s\" has a value of %d bytes",
				    PQfname(result(rows), column),
				    PQgetlength(result(rows), i, column));
	return true;
}

bool rows_expect(const struct rows *rows, const enum pg_type *type, int columns, struct error *err)
{
	if (PQnfields(result(rows)) != columns)
		return fail(err, EXIT_INTERNAL, "a query answers %d columns, not %d",
			    PQnfields(result(rows)), columns);
	for (int i = 0; i < columns; i++)
		if (PQftype(result(rows), i) != (Oid)type[i] || PQfformat(result(rows), i) != 1)
			return fail(err, EXIT_INTERNAL, "column \"%s\" has type %u, not %u",
				    PQfname(result(rows), i), PQftype(result(rows), i), type[i]);
	for (int i = 0; i < columns; i++)
		if (!expect_size(rows, i, size_of(type[i]), err))
			return false;
	return true;
}

/* A value of size bytes in network order. */
static uint64_t number(const char *bytes, int size)
{
	uint64_t value = 0;

	for (int i = 0; i < size; i++)
		value = value << 8 | (unsigned char)bytes[i];
	return value;
}

static uint64_t field(const struct rows *rows, int row, int column, int size)
{
	return number(PQgetvalue(result(rows), row, column),
		      PQgetisnull(result(rows), row, column) ? 0 : size);
}

bool rows_is_null(const struct rows *rows, int row, int column)
{
	return PQgetisnull(result(rows), row, column);
}

bool rows_bool(const struct rows *rows, int row, int column)
{
	return field(rows, row, column, 1) != 0;
}

int16_t rows_int2(const struct rows *rows, int row, int column)
{
	return (int16_t)field(rows, row, column, 2);
}

int32_t rows_int4(const struct rows *rows, int row, int column)
{
	return (int32_t)field(rows, row, column, 4);
}

int64_t rows_int8(const struct rows *rows, int row, int column)
{
	return (int64_t)field(rows, row, column, 8);
}

const char *rows_text(const struct rows *rows, int row, int column)
{
	return rows_is_null(rows, row, column) ? NULL : PQgetvalue(result(rows), row, column);
}

bool rows_money(const struct rows *rows, int row, int column, money_sum *minor, struct error *err)
{
	const char *text = rows_text(rows, row, column);

	return (text != NULL && money_parse(text, 0, minor)) ||
	       fail(err, EXIT_INTERNAL, "column \"%s\" is no sum of money: %s",
		    PQfname(result(rows), column), text != NULL ? text : "null");
}

int rows_instants(const struct rows *rows, int row, int column, int64_t *us, int room)
{
	const char *bytes = PQgetvalue(result(rows), row, column), *element = bytes + 20;
	int size = PQgetlength(result(rows), row, column);
	int count;

	/* Dimensions, has nulls, element type, size, lower bound; then length and value of each. */
	if (size < 20 || number(bytes, 4) != 1 || number(bytes + 4, 4) != 0)
		return 0;
	count = (int)number(bytes + 12, 4);
	if (count > room)
		count = room;
	if (count < 0 || size < 20 + 12 * count)
		return 0;
	for (int i = 0; i < count; i++, element += 12)
		us[i] = (int64_t)number(element + 4, 8);
	return count;
}
