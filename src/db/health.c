/* Whether runs happen, and keep up. */
#include "db/health.h"
#include "base/instant.h"
#include "base/text.h"

void health_release(struct health *health)
{
	rows_free(health->rows);
	*health = (struct health){ 0 };
}

int64_t health_jobs_waiting(const struct health *health)
{
	return health->jobs.ready + health->jobs.later + health->jobs.taken + health->jobs.lapsed;
}

int64_t health_age_s(const struct health *health, int64_t since_us)
{
	/* A run ends by a clock that goes on, and may end after the snapshot. */
	return since_us >= health->clock_us ? 0
					    : (health->clock_us - since_us) / INSTANT_PER_SECOND;
}

static int64_t instant(const struct rows *rows, int row, int column)
{
	return rows_is_null(rows, row, column) ? HEALTH_NEVER : rows_int8(rows, row, column);
}

static int64_t count(const struct rows *rows, int row, int column)
{
	return rows_is_null(rows, row, column) ? HEALTH_UNKNOWN : rows_int8(rows, row, column);
}

static struct health_first first(const struct rows *rows, int column)
{
	return (struct health_first){ instant(rows, 0, column), rows_int8(rows, 0, column + 1) };
}

static void read_jobs(const struct rows *rows, struct health *health)
{
	health->jobs.ready = rows_int8(rows, 0, 8);
	health->jobs.later = rows_int8(rows, 0, 9);
	health->jobs.taken = rows_int8(rows, 0, 10);
	health->jobs.lapsed = rows_int8(rows, 0, 11);
	health->jobs.dead = rows_int8(rows, 0, 12);
}

static void read_rest(const struct rows *rows, struct health *health)
{
	text_cut(health->server, sizeof(health->server), rows_text(rows, 0, 0));
	health->schema_version = rows_int4(rows, 0, 1);
	health->oldest_due = first(rows, 2);
	health->next_due = first(rows, 4);
	health->held = rows_int8(rows, 0, 6);
	health->oldest_held_us = instant(rows, 0, 7);
	health->died = rows_int8(rows, 0, 13);
}

static bool read_state(struct conn *conn, struct health *health, struct error *err)
{
	static const enum pg_type type[] = {
		PG_TEXT,        PG_INT4, PG_TIMESTAMPTZ, PG_INT8, PG_TIMESTAMPTZ, PG_INT8, PG_INT8,
		PG_TIMESTAMPTZ, PG_INT8, PG_INT8,        PG_INT8, PG_INT8,        PG_INT8, PG_INT8
	};
	struct params params = { 0 };
	struct rows *rows;
	bool ok;

	params_timestamptz(&params, health->clock_us);
	rows = conn_query(conn, QUERY_HEALTH, &params, err);
	params_release(&params);
	ok = rows != NULL && rows_expect(rows, type, 14, err);
	if (ok) {
		read_rest(rows, health);
		read_jobs(rows, health);
	}
	rows_free(rows);
	return ok;
}

static struct health_run read_run(const struct rows *rows, int row)
{
	return (struct health_run){
		.run_id = rows_int8(rows, row, 0),
		.as_of_us = rows_int8(rows, row, 1),
		.subscription_id = rows_int8(rows, row, 2),
		.started_us = rows_int8(rows, row, 3),
		.finished_us = instant(rows, row, 4),
		.state = rows_text(rows, row, 5),
		.result = rows_text(rows, row, 6),
		.exit_code = rows_is_null(rows, row, 7) ? HEALTH_UNKNOWN : rows_int4(rows, row, 7),
		.stopped_by = rows_text(rows, row, 8),
		.host = rows_text(rows, row, 9),
		.outcomes = rows_int8(rows, row, 10),
		.held = rows_int8(rows, row, 11),
		.failed = count(rows, row, 12),
		.left_due = count(rows, row, 13),
		.left_held = count(rows, row, 14),
	};
}

static bool read_runs(struct conn *conn, struct health *health, struct error *err)
{
	static const enum pg_type type[] = {
		PG_INT8, PG_TIMESTAMPTZ, PG_INT8, PG_TIMESTAMPTZ, PG_TIMESTAMPTZ, PG_TEXT,
		PG_TEXT, PG_INT4,        PG_TEXT, PG_TEXT,        PG_INT8,        PG_INT8,
		PG_INT8, PG_INT8,        PG_INT8, PG_BOOL,        PG_BOOL,        PG_BOOL,
	};
	struct params params = { 0 };

	params_int4(&params, HEALTH_RUNS);
	health->rows = conn_query(conn, QUERY_HEALTH_RUNS, &params, err);
	params_release(&params);
	if (health->rows == NULL || !rows_expect(health->rows, type, 18, err))
		return false;
	for (int i = 0; i < rows_count(health->rows); i++) {
		const struct health_run run = read_run(health->rows, i);

		if (rows_bool(health->rows, i, 15) && health->runs < HEALTH_RUNS)
			health->run[health->runs++] = run;
		if (rows_bool(health->rows, i, 16))
			health->last = run;
		if (rows_bool(health->rows, i, 17))
			health->success = run;
	}
	return true;
}

bool health_read(struct conn *conn, int64_t clock_us, struct health *health, struct error *err)
{
	bool ok;

	health->clock_us = clock_us;
	ok = conn_execute(conn, QUERY_BEGIN_PLAN, NULL, err) &&
	     conn_execute(conn, QUERY_REPORT_SETTINGS, NULL, err) &&
	     due_count(conn, clock_us, 0, &health->due, err) && read_state(conn, health, err) &&
	     read_runs(conn, health, err) &&
	     (health->last.run_id == 0 ||
	      run_row_sums(conn, health->last.run_id, &health->sums, err));
	conn_rollback(conn);
	return ok;
}
