/* Memory: allocation that ends the process where there is none. */
#include "base/memory.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *had(void *block)
{
	if (block == NULL) {
		fputs("perennial: out of memory\n", stderr);
		/* What exit() tears down other threads may be using. */
		_exit(EXIT_INTERNAL);
	}
	return block;
}

void *memory_zeroed(size_t size)
{
	return had(calloc(1, size));
}

void *memory_resize(void *block, size_t size)
{
	return had(realloc(block, size));
}
