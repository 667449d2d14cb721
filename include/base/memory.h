/* Memory that must be had: when there is none the process ends with EXIT_INTERNAL.
 *
 * That is safe at any moment: an open transaction rolls back, and the next run takes up what is
 * due. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* A zeroed block, the caller's, for free(). */
void *memory_zeroed(size_t size);

/* realloc() that does not fail. */
void *memory_resize(void *block, size_t size);

#endif
