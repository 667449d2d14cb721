/* What a report is asked for, held against what there is in the database. */
#include "report/scope.h"

#include <stdio.h>
#include <string.h>

/* character_not_in_repertoire: bytes that are no UTF-8. */
#define NOT_UTF8 "22021"

static bool check_known(const struct scope *scope, const struct rows *rows, struct error *err)
{
	if (!rows_bool(rows, 0, 0))
		return fail(err, EXIT_CONFIG, "report.time_zone: there is no time zone \"%s\"",
			    scope->time_zone);
	if (scope->currency != NULL && !rows_bool(rows, 0, 1)) {
		fail(err, EXIT_UNKNOWN, "there is no currency \"%s\"", scope->currency);
		return fail_hint(err, "write its ISO 4217 code, like EUR");
	}
	if (scope->plan != NULL && !rows_bool(rows, 0, 2)) {
		fail(err, EXIT_UNKNOWN, "there is no plan \"%s\"", scope->plan);
		return fail_hint(err, "write its code, as in the table perennial.plan");
	}
	return true;
}

static void copy_date(char to[DATE_TEXT_SIZE], const char *from)
{
	snprintf(to, DATE_TEXT_SIZE, "%s", from);
}

/* Today, this month and the last one, as the zone has them. */
static bool check_period(struct scope *scope, const struct rows *rows, struct error *err)
{
	const char *today = rows_text(rows, 0, 3);

	if (scope->period.from[0] == '\0') {
		copy_date(scope->period.from, rows_text(rows, 0, 5));
		copy_date(scope->period.to, rows_text(rows, 0, 4));
	}
	scope->is_over = strcmp(scope->period.to, today) <= 0;
	return strcmp(scope->period.from, today) <= 0 ||
	       fail(err, EXIT_USAGE,
		    "the period lies in the future: it begins on %s, and today is %s in %s",
		    scope->period.from, today, scope->time_zone);
}

bool scope_check(struct conn *conn, struct scope *scope, struct error *err)
{
	static const enum pg_type type[] = { PG_BOOL, PG_BOOL, PG_BOOL, PG_TEXT, PG_TEXT, PG_TEXT };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_text(&params, scope->time_zone);
	params_text(&params, scope->currency);
	params_text(&params, scope->plan);
	rows = conn_query(conn, QUERY_REPORT_SCOPE, &params, err);
	params_release(&params);
	if (rows == NULL && strcmp(err->sqlstate, NOT_UTF8) == 0)
		return scope->currency != NULL || scope->plan != NULL
			       ? fail(err, EXIT_UNKNOWN,
				      "there is no such currency or plan: it is "
				      "not text in UTF-8")
			       : fail(err, EXIT_CONFIG, "report.time_zone is not text in UTF-8");
	ok = rows != NULL && rows_expect(rows, type, 6, err) && check_known(scope, rows, err) &&
	     check_period(scope, rows, err);
	rows_free(rows);
	return ok;
}
