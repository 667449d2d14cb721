/* Offers: which plan each price is of. */
#ifndef DB_OFFERS_H
#define DB_OFFERS_H

#include "db/conn.h"

struct offers {
	struct rows *rows; /* in order of price_id; what follows points into it */
	int prices;
	int plans;
	struct offer {
		int32_t price_id;
		int plan; /* its place among the codes */
	} * price;
	const char **code; /* of each plan, in order of its first price */
};

/* Reads them into *offers, which is zeroed. */
bool offers_read(struct conn *conn, struct offers *offers, struct error *err) MUST_CHECK;

void offers_release(struct offers *offers);

/* The place of a price's plan among the codes; offers->plans for a price that is not known. */
int offers_plan(const struct offers *offers, int32_t price_id);

#endif
