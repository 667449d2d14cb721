/* What was meant by a key or a group of the configuration that there is not. */
#include "cmd/config_near.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The name within a group. */
static const char *leaf(const char *path)
{
	const char *dot = strchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

const char *near_key(const char *typed, const char *(*path)(size_t i))
{
	struct text_nearest whole = { .typed = typed }, name = { .typed = leaf(typed) };
	const char *elsewhere = NULL;

	for (size_t i = 0; path(i) != NULL; i++) {
		text_consider(&whole, path(i));
		if (text_consider(&name, leaf(path(i))))
			elsewhere = path(i);
	}
	return whole.name != NULL ? whole.name : elsewhere;
}

const char *near_group(const char *typed, const char *(*path)(size_t i), char buffer[GROUP_SIZE])
{
	struct text_nearest nearest = { .typed = typed };
	char group[GROUP_SIZE];

	for (size_t i = 0; path(i) != NULL; i++) {
		snprintf(group, sizeof(group), "%.*s", (int)strcspn(path(i), "."), path(i));
		if (text_consider(&nearest, group))
			memcpy(buffer, group, sizeof(group));
	}
	return nearest.name != NULL ? buffer : NULL;
}
