/* perennial metrics: what Prometheus wants to know, from the database. */
#include "base/memory.h"
#include "cmd/command.h"
#include "cmd/metrics_file.h"
#include "cmd/output.h"
#include "report/tieout.h"

#include <stdlib.h>

static const enum option_id metrics_options[] = { OPTION_METRICS_OUTPUT, OPTION_TIEOUT,
						  OPTION_END };

static bool print(const struct options *options, const struct metrics *metrics, struct error *err)
{
	if (options->output != NULL)
		return metrics_write(options->output, metrics, err);
	metrics_print(stdout, metrics);
	return output_finish(err);
}

static bool read_and_print(struct conn *conn, const struct context *context, int64_t clock_us,
			   struct error *err)
{
	const struct options *options = &context->options;
	struct health *health = memory_zeroed(sizeof(*health));
	int64_t failed_checks;
	const struct metrics metrics = { health, options->tieout ? &failed_checks : NULL };
	bool ok = health_read(conn, clock_us, health, err) &&
		  (!options->tieout || tieout_failed_checks(conn, context->config.report_time_zone,
							    &failed_checks, err)) &&
		  print(options, &metrics, err);

	health_release(health);
	free(health);
	return ok;
}

static bool metrics_main(struct context *context, enum exit_code *code, struct error *err)
{
	/* A tie-out takes as long as it takes. */
	const struct session session = session_patient();
	const struct options *options = &context->options;
	struct server server;
	struct conn *conn;
	bool ok;

	(void)code;
	if (options->output != NULL && options->output[0] == '\0')
		return fail(err, EXIT_USAGE, "--output needs the name of a file");
	conn = session_open(context, true, &session, &server, err);
	if (conn == NULL)
		return false;
	ok = read_and_print(conn, context, server.clock_us, err);
	conn_close(conn);
	return ok;
}

const struct command command_metrics = {
	.name = "metrics",
	.usage = "metrics [OPTIONS]",
	.summary = "print what Prometheus wants to know",
	.option = metrics_options,
	.example = {
		{ "metrics", "what is due, held and waiting, and how the last run ended" },
		{ "metrics --output /var/lib/prometheus/node-exporter/perennial.prom", "for the node exporter; also when no run starts" },
		{ "metrics --tieout", "with the checks of the books; once a day is enough" },
	},
	.run = metrics_main,
};
