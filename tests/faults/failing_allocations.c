/* Memory that runs out: preloaded into a program, this makes allocations fail from its main on;
 * those that libc and libpq do for it count too.
 *
 * FAIL_AT=N         the N-th allocation fails
 * FAIL_FROM=N       the N-th fails, and all that follow
 * FAIL_REPORT=FILE  gets the word "failed" at a failure, or at the end how many allocations there
 * were */
#define _GNU_SOURCE /* RTLD_NEXT, _dl_find_object */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libc's own, by names that need no look-up: dlsym allocates. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

char *__strdup(const char *text);

typedef int main_function(int argc, char **argv, char **environment);

/* What calls main. */
int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*end)(void), void *stack_end);

static main_function *program;
static const char *report;
static long fail_at, fail_from;

/* Before main it is the loader that allocates. */
static atomic_bool started;
static atomic_bool failed;
static pthread_once_t told = PTHREAD_ONCE_INIT;
static atomic_long allocations;

/* Without an allocation. */
static void tell(const char *text)
{
	int fd = report != NULL ? open(report, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

	if (fd == -1)
		return;
	if (write(fd, text, strlen(text)) == -1)
		abort();
	close(fd);
}

static void tell_failure(void)
{
	failed = true;
	tell("failed");
}

/* Whether a library allocates that is left alone.  OpenSSL does it thirty thousand times at a login
 * with a password, and libconfig 1.5 does not look whether it got the memory. */
static bool is_left_alone(void *caller)
{
	static const char *const library[] = { "/libcrypto.", "/libssl.", "/libconfig.", NULL };
	struct dl_find_object object;

	for (int i = 0; _dl_find_object(caller, &object) == 0 && library[i] != NULL; i++)
		if (strstr(object.dlfo_link_map->l_name, library[i]) != NULL)
			return true;
	return false;
}

/* Whether this allocation is one of those that fail. */
static bool fails(void *caller)
{
	long n;

	if (!started || is_left_alone(caller))
		return false;
	n = ++allocations;
	if (n != fail_at && (fail_from == 0 || n < fail_from))
		return false;
	/* Before another thread that fails ends the process. */
	pthread_once(&told, tell_failure);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

/* libconfig's strdup: a plain one would hide who asks. */
char *__strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	void *copy = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

static long number_of(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtol(text, NULL, 10) : 0;
}

static int start(int argc, char **argv, char **environment)
{
	fail_at = number_of("FAIL_AT");
	fail_from = number_of("FAIL_FROM");
	report = getenv("FAIL_REPORT");
	started = true;
	return program(argc, argv, environment);
}

__attribute__((destructor)) static void finish(void)
{
	char number[24];

	started = false;
	snprintf(number, sizeof(number), "%ld", allocations);
	if (!failed)
		tell(number);
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*end)(void), void *stack_end)
{
	int (*next)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void),
		    void *);

	/* What POSIX wants of whoever calls dlsym for a function. */
	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	program = main;
	return next(start, argc, argv, init, fini, end, stack_end);
}
