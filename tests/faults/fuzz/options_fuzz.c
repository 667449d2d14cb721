/* Fuzzes the options of every command: the arguments are the lines of the input. */
#include "fuzz.h"
#include "base/instant.h"
#include "cmd/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 16

/* Fills argv behind its name; returns how many there are. */
static int split(const char *text, size_t size, char *argv[ARGUMENTS_MAX + 1])
{
	const char *end = text + size;
	int argc = 1;

	while (text < end && argc < ARGUMENTS_MAX) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		if (line_end == NULL)
			line_end = end;
		argv[argc++] = strndup(text, (size_t)(line_end - text));
		text = line_end + 1;
	}
	argv[argc] = NULL;
	return argc;
}

static void check(const struct command *c, const struct options *o)
{
	assert(o->workers >= 0 && o->workers <= 64);
	assert(o->batch_size >= 0 && o->batch_size <= 10000);
	assert(c->takes == TAKES_IDS || o->ids == 0);
	for (int i = 0; i < o->ids; i++)
		assert(options_id(o, i) >= 1);
	assert(o->limit >= 0 && o->subscription_id >= 0 && o->older_than_us >= 0);
	assert(!o->given[OPTION_AS_OF] ||
	       (o->as_of_us >= INSTANT_AS_OF_MIN && o->as_of_us <= INSTANT_AS_OF_MAX));
	assert(o->format == FORMAT_TEXT || c->formats >> o->format & 1);
	assert(c->takes == TAKES_ID ? o->id >= 1 : o->id == 0);
}

static void parse(const struct command *c, const uint8_t *data, size_t size)
{
	struct options options = { 0 };
	struct error err = { 0 };
	bool help = false;
	char *argv[ARGUMENTS_MAX + 1] = { strdup(c->name) };
	int argc = split((const char *)data, size, argv);

	if (!options_parse(argc, argv, c, &options, &help, &err))
		assert(err.code == EXIT_USAGE && err.message[0] != '\0');
	else if (!help)
		check(c, &options);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int i = 0; i < command_count; i++)
		parse(commands[i], data, size);
	return 0;
}
