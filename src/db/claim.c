/* Claims: begin, and lock what is due. */
#include "db/claim.h"
#include "db/facts_rows.h"

/* Owns rows: they have the columns of the facts, or are freed. */
static struct rows *expect_facts(struct rows *rows, struct error *err)
{
	if (rows == NULL || facts_expect(rows, err))
		return rows;
	rows_free(rows);
	return NULL;
}

static void one_params(const struct claim *claim, int64_t subscription_id, struct params *params)
{
	params_timestamptz(params, claim->as_of_us);
	params_lost_zones(params, claim->lost_zones);
	params_int2(params, claim->bucket);
	params_timestamptz(params, claim->after.period_end_us);
	params_int8(params, claim->after.subscription_id);
	params_int8(params, subscription_id);
}

static void next_params(const struct claim *claim, struct params *params)
{
	params_timestamptz(params, claim->as_of_us);
	params_lost_zones(params, claim->lost_zones);
	params_int2(params, claim->bucket);
	params_timestamptz(params, claim->after.period_end_us);
	params_int8(params, claim->after.subscription_id);
	params_int8(params, claim->most);
}

struct rows *claim_rows(struct conn *conn, const struct claim *claim, struct error *err)
{
	struct params params = { 0 };
	struct call call[] = {
		{ .query = QUERY_BEGIN_BATCH },
		{ .query = claim->subscription_id != 0 ? QUERY_CLAIM_ONE : QUERY_CLAIM,
		  .params = &params },
	};
	int first = claim->begins ? 0 : 1;
	bool ok;

	if (claim->subscription_id != 0)
		one_params(claim, claim->subscription_id, &params);
	else
		next_params(claim, &params);
	ok = conn_exchange(conn, call + first, 2 - first, err);
	params_release(&params);
	rows_free(call[0].rows);
	return ok ? expect_facts(call[1].rows, err) : NULL;
}

bool claim_next(struct conn *conn, const struct claim *claim, int *found, struct claim_key *key,
		struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_TIMESTAMPTZ };
	struct params params = { 0 };
	struct call call[] = {
		{ .query = QUERY_BEGIN_BATCH },
		{ .query = QUERY_LOCK_NEXT, .params = &params },
		{ .query = QUERY_SAVEPOINT },
	};
	bool ok;

	params_timestamptz(&params, claim->as_of_us);
	params_int2(&params, claim->bucket);
	params_timestamptz(&params, claim->after.period_end_us);
	params_int8(&params, claim->after.subscription_id);
	params_id(&params, claim->subscription_id);
	ok = conn_exchange(conn, call, 3, err);
	params_release(&params);
	if (!ok)
		return false;
	ok = rows_expect(call[1].rows, type, 2, err);
	*found = ok ? rows_count(call[1].rows) : 0;
	if (*found > 0)
		*key = (struct claim_key){ rows_int8(call[1].rows, 0, 1),
					   rows_int8(call[1].rows, 0, 0) };
	for (int i = 0; i < 3; i++)
		rows_free(call[i].rows);
	return ok;
}

struct rows *claim_again(struct conn *conn, const struct claim *claim, int64_t subscription_id,
			 struct error *err)
{
	struct params params = { 0 };
	struct rows *rows;

	one_params(claim, subscription_id, &params);
	rows = conn_query(conn, QUERY_CLAIM_ONE, &params, err);
	params_release(&params);
	return expect_facts(rows, err);
}

struct rows *lost_time_zones(struct conn *conn, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT };
	struct rows *rows = conn_query(conn, QUERY_LOST_TIME_ZONES, NULL, err);

	if (rows == NULL || rows_expect(rows, type, 1, err))
		return rows;
	rows_free(rows);
	return NULL;
}

void params_lost_zones(struct params *params, const struct rows *lost)
{
	struct param *names = params_array(params, PG_TEXT_ARRAY);

	for (int i = 0; i < rows_count(lost); i++)
		array_text(names, rows_text(lost, i, 0));
}
