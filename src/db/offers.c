/* Offers: which plan each price is of. */
#include "db/offers.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The place of a code, which becomes the next one if it is new.  There are few plans. */
static int place_of(struct offers *offers, const char *code)
{
	int i = 0;

	while (i < offers->plans && strcmp(offers->code[i], code) != 0)
		i++;
	offers->code[i] = code;
	if (i == offers->plans)
		offers->plans++;
	return i;
}

bool offers_read(struct conn *conn, struct offers *offers, struct error *err)
{
	static const enum pg_type type[] = { PG_INT4, PG_TEXT };
	struct rows *rows = conn_query(conn, QUERY_OFFERS, NULL, err);

	if (rows == NULL || !rows_expect(rows, type, 2, err)) {
		rows_free(rows);
		return false;
	}
	offers->rows = rows;
	offers->prices = rows_count(rows);
	offers->price = memory_zeroed((size_t)(offers->prices + 1) * sizeof(*offers->price));
	offers->code = memory_zeroed((size_t)(offers->prices + 1) * sizeof(*offers->code));
	for (int i = 0; i < offers->prices; i++)
		offers->price[i] = (struct offer){ rows_int4(rows, i, 0),
						   place_of(offers, rows_text(rows, i, 1)) };
	return true;
}

void offers_release(struct offers *offers)
{
	rows_free(offers->rows);
	free(offers->price);
	free(offers->code);
	*offers = (struct offers){ 0 };
}

static int compare(const void *key, const void *element)
{
	int32_t price_id = *(const int32_t *)key;
	const struct offer *offer = element;

	return price_id < offer->price_id ? -1 : price_id > offer->price_id;
}

int offers_plan(const struct offers *offers, int32_t price_id)
{
	const struct offer *offer = bsearch(&price_id, offers->price, (size_t)offers->prices,
					    sizeof(*offers->price), compare);

	return offer != NULL ? offer->plan : offers->plans;
}
