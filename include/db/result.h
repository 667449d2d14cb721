/* Between the files of db/ that see libpq: an answer as libpq has it. */
#ifndef DB_RESULT_H
#define DB_RESULT_H

#include "db/rows.h"

#include <libpq-fe.h>

/* The same answer as rows, which own it from now on. */
struct rows *rows_of(PGresult *result);

#endif
