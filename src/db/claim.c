/* Claims: begin, set the limits, lock what is due. */
#include "db/claim.h"
#include "db/facts_rows.h"

static void claim_params(const struct claim *claim, struct params *params)
{
	params_timestamptz(params, claim->as_of_us);
	params_int2(params, claim->bucket);
	if (claim->subscription_id != 0) {
		params_int8(params, claim->subscription_id);
		return;
	}
	params_timestamptz(params, claim->after_end_us);
	params_int8(params, claim->after_id);
	params_int4(params, claim->most);
}

struct rows *claim_rows(struct conn *conn, const struct claim *claim,
			const struct time_limits *limits, struct error *err)
{
	struct params settings = { 0 }, params = { 0 };
	struct call call[] = {
		{ .query = QUERY_BEGIN_BATCH },
		{ .query = QUERY_SETTINGS, .params = &settings },
		{ .query = claim->subscription_id != 0 ? QUERY_CLAIM_ONE : QUERY_CLAIM,
		  .params = &params },
	};
	bool ok;

	params_text(&settings, limits->statement_timeout);
	params_text(&settings, limits->lock_timeout);
	claim_params(claim, &params);
	ok = conn_exchange(conn, call, 3, err);
	params_release(&settings);
	params_release(&params);
	if (!ok)
		return NULL;
	rows_free(call[0].rows);
	rows_free(call[1].rows);
	if (facts_expect(call[2].rows, err))
		return call[2].rows;
	rows_free(call[2].rows);
	return NULL;
}
