/* perennial hold: put a subscription on hold. */
#include "cmd/command.h"
#include "base/instant.h"
#include "base/log.h"
#include "cmd/output.h"
#include "db/hold.h"

#include <stdio.h>

static const enum option_id hold_options[] = { OPTION_HOLD_REASON, OPTION_NOTE, OPTION_END };

static void print_hold(const struct options *o, const struct server *server,
		       const struct hold *hold)
{
	char end[INSTANT_TEXT_SIZE];

	printf("subscription %lld is on hold%s: ", (long long)o->id, hold->newly ? "" : " already");
	output_text(o->reason);
	printf("\nits period %s at %s; runs leave it alone until it is released\n",
	       hold->period_end_us > server->clock_us ? "ends" : "ended",
	       instant_format(instant_to_second(hold->period_end_us), end));
	if (!hold->newly && o->note != NULL)
		printf("the note was not stored: release it, and hold it again with the note\n");
}

static bool put_in(struct conn *conn, const struct options *o, const struct server *server,
		   int16_t bucket, struct error *err)
{
	struct hold hold = {
		.bucket = bucket, .subscription_id = o->id, .reason = o->reason, .note = o->note
	};

	if (!hold_put(conn, &hold, err))
		return false;
	if (hold.newly)
		log_event(LOG_NOTICE, "held", "subscription=%lld", (long long)o->id);
	print_hold(o, server, &hold);
	return output_finish(err);
}

/* Usually there is one. */
static bool put(struct conn *conn, const struct options *o, const struct server *server,
		struct error *err)
{
	int16_t bucket[BUCKETS];
	int buckets = session_buckets(conn, o->id, bucket, err);
	bool ok = buckets > 0;

	for (int i = 0; ok && i < buckets; i++)
		ok = put_in(conn, o, server, bucket[i], err);
	return ok;
}

static bool hold_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct options *o = &context->options;
	const struct session session = session_of(&context->config);
	struct server server;
	struct conn *conn;
	bool ok;

	(void)code;
	if (o->reason == NULL)
		return fail(err, EXIT_USAGE, "hold needs --reason, as in --reason fraud_check");
	conn = session_open(context, true, &session, &server, err);
	if (conn == NULL)
		return false;
	ok = put(conn, o, &server, err);
	conn_close(conn);
	return ok;
}

const struct command command_hold = {
	.name = "hold",
	.usage = "hold --reason TEXT [OPTIONS] ID",
	.summary = "put a subscription on hold: runs leave it alone",
	.option = hold_options,
	.takes = TAKES_ID,
	.writes = true,
	.example = {
		{ "hold 4711 --reason fraud_check", "leave it as it is until somebody has looked" },
		{ "hold 4711 --reason fraud_check --note 'ticket 815'", "with a remark for the history" },
		{ "hold 4711 --reason 'asked for a pause'", "any line of text is a reason" },
	},
	.run = hold_main,
};
