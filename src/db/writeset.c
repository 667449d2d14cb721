/* Writesets: what was decided, as arrays.  The order of the columns is that of the files in
 * sql/query. */
#include "db/writeset.h"

#include <assert.h>

/* Where the arrays begin among the parameters; what comes before are single values. */
enum {
	STATE_ARRAYS = 2,
	OUTCOME_ARRAYS = 2,
	HOLD_ARRAYS = 3,
};

static const enum pg_type state_type[] = {
	PG_INT8_ARRAY,        /* subscription_id */
	PG_INT4_ARRAY,        /* revision */
	PG_TEXT_ARRAY,        /* status */
	PG_BOOL_ARRAY,        /* opened */
	PG_INT4_ARRAY,        /* price_id */
	PG_INT4_ARRAY,        /* quantity */
	PG_TIMESTAMP_ARRAY,   /* anchor */
	PG_INT4_ARRAY,        /* months_elapsed */
	PG_TIMESTAMPTZ_ARRAY, /* period_start */
	PG_TIMESTAMPTZ_ARRAY, /* period_end */
	PG_TEXT_ARRAY,        /* end_reason */
	PG_TEXT_ARRAY,        /* hold_reason */
	PG_BOOL_ARRAY,        /* catch_up_allowed */
};

static const enum pg_type outcome_type[] = {
	PG_INT8_ARRAY,        /* subscription_id */
	PG_INT8_ARRAY,        /* account_id */
	PG_INT4_ARRAY,        /* revision */
	PG_TEXT_ARRAY,        /* kind */
	PG_TEXT_ARRAY,        /* rule */
	PG_TEXT_ARRAY,        /* from_status */
	PG_TEXT_ARRAY,        /* to_status */
	PG_TIMESTAMPTZ_ARRAY, /* period_start */
	PG_TIMESTAMPTZ_ARRAY, /* period_end */
	PG_TIMESTAMPTZ_ARRAY, /* next_period_end */
	PG_INT4_ARRAY,        /* price_id */
	PG_INT4_ARRAY,        /* quantity */
	PG_INT8_ARRAY,        /* unit_amount */
	PG_INT8_ARRAY,        /* amount */
	PG_TEXT_ARRAY,        /* currency */
};

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

void writeset_release(struct writeset *set)
{
	params_release(&set->state);
	params_release(&set->outcomes);
	params_release(&set->holds);
	params_release(&set->hold_row);
	params_release(&set->batch);
}

static void add_arrays(struct params *params, const enum pg_type *type, int arrays)
{
	for (int i = 0; i < arrays; i++)
		params_array(params, type[i]);
}

void writeset_begin(struct writeset *set, int64_t run_id, int16_t bucket, int64_t as_of_us)
{
	set->run_id = run_id;
	set->bucket = bucket;
	set->as_of_us = as_of_us;
	params_clear(&set->state);
	params_int2(&set->state, bucket);
	params_timestamptz(&set->state, as_of_us);
	add_arrays(&set->state, state_type, COUNT(state_type));
	params_clear(&set->outcomes);
	params_int2(&set->outcomes, bucket);
	params_int8(&set->outcomes, run_id);
	add_arrays(&set->outcomes, outcome_type, COUNT(outcome_type));
	params_clear(&set->holds);
	params_int2(&set->holds, bucket);
	params_int8(&set->holds, run_id);
	params_timestamptz(&set->holds, as_of_us);
	params_array(&set->holds, PG_INT8_ARRAY);
	params_array(&set->holds, PG_TEXT_ARRAY);
	set->totals.lines = 0;
	set->claimed = 0;
	set->closed = 0;
	set->held = 0;
	set->continued = 0;
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
	array_text(p++, step_closes(last) ? last->reason : NULL);
	array_text(p++, last->action == ACTION_HOLD ? last->reason : NULL);
	array_bool(p++, f->catch_up_allowed);
}

static void add_outcome(struct writeset *set, const struct facts *f, const struct step *s)
{
	struct param *p = &set->outcomes.param[OUTCOME_ARRAYS];

	array_int8(p++, f->subscription_id);
	array_int8(p++, f->account_id);
	array_int4(p++, s->revision);
	array_text(p++, kind_name(s->kind));
	array_text(p++, s->rule->name);
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
	set->closed++;
}

