/* The metrics as a file. */
#include "cmd/metrics_file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/export.h"
#include "db/server.h"

#include <stdlib.h>

bool metrics_write(const char *path, const struct metrics *metrics, struct error *err)
{
	struct export_file file = { 0 };
	FILE *to = NULL;
	bool ok = export_open_public(&file, path, &to, err);

	if (ok) {
		metrics_print(to, metrics);
		ok = export_finish_public(&file, to, err) && export_publish(&file, err);
	}
	export_release(&file);
	return ok;
}

static bool ask_and_write(struct conn *conn, const char *path, struct error *err)
{
	struct health *health = memory_zeroed(sizeof(*health));
	const struct metrics metrics = { health, NULL };
	struct server server;
	bool ok = server_ask(conn, &server, err) &&
		  health_read(conn, server.clock_us, health, err) &&
		  metrics_write(path, &metrics, err);

	health_release(health);
	free(health);
	return ok;
}

static void warn(struct error *err)
{
	log_warning("metrics_not_written", err);
	if (log_stderr_is_journal())
		return;
	text_clean(err->message, true);
	fprintf(stderr, "perennial: the metrics were not written: %s\n", err->message);
}

enum exit_code metrics_after_run(struct conn *conn, const char *path, enum exit_code code)
{
	struct error err = { 0 };

	if (conn == NULL || path[0] == '\0' || ask_and_write(conn, path, &err))
		return code;
	warn(&err);
	return code == EXIT_DONE || code == EXIT_LEFT ? EXIT_OUTPUT : code;
}
