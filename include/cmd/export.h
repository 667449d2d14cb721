/* Output to a file, in one step: whoever looks finds the old file or the new one, whole. */
#ifndef CMD_EXPORT_H
#define CMD_EXPORT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SHA256_TEXT_SIZE 65

struct export_file {
	char *path;      /* as it will be called */
	char *temporary; /* as it is called until then, beside it */
};

/* From here on stdout goes to a new file beside path with suffix.  False with EXIT_OUTPUT, also
 * where that is something else than a file.  A signal that ends the process takes the new file with
 * it. */
bool export_open(struct export_file *file, const char *path, const char *suffix,
		 struct error *err) MUST_CHECK;

/* Everything is written, and on disk. */
bool export_finish(const struct export_file *file, struct error *err) MUST_CHECK;

/* The same two for a file of its own, beside stdout, which everybody may read whatever the umask:
 * what is to be in it goes to *to. */
bool export_open_public(struct export_file *file, const char *path, FILE **to,
			struct error *err) MUST_CHECK;
bool export_finish_public(const struct export_file *file, FILE *to, struct error *err) MUST_CHECK;

/* The checksum and size of what was written. */
bool export_digest(const struct export_file *file, char sha256[SHA256_TEXT_SIZE], int64_t *bytes,
		   struct error *err) MUST_CHECK;

/* Gives it its name. */
bool export_publish(struct export_file *file, struct error *err) MUST_CHECK;

/* Removes what was not published, and forgets it. */
void export_release(struct export_file *file);

#endif
