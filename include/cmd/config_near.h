/* What was meant by a key or a group of the configuration that there is not.
 *
 * path tells the keys, as "run.workers", from 0 on; NULL after the last. */
#ifndef CMD_CONFIG_NEAR_H
#define CMD_CONFIG_NEAR_H

#include <stddef.h>

#define GROUP_SIZE 40

/* The key that is near; if there is none, the one whose name is near within another group, or would
 * be within one.  NULL: there is none. */
const char *near_key(const char *typed, const char *(*path)(size_t i));

/* The group that is near, in the buffer.  NULL: there is none. */
const char *near_group(const char *typed, const char *(*path)(size_t i), char buffer[GROUP_SIZE]);

#endif
