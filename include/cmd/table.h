/* Rows as an aligned table. */
#ifndef CMD_TABLE_H
#define CMD_TABLE_H

#include "db/copy.h"

#include <stdbool.h>
#include <stddef.h>

/* So many rows wait until the widths of the columns are known; what comes later and is wider stands
 * out. */
#define TABLE_MEASURED 1000

struct table {
	struct columns columns;
	char end; /* what stands between the cells of a row */
	int width[COLUMNS_MAX];
	char *row[TABLE_MEASURED];
	int rows;
	bool measured;
	bool verdicts; /* it has cells that are PASS or FAIL, and coloured */
};

/* Takes a row of size bytes with its line's end. */
void table_row(struct table *table, const char *bytes, size_t size);

/* Prints what waits, the names of the columns above it, and releases it. */
void table_finish(struct table *table);

#endif
