/* perennial report: what finance closes its books with. */
#include "cmd/command.h"
#include "base/instant.h"
#include "base/memory.h"
#include "cmd/export.h"
#include "cmd/output.h"
#include "cmd/report_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum option_id report_options[] = {
	OPTION_PERIOD, OPTION_FROM,     OPTION_TO,   OPTION_AS_OF,
	OPTION_FORMAT, OPTION_CURRENCY, OPTION_PLAN, OPTION_DETAIL,
	OPTION_OUTPUT, OPTION_MANIFEST, OPTION_END,
};

/* One report, on its way. */
struct work {
	const struct context *context;
	struct report_about about;
	struct scope scope;
	enum report_id query;
	enum format format;
	char as_of[INSTANT_TEXT_SIZE];
	char generated_at[INSTANT_TEXT_SIZE];
	bool failed; /* a check found something */
};

static bool refuse(const struct report *report, const char *option, struct error *err)
{
	return fail(err, EXIT_USAGE, "report %s does not take %s", report->name, option);
}

/* A report is about a period or an instant. */
static bool check_time(const struct report *report, const struct options *o, struct error *err)
{
	bool between = o->from != NULL || o->to != NULL;

	if (report->instant && (o->period != NULL || between)) {
		refuse(report, "a period", err);
		return fail_hint(err, "it is about an instant: --as-of TIME, or now");
	}
	if (!report->instant && o->given[OPTION_AS_OF]) {
		refuse(report, "--as-of", err);
		return fail_hint(err, "it is about a period: --period 2026-10, or --from and --to");
	}
	if (o->period != NULL && between)
		return fail(err, EXIT_USAGE, "--period is given, or --from and --to, not both");
	return true;
}

/* What not every report has. */
static bool check_choice(const struct report *report, const struct options *o, struct error *err)
{
	if (o->detail && report->detail == REPORT_NONE)
		return refuse(report, "--detail", err);
	if (o->currency != NULL && !report->by_currency)
		return refuse(report, "--currency", err);
	if (o->plan != NULL && !report->by_plan)
		return refuse(report, "--plan", err);
	if (o->format == FORMAT_HLEDGER && report->hledger == REPORT_NONE)
		return refuse(report, "--format hledger", err);
	return true;
}

static bool check_output(const struct options *o, struct error *err)
{
	if (o->output != NULL && o->output[0] == '\0')
		return fail(err, EXIT_USAGE, "--output needs the name of a file");
	if (o->manifest && o->output == NULL)
		return fail(err, EXIT_USAGE, "--manifest needs --output, whose file it describes");
	return true;
}

static bool read_request(struct work *work, struct error *err)
{
	const struct options *o = &work->context->options;
	const struct report *report = report_find(o->name, err);

	if (report == NULL || !check_time(report, o, err) || !check_choice(report, o, err) ||
	    !check_output(o, err))
		return false;
	work->format = o->format == FORMAT_TEXT ? FORMAT_TABLE : o->format;
	work->query = work->format == FORMAT_HLEDGER ? report->hledger
		      : o->detail                    ? report->detail
						     : report->query;
	work->scope = (struct scope){ .time_zone = work->context->config.report_time_zone,
				      .currency = o->currency,
				      .plan = o->plan };
	work->about = (struct report_about){ .report = report,
					     .scope = &work->scope,
					     .detail = o->detail };
	if (o->period != NULL)
		return period_parse(o->period, &work->scope.period, err);
	return (o->from == NULL && o->to == NULL) ||
	       period_between(o->from, o->to, &work->scope.period, err);
}

/* When it is asked for, and as of when. */
static bool set_instants(struct work *work, const struct server *server, struct error *err)
{
	const struct options *o = &work->context->options;

	instant_format(instant_to_second(server->clock_us), work->generated_at);
	if (!work->about.report->instant)
		return true;
	instant_format(o->given[OPTION_AS_OF] ? o->as_of_us : server->clock_us, work->as_of);
	work->about.as_of = work->as_of;
	if (!o->given[OPTION_AS_OF] || o->as_of_us <= server->clock_us)
		return true;
	fail(err, EXIT_USAGE, "--as-of %s lies in the future: the server's clock says %s",
	     work->as_of, work->generated_at);
	return fail_hint(err, "plan --as-of shows what will be due then");
}

