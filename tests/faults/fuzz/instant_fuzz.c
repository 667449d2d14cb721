/* Fuzzes instants: every one can be written, and what is written is read as the same. */
#include "fuzz.h"
#include "base/instant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* 0001-01-01 and 10000-01-01: years of four digits. */
#define FIRST (-INT64_C(730119) * INSTANT_PER_DAY)
#define LAST  (INT64_C(2921940) * INSTANT_PER_DAY)

static void write_and_read(int64_t instant)
{
	char text[INSTANT_TEXT_SIZE];
	int64_t again = 0;

	assert(strlen(instant_format(instant, text)) < INSTANT_TEXT_SIZE);
	if (instant >= FIRST && instant < LAST)
		assert(instant_parse(text, &again) && again == instant);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	int64_t instant;

	assert(text != NULL);
	if (instant_parse(text, &instant))
		write_and_read(instant);
	free(text);
	if (size >= sizeof(instant)) {
		memcpy(&instant, data, sizeof(instant));
		write_and_read(instant);
	}
	return 0;
}
