/* A row of the table of options. */
#ifndef CMD_OPTION_ROW_H
#define CMD_OPTION_ROW_H

#include "cmd/options.h"

#include <stddef.h>

enum value {
	VALUE_NONE,    /* a bool */
	VALUE_NUMBER,  /* an int64_t */
	VALUE_INSTANT, /* an int64_t, in microseconds since 2000 */
	VALUE_AGE,     /* an int64_t, in microseconds */
	VALUE_FORMAT,
	VALUE_TEXT, /* a const char * */
	VALUE_LINE, /* the same: one line of UTF-8, not only blanks */
};

struct option_row {
	const char *name;
	const char *argument; /* NULL: it takes none */
	enum value value;
	int64_t min, max; /* of a number or an instant; of an age, the shortest; bytes of a line */
	size_t at;        /* in struct options */
	const char *help; /* NULL: the formats of the command */
};

/* By enum option_id. */
extern const struct option_row option_row[OPTIONS];

#endif
