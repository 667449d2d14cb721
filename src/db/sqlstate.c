/* SQLSTATEs: the table of what they mean. */
#include "db/sqlstate.h"

#include <string.h>

/* The first row whose text the SQLSTATE begins with counts. */
static const struct {
	const char *begins;
	struct sqlstate_meaning meaning;
} row[] = {
	{ "22", { FAULT_ROW, EXIT_INTERNAL } },    /* data exception */
	{ "23", { FAULT_ROW, EXIT_INTERNAL } },    /* integrity constraint */
	{ "P0001", { FAULT_ROW, EXIT_INTERNAL } }, /* a trigger's RAISE */
	{ "PR0", { FAULT_ROW, EXIT_UNKNOWN } },    /* our own functions': not found, wrong state */

	{ "40001", { FAULT_RETRY, EXIT_LOST } }, /* serialization failure */
	{ "40P01", { FAULT_RETRY, EXIT_LOST } }, /* deadlock */
	{ "55P03", { FAULT_RETRY, EXIT_LOST } }, /* lock timeout */

	{ "57014", { FAULT_SHRINK, EXIT_LOST } }, /* statement timeout */

	{ "08007", { FAULT_UNKNOWN, EXIT_LOST } }, /* transaction resolution unknown */
	{ "40003", { FAULT_UNKNOWN, EXIT_LOST } }, /* statement completion unknown */

	{ "08", { FAULT_ENVIRONMENT, EXIT_LOST } },    /* connection */
	{ "53", { FAULT_ENVIRONMENT, EXIT_LOST } },    /* resources: disk, memory, connections */
	{ "57", { FAULT_ENVIRONMENT, EXIT_LOST } },    /* shutdown, start-up, crash of another */
	{ "25006", { FAULT_ENVIRONMENT, EXIT_LOST } }, /* read-only: a standby */
	{ "25P03", { FAULT_ENVIRONMENT, EXIT_LOST } }, /* idle in transaction for too long */

	{ "28", { FAULT_BUG, EXIT_ACCESS } },          { "42501", { FAULT_BUG, EXIT_ACCESS } },
	{ "3F000", { FAULT_BUG, EXIT_CONFIG } }, /* no such schema, … */
	{ "42P01", { FAULT_BUG, EXIT_CONFIG } }, /* … table, … */
	{ "42703", { FAULT_BUG, EXIT_CONFIG } }, /* … column, … */
	{ "42883", { FAULT_BUG, EXIT_CONFIG } }, /* … function: another version of the schema */
	{ "42P06", { FAULT_BUG, EXIT_CONFIG } }, /* schema … */
	{ "42P07", { FAULT_BUG, EXIT_CONFIG } }, /* … or table that is there already */
	{ "26000", { FAULT_BUG, EXIT_CONFIG } }, /* prepared statements … */
	{ "42P05", { FAULT_BUG, EXIT_CONFIG } }, /* … behind a connection pool */
	{ "0A", { FAULT_BUG, EXIT_INTERNAL } },        { "42", { FAULT_BUG, EXIT_INTERNAL } },
	{ "25P02", { FAULT_BUG, EXIT_INTERNAL } }, /* a statement after one that failed */

	{ "", { FAULT_ENVIRONMENT, EXIT_LOST } },
};

struct sqlstate_meaning sqlstate_meaning(const char *sqlstate)
{
	int i = 0;

	while (strncmp(sqlstate, row[i].begins, strlen(row[i].begins)) != 0)
		i++;
	return row[i].meaning;
}
