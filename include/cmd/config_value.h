/* Values of the configuration, from their texts. */
#ifndef CMD_CONFIG_VALUE_H
#define CMD_CONFIG_VALUE_H

#include "cmd/config.h"

enum key_kind {
	KEY_TEXT,
	KEY_BOOL,
	KEY_INT,
	KEY_DURATION, /* "500ms", "60s", "40min", "2h", as milliseconds */
	KEY_FACILITY,
	KEY_LEVEL,
	KEY_ACCOUNT, /* of a journal */
	KEY_PATH,    /* absolute, or empty */
	KEY_AMOUNTS, /* a list of "250000.00 EUR" */
};

/* Sets a value of struct config, of a kind that is written as text.  NULL, or what is wrong with
 * it. */
const char *value_set(enum key_kind kind, const char *text, void *at);

/* "250000.00 EUR".  What the currency's decimals are, the database knows. */
bool value_set_amount(const char *text, struct config_amount *amount);

#endif
