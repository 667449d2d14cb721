/* What stands beside a plan's numbers. */
#include "db/outlook.h"

#include <stdio.h>

enum {
	PACE,
	AMOUNTS,
	RUNNING,
	NEXT,
	CALLS
};

static bool expect(const struct call *call, struct error *err)
{
	static const enum pg_type pace[] = { PG_INT8, PG_INT8, PG_INT8 };
	static const enum pg_type amounts[] = { PG_TEXT, PG_TEXT };
	static const enum pg_type running[] = { PG_INT8 };
	static const enum pg_type next[] = { PG_INT8, PG_TIMESTAMPTZ };

	return rows_expect(call[PACE].rows, pace, 3, err) &&
	       rows_expect(call[AMOUNTS].rows, amounts, 2, err) &&
	       rows_expect(call[RUNNING].rows, running, 1, err) &&
	       rows_expect(call[NEXT].rows, next, 2, err);
}

static bool read_amounts(const struct rows *rows, struct outlook *outlook, struct error *err)
{
	bool ok = true;

	for (int i = 0; ok && i < rows_count(rows) && i < CURRENCIES_MAX; i++) {
		snprintf(outlook->billed[i].currency, 4, "%s", rows_text(rows, i, 0));
		ok = rows_money(rows, i, 1, &outlook->billed[i].mean_minor, err);
		outlook->lines++;
	}
	return ok;
}

static bool read_all(const struct call *call, struct outlook *outlook, struct error *err)
{
	outlook->runs = rows_int8(call[PACE].rows, 0, 0);
	outlook->claimed = rows_int8(call[PACE].rows, 0, 1);
	outlook->ms = rows_int8(call[PACE].rows, 0, 2);
	if (rows_count(call[RUNNING].rows) > 0)
		outlook->running = rows_int8(call[RUNNING].rows, 0, 0);
	if (rows_count(call[NEXT].rows) > 0) {
		outlook->next_id = rows_int8(call[NEXT].rows, 0, 0);
		outlook->next_due_us = rows_int8(call[NEXT].rows, 0, 1);
	}
	return read_amounts(call[AMOUNTS].rows, outlook, err);
}

bool outlook_read(struct conn *conn, int64_t as_of_us, struct outlook *outlook, struct error *err)
{
	struct params most = { 0 }, after = { 0 };
	struct call call[CALLS] = {
		[PACE] = { .query = QUERY_RECENT_PACE, .params = &most },
		[AMOUNTS] = { .query = QUERY_RECENT_AMOUNTS, .params = &most },
		[RUNNING] = { .query = QUERY_RUNNING },
		[NEXT] = { .query = QUERY_NEXT_DUE, .params = &after },
	};
	bool ok;

	params_int8(&most, OUTLOOK_RUNS);
	params_timestamptz(&after, as_of_us);
	ok = conn_exchange(conn, call, CALLS, err);
	params_release(&most);
	params_release(&after);
	if (!ok)
		return false;
	ok = expect(call, err) && read_all(call, outlook, err);
	for (int i = 0; i < CALLS; i++)
		rows_free(call[i].rows);
	return ok;
}

int64_t outlook_duration_ms(const struct outlook *outlook, int64_t subscriptions)
{
	if (outlook->claimed == 0)
		return -1;
	return (int64_t)((double)outlook->ms / (double)outlook->claimed * (double)subscriptions);
}