static bool open_stream(struct work *work, struct conn *conn, struct stream *stream,
			struct error *err)
{
	const struct config *config = &work->context->config;
	const struct scope *scope = &work->scope;
	const struct binding binding[] = {
		{ "from", scope->period.from },
		{ "to", scope->period.to },
		{ "time_zone", scope->time_zone },
		{ "as_of", work->as_of },
		{ "currency", scope->currency != NULL ? scope->currency : "" },
		{ "plan", scope->plan != NULL ? scope->plan : "" },
		{ "receivable", config->receivable },
		{ "deferred", config->deferred },
		{ "revenue", config->revenue },
		{ "opening", config->opening },
		{ NULL, NULL },
	};

	return stream_open(stream, conn, work->about.report, work->query, binding, err);
}

/* Keeps the only row of an answer. */
static bool keep_row(void *sink, const char *bytes, size_t size, struct error *err)
{
	char **row = sink;

	(void)err;
	*row = memory_resize(*row, size);
	memcpy(*row, bytes, size);
	(*row)[size - 1] = '\0';
	return true;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Writes the manifest of a file that is finished. */
static bool write_manifest(struct work *work, struct stream *stream,
			   const struct export_file *written, struct export_file *manifest,
			   struct error *err)
{
	struct report_file file = { .name = name_of(written->path),
				    .format = format_name(work->format),
				    .generated_at = work->generated_at };
	char *sums = NULL;
	const struct copy_sink sink = { keep_row, &sums };
	bool ok = export_digest(written, file.sha256, &file.bytes, err) &&
		  stream_rows(stream, SHAPE_SUMS, &sink, err) &&
		  export_open(manifest, written->path, ".manifest.json", err);

	if (ok) {
		file.sums = sums;
		report_print_manifest(&work->about, &file);
		ok = export_finish(manifest, err);
	}
	free(sums);
	return ok;
}

static bool print_to_file(struct work *work, struct stream *stream, struct error *err)
{
	const struct options *o = &work->context->options;
	struct export_file file = { 0 }, manifest = { 0 };
	bool ok = export_open(&file, o->output, "", err) &&
		  report_print(stream, &work->about, work->format, &work->failed, err) &&
		  export_finish(&file, err) &&
		  (!o->manifest || write_manifest(work, stream, &file, &manifest, err)) &&
		  /* A manifest that is older than its file does not fit it, and says so. */
		  export_publish(&file, err) && (!o->manifest || export_publish(&manifest, err));

	export_release(&manifest);
	export_release(&file);
	return ok;
}

static bool print_report(struct work *work, struct conn *conn, struct error *err)
{
	struct stream stream = { 0 };
	bool ok = stream_begin(conn, err) && scope_check(conn, &work->scope, err) &&
		  open_stream(work, conn, &stream, err);

	if (ok && work->context->options.output != NULL)
		ok = print_to_file(work, &stream, err);
	else if (ok)
		ok = report_print(&stream, &work->about, work->format, &work->failed, err) &&
		     output_finish(err);
	stream_close(&stream);
	return ok;
}

static bool report_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct session session = session_patient();
	struct work work = { .context = context };
	struct server server;
	struct conn *conn;
	bool ok;

	if (!read_request(&work, err))
		return false;
	conn = session_open(context, true, &session, &server, err);
	if (conn == NULL)
		return false;
	ok = set_instants(&work, &server, err) && print_report(&work, conn, err);
	conn_close(conn);
	if (work.failed)
		*code = EXIT_TIEOUT;
	return ok;
}

static void print_reports(void)
{
	printf("\nreports\n");
	for (int i = 0; i < report_count; i++)
		printf("  %-24s %s\n", reports[i].name, reports[i].summary);
}

const struct command command_report = {
	.name = "report",
	.usage = "report [OPTIONS] NAME",
	.summary = "print a finance report; tieout says whether they add up",
	.option = report_options,
	.formats = 1U << FORMAT_TABLE | 1U << FORMAT_JSON | 1U << FORMAT_JSONL | 1U << FORMAT_CSV |
		   1U << FORMAT_HLEDGER,
	.takes = TAKES_NAME,
	.print_more = print_reports,
	.example = {
		{ "report tieout --period 2026-10", "do the books of October add up?" },
		{ "report deferred --period 2026-Q4 --format csv --output deferred.csv --manifest", "a file for the books, with its checksum" },
		{ "report overdue", "what is due and was not done, by age" },
	},
	.run = report_main,
};
