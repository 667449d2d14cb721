/* Rows of an answer, in binary format.
 *
 * The columns of a query are checked once, by rows_expect; after that they are read by number. What
 * is returned as a pointer is borrowed from the rows. */
#ifndef DB_ROWS_H
#define DB_ROWS_H

#include "base/error.h"
#include "core/money.h"
#include "db/params.h"

#include <stdint.h>

struct rows;

void rows_free(struct rows *rows);

int rows_count(const struct rows *rows);

/* How many rows a statement inserted, updated or fetched, as its command tag says. */
int64_t rows_affected(const struct rows *rows);

/* The command tag. */
const char *rows_tag(const struct rows *rows);

/* False, with EXIT_INTERNAL, unless the columns are of these types. */
bool rows_expect(const struct rows *rows, const enum pg_type *type, int columns,
		 struct error *err) MUST_CHECK;

bool rows_is_null(const struct rows *rows, int row, int column);
bool rows_bool(const struct rows *rows, int row, int column);
int16_t rows_int2(const struct rows *rows, int row, int column);
int32_t rows_int4(const struct rows *rows, int row, int column);
int64_t rows_int8(const struct rows *rows, int row, int column);     /* also instants */
const char *rows_text(const struct rows *rows, int row, int column); /* null is NULL */

/* Reads a sum in minor units, which is text: it may need more digits than an integer type has. */
bool rows_money(const struct rows *rows, int row, int column, money_sum *minor,
		struct error *err) MUST_CHECK;

/* Reads an array of instants into at most room elements; null and unreadable ones have none. */
int rows_instants(const struct rows *rows, int row, int column, int64_t *us, int room);

#endif
