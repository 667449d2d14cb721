/* Currencies: how many decimals each one has. */
#ifndef DB_CURRENCIES_H
#define DB_CURRENCIES_H

#include "db/conn.h"

#define CURRENCIES_MAX 256

struct currencies {
	int count;
	struct {
		char code[4];
		int exponent;
	} currency[CURRENCIES_MAX];
};

bool currencies_read(struct conn *conn, struct currencies *currencies,
		     struct error *err) MUST_CHECK;

/* 0 for a code that is not among them: its amounts are shown as they are stored. */
int currency_exponent(const struct currencies *currencies, const char *code);

#endif
