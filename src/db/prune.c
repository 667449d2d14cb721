/* Deleting notification jobs that were finished long ago. */
#include "db/prune.h"
#include "db/buckets.h"

/* So many jobs a transaction deletes at most. */
#define PRUNE_AT_ONCE 1000

/* Deletes some jobs of a bucket behind *after, and moves it on; *more unless these were the last.
 */
static bool prune_some(struct conn *conn, struct params *params, int64_t *after, bool *more,
		       struct pruned *pruned, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_INT8, PG_INT8 };
	struct rows *rows = conn_query(conn, QUERY_PRUNE_JOBS, params, err);
	bool ok = rows != NULL && rows_expect(rows, type, 3, err);

	if (ok) {
		pruned->done += rows_int8(rows, 0, 0);
		pruned->dead += rows_int8(rows, 0, 1);
		*more = !rows_is_null(rows, 0, 2);
		if (*more)
			*after = rows_int8(rows, 0, 2);
	}
	rows_free(rows);
	return ok;
}

/* Committed before the first job is deleted: whoever misses one finds the note. */
static bool note_pruning(struct conn *conn, struct params *params, int64_t before_us,
			 struct error *err)
{
	params_timestamptz(params, before_us);
	return conn_execute(conn, QUERY_NOTE_PRUNING, params, err);
}

bool prune_jobs(struct conn *conn, int64_t before_us, int64_t clock_us, struct pruned *pruned,
		struct error *err)
{
	struct params params = { 0 };
	bool ok = note_pruning(conn, &params, before_us, err);

	for (int16_t bucket = 0; ok && bucket < BUCKETS; bucket++) {
		int64_t after = 0;
		bool more = true;

		while (ok && more) {
			params_clear(&params);
			params_int2(&params, bucket);
			params_timestamptz(&params, before_us);
			params_timestamptz(&params, clock_us);
			params_int8(&params, after);
			params_int8(&params, PRUNE_AT_ONCE);
			ok = prune_some(conn, &params, &after, &more, pruned, err);
		}
	}
	params_release(&params);
	return ok;
}
