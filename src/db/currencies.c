/* Currencies: how many decimals each one has. */
#include "db/currencies.h"

#include <stdio.h>
#include <string.h>

bool currencies_read(struct conn *conn, struct currencies *currencies, struct error *err)
{
	static const enum pg_type type[] = { PG_TEXT, PG_INT4 };
	struct rows *rows = conn_query(conn, QUERY_CURRENCIES, NULL, err);
	bool ok = rows != NULL && rows_expect(rows, type, 2, err);

	currencies->count = 0;
	for (int i = 0; ok && i < rows_count(rows) && i < CURRENCIES_MAX; i++) {
		snprintf(currencies->currency[i].code, 4, "%s", rows_text(rows, i, 0));
		currencies->currency[i].exponent = rows_int4(rows, i, 1);
		currencies->count++;
	}
	rows_free(rows);
	return ok;
}

int currency_exponent(const struct currencies *currencies, const char *code)
{
	for (int i = 0; i < currencies->count; i++)
		if (strcmp(currencies->currency[i].code, code) == 0)
			return currencies->currency[i].exponent;
	return 0;
}
