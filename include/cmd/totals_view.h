/* Totals as they are shown by plan and run alike. */
#ifndef CMD_TOTALS_VIEW_H
#define CMD_TOTALS_VIEW_H

#include "core/totals.h"
#include "db/currencies.h"

/* A line for each kind and currency that was billed, and one for each kind of end. */
void totals_print_text(const struct totals *totals, const struct currencies *currencies);

/* A JSON array. */
void totals_print_json(const struct totals *totals, const struct currencies *currencies);

#endif
