/* The rows of a batch: writing them back.  The order of the columns is that of the files in
 * sql/query. */
#include "db/batch_store.h"

/* Where the arrays begin among the parameters; what comes before are single values. */
enum {
	STATE_ARRAYS = 2,
	OUTCOME_ARRAYS = 2,
	HOLD_ARRAYS = 3,
};

void writeset_release(struct writeset *set)
{
	params_release(&set->state);
	params_release(&set->outcomes);
	params_release(&set->holds);
	params_release(&set->batch);
}

static void add_arrays(struct params *params, const enum pg_type *type, int arrays)
{
	for (int i = 0; i < arrays; i++)
		params_array(params, type[i]);
}

static void begin_state(struct params *params, const struct claim *claim)
{
	static const enum pg_type type[] = {
		PG_INT8_ARRAY,        PG_INT4_ARRAY,        PG_TEXT_ARRAY,      PG_BOOL_ARRAY,
		PG_INT4_ARRAY,        PG_INT4_ARRAY,        PG_TIMESTAMP_ARRAY, PG_INT4_ARRAY,
		PG_TIMESTAMPTZ_ARRAY, PG_TIMESTAMPTZ_ARRAY, PG_TEXT_ARRAY,      PG_TEXT_ARRAY,
		PG_BOOL_ARRAY,
	};

	params_clear(params);
	params_int2(params, claim->bucket);
	params_timestamptz(params, claim->as_of_us);
	add_arrays(params, type, sizeof(type) / sizeof(type[0]));
}

static void begin_outcomes(struct params *params, int64_t run_id, const struct claim *claim)
{
	static const enum pg_type type[] = {
		PG_INT8_ARRAY,        PG_INT8_ARRAY,        PG_INT4_ARRAY, PG_TEXT_ARRAY,
		PG_TEXT_ARRAY,        PG_TEXT_ARRAY,        PG_TEXT_ARRAY, PG_TIMESTAMPTZ_ARRAY,
		PG_TIMESTAMPTZ_ARRAY, PG_TIMESTAMPTZ_ARRAY, PG_INT4_ARRAY, PG_INT4_ARRAY,
		PG_INT8_ARRAY,        PG_INT8_ARRAY,        PG_TEXT_ARRAY,
	};

	params_clear(params);
	params_int2(params, claim->bucket);
	params_int8(params, run_id);
	add_arrays(params, type, sizeof(type) / sizeof(type[0]));
}

static void begin_holds(struct params *params, int64_t run_id, const struct claim *claim)
{
	params_clear(params);
	params_int2(params, claim->bucket);
	params_int8(params, run_id);
	params_timestamptz(params, claim->as_of_us);
	params_array(params, PG_INT8_ARRAY);
	params_array(params, PG_TEXT_ARRAY);
}

void writeset_begin(struct writeset *set, int64_t run_id, const struct claim *claim)
{
	begin_state(&set->state, claim);
	begin_outcomes(&set->outcomes, run_id, claim);
	begin_holds(&set->holds, run_id, claim);
	set->totals.lines = 0;
	set->states = 0;
	set->outcome_rows = 0;
	set->held = 0;
}

static void add_state(struct writeset *set, const struct facts *f, const struct step *last,
		      bool opened)
{
	struct param *p = &set->state.param[STATE_ARRAYS];

	array_int8(p++, f->subscription_id);
	array_int4(p++, f->revision);
	array_text(p++, status_name(f->status));
	array_bool(p++, opened);
	array_int4(p++, f->in_force.price_id);
	array_int4(p++, f->in_force.quantity);
	array_int8(p++, f->anchor_us);
	array_int4(p++, f->months_elapsed);
	array_int8(p++, f->period_start_us);
	array_int8(p++, f->period_end_us);
	array_text(p++, last->action == ACTION_EXPIRE ? last->reason : NULL);
	array_text(p++, last->action == ACTION_HOLD ? last->reason : NULL);
	array_bool(p++, f->catch_up_allowed);
	set->states++;
}

