/* Output to a file, in one step. */
#include "cmd/export.h"
#include "base/memory.h"
#include "cmd/color.h"
#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal has to remove: a report and its manifest. */
static const char *volatile unpublished[2];

static bool cannot(struct error *err, const char *what, const char *path)
{
	return fail(err, EXIT_OUTPUT, "cannot %s %s: %s", what, path, strerror(errno));
}

static void remove_and_die(int signal)
{
	for (int i = 0; i < 2; i++)
		if (unpublished[i] != NULL)
			unlink(unpublished[i]);
	/* Its default action, which SA_RESETHAND has put back. */
	raise(signal);
}

static void watch_signals(void)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action = { .sa_handler = remove_and_die, .sa_flags = (int)SA_RESETHAND };
	struct sigaction before;

	sigemptyset(&action.sa_mask);
	/* What nohup ignores stays ignored. */
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(fatal[i], &action, NULL);
}

static void remember(const char *was, const char *is)
{
	for (int i = 0; i < 2; i++)
		if (unpublished[i] == was) {
			unpublished[i] = is;
			return;
		}
}

static char *joined(const char *path, const char *suffix)
{
	size_t size = strlen(path) + strlen(suffix) + 1;
	char *text = memory_zeroed(size);

	snprintf(text, size, "%s%s", path, suffix);
	return text;
}

/* Whether a file may come to this place, and with which mode: that of the one which is there.  A
 * rename would put it in the place of a device or a pipe, too. */
static bool check_place(const char *path, mode_t *mode, struct error *err)
{
	struct stat found;

	if (stat(path, &found) != 0)
		return errno == ENOENT || cannot(err, "write", path);
	*mode = found.st_mode & 0777;
	return S_ISREG(found.st_mode) ||
	       fail(err, EXIT_OUTPUT, "cannot write %s: it is not a file", path);
}

/* Makes the new file; its descriptor, or -1 after a failure. */
static int create(struct export_file *file, mode_t mode, struct error *err)
{
	int fd;

	file->temporary = joined(file->path, ".XXXXXX");
	fd = mkstemp(file->temporary);
	if (fd < 0) {
		free(file->temporary);
		file->temporary = NULL;
		cannot(err, "write", file->path);
		return -1;
	}
	watch_signals();
	remember(NULL, file->temporary);
	/* mkstemp lets nobody else read it. */
	if (fchmod(fd, mode) == 0)
		return fd;
	cannot(err, "write", file->path);
	close(fd);
	return -1;
}

bool export_open(struct export_file *file, const char *path, const char *suffix, struct error *err)
{
	mode_t mask = umask(0), mode = 0666 & ~mask;
	bool ok;
	int fd;

	umask(mask);
	file->path = joined(path, suffix);
	if (!check_place(file->path, &mode, err))
		return false;
	fd = create(file, mode, err);
	if (fd < 0)
		return false;
	ok = dup2(fd, STDOUT_FILENO) >= 0 || cannot(err, "write", file->path);
	close(fd);
	color_off();
	return ok;
}

bool export_finish(const struct export_file *file, struct error *err)
{
	return (output_finish(err) && fsync(STDOUT_FILENO) == 0) ||
	       cannot(err, "write", file->path);
}

bool export_open_public(struct export_file *file, const char *path, FILE **to, struct error *err)
{
	mode_t ignored;
	int fd;

	file->path = joined(path, "");
	if (!check_place(file->path, &ignored, err))
		return false;
	fd = create(file, 0644, err);
	if (fd < 0)
		return false;
	*to = fdopen(fd, "w");
	if (*to != NULL)
		return true;
	cannot(err, "write", file->path);
	close(fd);
	return false;
}

bool export_finish_public(const struct export_file *file, FILE *to, struct error *err)
{
	bool ok = (fflush(to) == 0 && !ferror(to) && fsync(fileno(to)) == 0) ||
		  cannot(err, "write", file->path);

	return (fclose(to) == 0 && ok) || (ok && cannot(err, "write", file->path));
}

static bool add_file(EVP_MD_CTX *digest, int fd, int64_t *bytes)
{
	unsigned char buffer[65536];
	ssize_t n;

	*bytes = 0;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		if (!EVP_DigestUpdate(digest, buffer, (size_t)n))
			return false;
		*bytes += n;
	}
	return n == 0;
}

bool export_digest(const struct export_file *file, char sha256[SHA256_TEXT_SIZE], int64_t *bytes,
		   struct error *err)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	int fd = open(file->temporary, O_RDONLY);
	bool ok = fd >= 0 && digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
		  add_file(digest, fd, bytes) && EVP_DigestFinal_ex(digest, sum, &size);

	for (unsigned i = 0; ok && i < size; i++)
		snprintf(sha256 + (size_t)2 * i, 3, "%02x", sum[i]);
	EVP_MD_CTX_free(digest);
	if (fd >= 0)
		close(fd);
	return ok || cannot(err, "read back", file->temporary);
}

bool export_publish(struct export_file *file, struct error *err)
{
	if (rename(file->temporary, file->path) != 0)
		return cannot(err, "write", file->path);
	remember(file->temporary, NULL);
	free(file->temporary);
	file->temporary = NULL;
	return true;
}

void export_release(struct export_file *file)
{
	if (file->temporary != NULL) {
		unlink(file->temporary);
		remember(file->temporary, NULL);
	}
	free(file->temporary);
	free(file->path);
	*file = (struct export_file){ 0 };
}
