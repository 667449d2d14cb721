/* The tie-out as one number. */
#include "report/tieout.h"
#include "report/scope.h"
#include "report/stream.h"

static bool ask(struct conn *conn, const struct scope *scope, int64_t *failed, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8 };
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_text(&params, scope->period.from);
	params_text(&params, scope->period.to);
	params_text(&params, scope->time_zone);
	rows = conn_query(conn, QUERY_TIEOUT_FAILED, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 1, err);
	if (ok)
		*failed = rows_int8(rows, 0, 0);
	rows_free(rows);
	return ok;
}

bool tieout_failed_checks(struct conn *conn, const char *time_zone, int64_t *failed,
			  struct error *err)
{
	struct scope scope = { .time_zone = time_zone };
	bool ok = stream_begin(conn, err) && scope_check(conn, &scope, err) &&
		  ask(conn, &scope, failed, err);

	conn_rollback(conn);
	return ok;
}
