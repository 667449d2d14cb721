/* perennial prune: delete notification jobs that were finished long ago. */
#include "cmd/command.h"
#include "base/instant.h"
#include "base/log.h"
#include "cmd/output.h"
#include "db/prune.h"

#include <stdio.h>

static const enum option_id prune_options[] = { OPTION_OLDER_THAN, OPTION_END };

static bool prune(struct conn *conn, const struct server *server, int64_t older_than_us,
		  struct error *err)
{
	int64_t clock_us = instant_to_second(server->clock_us);
	int64_t before_us = clock_us - older_than_us;
	struct pruned pruned = { 0 };
	char before[INSTANT_TEXT_SIZE];
	bool ok = prune_jobs(conn, before_us, clock_us, &pruned, err);

	instant_format(before_us, before);
	log_event(LOG_NOTICE, "pruned", "jobs=%lld dead=%lld before=%s",
		  (long long)(pruned.done + pruned.dead), (long long)pruned.dead, before);
	if (!ok)
		return false;
	output_counted(pruned.done + pruned.dead, "notification job");
	printf(" deleted that had been finished before %s", before);
	if (pruned.dead > 0) {
		printf(", of them ");
		output_count(pruned.dead, 0);
		printf(" dead");
	}
	printf("\n");
	return output_finish(err);
}

static bool prune_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct session session = session_of(&context->config);
	struct server server;
	struct conn *conn;
	bool ok;

	(void)code;
	if (!context->options.given[OPTION_OLDER_THAN])
		return fail(err, EXIT_USAGE, "prune needs --older-than, as in --older-than 90d");
	conn = session_open(context, true, &session, &server, err);
	if (conn == NULL)
		return false;
	ok = prune(conn, &server, context->options.older_than_us, err);
	conn_close(conn);
	return ok;
}

const struct command command_prune = {
	.name = "prune",
	.usage = "prune --older-than AGE",
	.summary = "delete notification jobs that were finished long ago",
	.option = prune_options,
	.writes = true,
	.example = {
		{ "prune --older-than 90d", "forget what was sent three months ago" },
		{ "prune --older-than 52w", "or a year ago" },
		{ "-q prune --older-than 90d", "the same, for a timer" },
	},
	.run = prune_main,
};
