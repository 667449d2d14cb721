/* Fuzzes the reading of the configuration: what is accepted lies within its bounds, and what is
 * refused is said to be the configuration's fault. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"
#include "cmd/config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file without a place on disk; its path. */
static const char *write_file(const uint8_t *data, size_t size)
{
	static char path[40];
	static int fd = -1;

	if (fd == -1) {
		fd = memfd_create("perennial.conf", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	assert(fd != -1 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

static bool is_within(int64_t value, int64_t min, int64_t max)
{
	return value >= min && value <= max;
}

static void check(const struct config *config)
{
	const int64_t day_ms = 86400000;

	assert(memchr(config->connection, '\0', CONFIG_TEXT_SIZE) != NULL);
	assert(is_within(config->workers, 1, 64) && is_within(config->batch_size, 1, 10000));
	assert(is_within(config->max_rows_per_second, 0, 1000000));
	assert(is_within(config->deadline_ms, 1, day_ms));
	assert(is_within(config->retry_for_ms, 1, day_ms));
	assert(is_within(config->statement_timeout_ms, 1, day_ms));
	assert(is_within(config->lock_timeout_ms, 1, day_ms));
	assert(is_within(config->max_periods, 1, 31));
	assert(is_within(config->max_held, 0, 1000000000));
}

/* libconfig 1.5 forgets the text that it was reading when it finds an error of syntax.  Its tree is
 * thereby forgiven too; valgrind sees to that in another test. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 };
	struct error err = { 0 };

	if (config_load(write_file(data, size), &config, &err)) {
		check(&config);
		assert(err.code == EXIT_DONE && config.text_size == size);
	} else {
		assert(err.code == EXIT_CONFIG && strstr(err.message, " problem") != NULL);
	}
	config_release(&config);
	return 0;
}
