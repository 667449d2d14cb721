/* What every command does first that works on subscriptions. */
#include "cmd/command.h"
#include "base/instant.h"
#include "db/buckets.h"
#include "db/schema.h"

int batch_size_of(const struct context *context)
{
	const struct config *config = &context->config;
	int size = context->options.batch_size != 0 ? (int)context->options.batch_size
						    : config->batch_size;

	return config->max_rows_per_second != 0 && config->max_rows_per_second < size
		       ? config->max_rows_per_second
		       : size;
}

struct session session_of(const struct config *config)
{
	return (struct session){ .prepares = config->prepared_statements,
				 .statement_timeout_ms = config->statement_timeout_ms,
				 .lock_timeout_ms = config->lock_timeout_ms };
}

struct session session_patient(void)
{
	return (struct session){ .prepares = false };
}

static bool check_as_of(const struct options *options, bool allow_future,
			const struct server *server, struct error *err)
{
	char as_of[INSTANT_TEXT_SIZE], clock[INSTANT_TEXT_SIZE];

	if (!options->given[OPTION_AS_OF] || allow_future || options->as_of_us <= server->clock_us)
		return true;
	fail(err, EXIT_USAGE, "--as-of %s lies in the future: the server's clock says %s",
	     instant_format(options->as_of_us, as_of), instant_format(server->clock_us, clock));
	return fail_hint(err, "plan shows what would be due then; run --allow-future does it now");
}

int session_buckets(struct conn *conn, int64_t subscription_id, int16_t bucket[BUCKETS],
		    struct error *err)
{
	int buckets = buckets_of_subscription(conn, subscription_id, bucket, err);

	if (buckets == 0)
		fail(err, EXIT_UNKNOWN, "there is no subscription %lld",
		     (long long)subscription_id);
	return buckets > 0 ? buckets : 0;
}

bool session_find(struct conn *conn, int64_t subscription_id, struct error *err)
{
	int16_t bucket[BUCKETS];

	return session_buckets(conn, subscription_id, bucket, err) > 0;
}

static bool check_subscription(struct conn *conn, const struct options *options, struct error *err)
{
	return options->subscription_id == 0 || session_find(conn, options->subscription_id, err);
}

struct conn *session_open(const struct context *context, bool allow_future,
			  const struct session *session, struct server *server, struct error *err)
{
	struct conn *conn = conn_open(context->conninfo, session, err);

	if (conn == NULL)
		return NULL;
	if (schema_check(conn, err) && server_ask(conn, server, err) &&
	    check_as_of(&context->options, allow_future, server, err) &&
	    check_subscription(conn, &context->options, err))
		return conn;
	conn_close(conn);
	return NULL;
}
