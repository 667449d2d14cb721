/* Facts, as the columns of sql/query/facts.inc tell them. */
#ifndef DB_FACTS_ROWS_H
#define DB_FACTS_ROWS_H

#include "core/facts.h"
#include "db/rows.h"

/* One row's facts with what they borrow.  Not to be copied: the facts point into it. */
struct facts_row {
	int16_t bucket;
	struct facts facts;
	int64_t boundary_us[BOUNDARIES_MAX];
};

/* Checks the columns of an answer that has them. */
bool facts_expect(const struct rows *rows, struct error *err) MUST_CHECK;

/* Reads one row.  hold_reason is borrowed from rows.  False for a status that this program does not
 * know. */
bool facts_read(const struct rows *rows, int row, struct facts_row *out,
		struct error *err) MUST_CHECK;

/* Boundaries that follow, read into the same place. */
void facts_set_boundaries(struct facts_row *row, const struct rows *rows, int at, int column);

#endif