static void add_hold(struct writeset *set, const struct facts *f, const struct step *s)
{
	array_int8(&set->holds.param[HOLD_ARRAYS], f->subscription_id);
	array_text(&set->holds.param[HOLD_ARRAYS + 1], s->rule->name);
	set->held++;
}

void writeset_add(struct writeset *set, const struct facts *after, const struct step *step,
		  int steps)
{
	const struct step *last = &step[steps - 1];

	assert(step[0].action != ACTION_LEAVE);
	add_state(set, after, last, step_opens(&step[0]));
	for (int i = 0; i < steps; i++)
		if (step_closes(&step[i]))
			add_outcome(set, after, &step[i]);
	if (last->action == ACTION_HOLD)
		add_hold(set, after, last);
	set->claimed++;
	set->continued += step_opens(last) && after->period_end_us <= set->as_of_us;
}

static void begin_batch(struct writeset *set)
{
	struct params *params = &set->batch;
	struct param *kind, *currency, *outcomes, *amount;
	char text[MONEY_TEXT_SIZE];

	params_clear(params);
	params_int2(params, set->bucket);
	params_int8(params, set->run_id);
	params_int4(params, set->claimed);
	params_int4(params, set->held);
	params_int4(params, set->continued);
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

/* Of write_batch. */
static bool check_batch(const struct writeset *set, const struct rows *rows, struct error *err)
{
	static const enum pg_type type[] = { PG_INT8, PG_INT8 };

	return rows_expect(rows, type, 2, err) &&
	       check_count("batches", rows_int8(rows, 0, 0), 1, err) &&
	       check_count("totals", rows_int8(rows, 0, 1), set->totals.lines, err);
}

static bool check_counts(const struct writeset *set, const struct call *call, struct error *err)
{
	return check_count("rows", rows_affected(call[0].rows), set->claimed, err) &&
	       check_count("outcomes", rows_affected(call[1].rows), set->closed, err) &&
	       check_batch(set, call[2].rows, err) &&
	       (set->held == 0 ||
		check_count("holds", rows_affected(call[3].rows), set->held, err));
}

bool writeset_write(struct writeset *set, struct conn *conn, struct error *err)
{
	struct call call[5] = {
		{ .query = QUERY_WRITE_STATE, .params = &set->state },
		{ .query = QUERY_WRITE_OUTCOMES, .params = &set->outcomes },
		{ .query = QUERY_WRITE_BATCH, .params = &set->batch },
	};
	int calls = 3;
	bool ok;

	begin_batch(set);
	if (set->held > 0)
		call[calls++] = (struct call){ .query = QUERY_WRITE_HOLDS, .params = &set->holds };
	/* Who listens for jobs is not woken for none. */
	if (set->closed > 0)
		call[calls++] = (struct call){ .query = QUERY_NOTIFY_JOBS };
	if (!conn_exchange(conn, call, calls, err))
		return false;
	ok = check_counts(set, call, err);
	for (int i = 0; i < calls; i++)
		rows_free(call[i].rows);
	return ok;
}

bool writeset_hold_row(struct writeset *set, struct conn *conn, int64_t subscription_id,
		       const struct error *refusal, struct error *err)
{
	struct params *params = &set->hold_row;
	struct call call[] = {
		{ .query = QUERY_HOLD_ROW, .params = params },
		{ .query = QUERY_WRITE_BATCH, .params = &set->batch },
	};
	bool ok;

	set->claimed = 1;
	set->held = 1;
	params_clear(params);
	params_int2(params, set->bucket);
	params_int8(params, subscription_id);
	params_int8(params, set->run_id);
	params_timestamptz(params, set->as_of_us);
	params_text(params, refusal->sqlstate);
	params_text(params, refusal->object);
	begin_batch(set);
	if (!conn_exchange(conn, call, 2, err))
		return false;
	ok = check_count("holds", rows_affected(call[0].rows), 1, err) &&
	     check_batch(set, call[1].rows, err);
	rows_free(call[0].rows);
	rows_free(call[1].rows);
	return ok;
}
