/* Facts: the columns of sql/query/facts.inc, by number. */
#include "db/facts_rows.h"

#include <string.h>

enum column {
	BUCKET,
	SUBSCRIPTION_ID,
	ACCOUNT_ID,
	REVISION,
	STATUS,
	BILLING_INFO,
	CATCH_UP_ALLOWED,
	HOLD_REASON,
	PERIOD_START,
	PERIOD_END,
	MONTHS_ELAPSED,
	ANCHOR,
	END_LOCAL,
	PRICE_ID,
	QUANTITY,
	UNIT_AMOUNT,
	CURRENCY,
	PRICE_CHANGES,
	NEXT_PRICE_ID,
	NEXT_QUANTITY,
	NEXT_UNIT_AMOUNT,
	NEXT_CURRENCY,
	NEXT_INTERVAL,
	BOUNDARIES,
	COLUMNS,
};

static const enum pg_type column_type[COLUMNS] = {
	[BUCKET] = PG_INT2,
	[SUBSCRIPTION_ID] = PG_INT8,
	[ACCOUNT_ID] = PG_INT8,
	[REVISION] = PG_INT4,
	[STATUS] = PG_TEXT,
	[BILLING_INFO] = PG_BOOL,
	[CATCH_UP_ALLOWED] = PG_BOOL,
	[HOLD_REASON] = PG_TEXT,
	[PERIOD_START] = PG_TIMESTAMPTZ,
	[PERIOD_END] = PG_TIMESTAMPTZ,
	[MONTHS_ELAPSED] = PG_INT4,
	[ANCHOR] = PG_TIMESTAMP,
	[END_LOCAL] = PG_TIMESTAMP,
	[PRICE_ID] = PG_INT4,
	[QUANTITY] = PG_INT4,
	[UNIT_AMOUNT] = PG_INT8,
	[CURRENCY] = PG_TEXT,
	[PRICE_CHANGES] = PG_BOOL,
	[NEXT_PRICE_ID] = PG_INT4,
	[NEXT_QUANTITY] = PG_INT4,
	[NEXT_UNIT_AMOUNT] = PG_INT8,
	[NEXT_CURRENCY] = PG_TEXT,
	[NEXT_INTERVAL] = PG_INT4,
	[BOUNDARIES] = PG_TIMESTAMPTZ_ARRAY,
};

bool facts_expect(const struct rows *rows, struct error *err)
{
	return rows_expect(rows, column_type, COLUMNS, err);
}

static bool read_status(const char *text, enum status *status, struct error *err)
{
	for (enum status s = STATUS_TRIALING; s <= STATUS_EXPIRED; s++)
		if (text != NULL && strcmp(text, status_name(s)) == 0) {
			*status = s;
			return true;
		}
	return fail(err, EXIT_INTERNAL, "a subscription has the unknown status \"%s\"",
		    text != NULL ? text : "");
}

static void read_amount(const struct rows *rows, int row, int unit_amount, int currency,
			struct terms *terms)
{
	const char *code = rows_text(rows, row, currency);

	terms->known = !rows_is_null(rows, row, unit_amount);
	terms->unit_amount_minor = rows_int8(rows, row, unit_amount);
	memcpy(terms->currency, code != NULL && strlen(code) == 3 ? code : "XXX", 4);
}

static void read_terms(const struct rows *rows, int row, struct facts *f)
{
	read_amount(rows, row, NEXT_UNIT_AMOUNT, NEXT_CURRENCY, &f->next);
	f->next.price_id = rows_int4(rows, row, NEXT_PRICE_ID);
	f->next.quantity = rows_int4(rows, row, NEXT_QUANTITY);
	f->interval_months = rows_int4(rows, row, NEXT_INTERVAL);
	f->in_force = f->next;
	if (rows_bool(rows, row, PRICE_CHANGES))
		read_amount(rows, row, UNIT_AMOUNT, CURRENCY, &f->in_force);
	f->in_force.price_id = rows_int4(rows, row, PRICE_ID);
	f->in_force.quantity = rows_int4(rows, row, QUANTITY);
}

bool facts_read(const struct rows *rows, int row, struct facts_row *out, struct error *err)
{
	struct facts *f = &out->facts;

	out->bucket = rows_int2(rows, row, BUCKET);
	*f = (struct facts){
		.subscription_id = rows_int8(rows, row, SUBSCRIPTION_ID),
		.account_id = rows_int8(rows, row, ACCOUNT_ID),
		.revision = rows_int4(rows, row, REVISION),
		.billing_info = rows_bool(rows, row, BILLING_INFO),
		.catch_up_allowed = rows_bool(rows, row, CATCH_UP_ALLOWED),
		.hold_reason = rows_text(rows, row, HOLD_REASON),
		.period_start_us = rows_int8(rows, row, PERIOD_START),
		.period_end_us = rows_int8(rows, row, PERIOD_END),
		.months_elapsed = rows_int4(rows, row, MONTHS_ELAPSED),
		.anchor_us = rows_int8(rows, row, ANCHOR),
		.end_local_us = rows_int8(rows, row, END_LOCAL),
	};
	read_terms(rows, row, f);
	facts_set_boundaries(out, rows, row, BOUNDARIES);
	return read_status(rows_text(rows, row, STATUS), &f->status, err);
}

void facts_set_boundaries(struct facts_row *row, const struct rows *rows, int at, int column)
{
	row->facts.boundary_us = row->boundary_us;
	row->facts.boundaries = rows_instants(rows, at, column, row->boundary_us, BOUNDARIES_MAX);
}
