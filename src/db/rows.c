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

bool rows_expect(const struct rows *rows, const enum pg_type *type, int columns, struct error *err)
{
	if (PQnfields(result(rows)) != columns)
		return fail(err, EXIT_INTERNAL, "a query answers %d columns, not %d",
			    PQnfields(result(rows)), columns);
	for (int i = 0; i < columns; i++)
		if (PQftype(result(rows), i) != (Oid)type[i] || PQfformat(result(rows), i) != 1)
			return fail(err, EXIT_INTERNAL, "column \"%s\" has type %u, not %u",
				    PQfname(result(rows), i), PQftype(result(rows), i), type[i]);
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

int rows_instants(const struct rows *rows, int row, int column, int64_t *us, int room)
{
	const char *bytes = PQgetvalue(result(rows), row, column);
	int size = PQgetlength(result(rows), row, column);
	int count;

	/* Dimensions, has nulls, element type, size, lower bound; then length and value of each. */
	if (size < 20 || number(bytes, 4) != 1 || number(bytes + 4, 4) != 0)
		return 0;
	count = (int)number(bytes + 12, 4);
	if (count > room)
		count = room;
	if (size < 20 + 12 * count)
		return 0;
	for (int i = 0; i < count; i++)
		us[i] = (int64_t)number(bytes + 20 + 12 * i + 4, 8);
	return count;
}