static void add_outcome(struct writeset *set, const struct facts *f, const struct step *s)
{
	struct param *p = &set->outcomes.param[OUTCOME_ARRAYS];

	array_int8(p++, f->subscription_id);
	array_int8(p++, f->account_id);
	array_int4(p++, s->revision);
	array_text(p++, kind_name(s->kind));
	array_text(p++, s->rule);
	array_text(p++, status_name(s->from_status));
	array_text(p++, status_name(s->to_status));
	array_int8(p++, s->period_start_us);
	array_int8(p++, s->period_end_us);
	if (step_opens(s))
		array_int8(p++, s->next_end_us);
	else
		array_null(p++);
	array_int4(p++, s->terms.price_id);
	array_int4(p++, s->terms.quantity);
	array_int8(p++, s->terms.unit_amount_minor);
	array_int8(p++, s->amount_minor);
	array_text(p++, s->terms.currency);
	totals_add(&set->totals, s);
	set->outcome_rows++;
}

static void add_hold(struct writeset *set, const struct facts *f, const struct step *s)
{
	array_int8(&set->holds.param[HOLD_ARRAYS], f->subscription_id);
	array_text(&set->holds.param[HOLD_ARRAYS + 1], s->rule);
	set->held++;
}

void writeset_add(struct writeset *set, const struct facts *after, const struct step *step,
		  int steps)
{
	const struct step *last = &step[steps - 1];

	if (step[0].action == ACTION_LEAVE)
		return;
	add_state(set, after, last, step_opens(&step[0]));
	for (int i = 0; i < steps; i++)
		if (step_is_outcome(&step[i]))
			add_outcome(set, after, &step[i]);
	if (last->action == ACTION_HOLD)
		add_hold(set, after, last);
}

static void begin_batch(struct writeset *set, int64_t run_id, const struct claim *claim,
			int claimed)
{
	struct params *params = &set->batch;
	struct param *kind, *currency, *outcomes, *amount;
	char text[MONEY_TEXT_SIZE];

	params_clear(params);
	params_int2(params, claim->bucket);
	params_int8(params, run_id);
	params_int4(params, claimed);
	params_int4(params, set->held);
	kind = params_array(params, PG_TEXT_ARRAY);
	currency = params_array(params, PG_TEXT_ARRAY);
	outcomes = params_array(params, PG_INT8_ARRAY);
	amount = params_array(params, PG_TEXT_ARRAY);
	for (int i = 0; i < set->totals.lines; i++) {
		const struct total *line = &set->totals.line[i];

		array_text(kind, kind_name(line->kind));
		array_text(currency, line->currency);
		array_int8(outcomes, line->outcomes);
		array_text(amount, money_format(line->amount_minor, 0, text));
	}
}

/* What is affected has to be what was decided; anything else is a fault of the program or of the
 * schema. */
static bool check_count(const char *what, int64_t written, int64_t decided, struct error *err)
{
	return written == decided ||
	       fail(err, EXIT_INTERNAL, "wrote %lld %s, but %lld were decided", (long long)written,
		    what, (long long)decided);
}

static bool check_counts(const struct writeset *set, const struct call call[4], struct error *err)
{
	static const enum pg_type type[] = { PG_INT8 };

	return rows_expect(call[3].rows, type, 1, err) &&
	       check_count("rows", rows_affected(call[0].rows), set->states, err) &&
	       check_count("outcomes", rows_affected(call[1].rows), set->outcome_rows, err) &&
	       check_count("holds", rows_affected(call[2].rows), set->held, err) &&
	       check_count("totals", rows_int8(call[3].rows, 0, 0), set->totals.lines, err);
}

bool store_write(struct conn *conn, struct writeset *set, int64_t run_id, const struct claim *claim,
		 int claimed, struct error *err)
{
	struct call call[] = {
		{ .query = QUERY_WRITE_STATE, .params = &set->state },
		{ .query = QUERY_WRITE_OUTCOMES, .params = &set->outcomes },
		{ .query = QUERY_WRITE_HOLDS, .params = &set->holds },
		{ .query = QUERY_WRITE_BATCH, .params = &set->batch },
	};
	bool ok;

	begin_batch(set, run_id, claim, claimed);
	if (!conn_exchange(conn, call, 4, err))
		return false;
	ok = check_counts(set, call, err);
	for (int i = 0; i < 4; i++)
		rows_free(call[i].rows);
	return ok;
}
