/* perennial holds: what is on hold. */
#include "cmd/command.h"
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/report_view.h"
#include "db/hold.h"

#include <stdio.h>

static const enum option_id holds_options[] = { OPTION_REASON, OPTION_FORMAT, OPTION_END };

/* So many are listed as text. */
#define LISTED 20

static const struct report held = {
	.name = "held",
	.query = REPORT_HELD,
	.detail = REPORT_NONE,
	.hledger = REPORT_NONE,
};
static const struct report held_totals = {
	.name = "held_totals",
	.query = REPORT_HELD_TOTALS,
	.detail = REPORT_NONE,
	.hledger = REPORT_NONE,
};

/* What is asked for. */
struct holds {
	struct conn *conn;
	const char *reason; /* NULL: all */
	int most;           /* of the list; 0: all */
	char as_of[INSTANT_TEXT_SIZE];
};

static bool open_stream(const struct holds *holds, const struct report *report,
			struct stream *stream, struct error *err)
{
	char most[16] = "";
	const struct binding binding[] = {
		{ "as_of", holds->as_of },
		{ "reason", holds->reason != NULL ? holds->reason : "" },
		{ "most", most },
		{ NULL, NULL },
	};

	if (holds->most > 0)
		snprintf(most, sizeof(most), "%d", holds->most);
	return stream_open(stream, holds->conn, report, report->query, binding, err);
}

static bool print_table(const struct holds *holds, const struct report *report, struct error *err)
{
	struct stream stream = { 0 };
	bool ok = open_stream(holds, report, &stream, err) && report_print_table(&stream, err);

	stream_close(&stream);
	return ok;
}

static bool print_array(const struct holds *holds, const struct report *report, struct error *err)
{
	struct stream stream = { 0 };
	bool ok =
		open_stream(holds, report, &stream, err) && report_print_array(&stream, NULL, err);

	stream_close(&stream);
	return ok;
}

static bool print_text(const struct holds *holds, struct error *err)
{
	int64_t count;

	if (!held_count(holds->conn, holds->reason, &count, err))
		return false;
	printf("on hold as of %s", holds->as_of);
	if (holds->reason != NULL) {
		printf(" for the reason ");
		output_text(holds->reason);
	}
	printf("\n\n");
	if (count == 0) {
		printf("nothing\n");
		return true;
	}
	if (!print_table(holds, &held_totals, err))
		return false;
	putchar('\n');
	if (!print_table(holds, &held, err))
		return false;
	if (count > LISTED) {
		printf("… ");
		output_count(count - LISTED, 0);
		printf(" more: perennial holds --format csv\n");
	}
	return true;
}

static bool print_json(const struct holds *holds, struct error *err)
{
	printf("{\"schema\":\"perennial.holds/1\",\"as_of\":\"%s\",\"reason\":", holds->as_of);
	output_json_text(holds->reason);
	printf(",\"totals\":");
	if (!print_array(holds, &held_totals, err))
		return false;
	printf(",\"subscriptions\":");
	if (!print_array(holds, &held, err))
		return false;
	printf("}\n");
	return true;
}

static bool print_rows(const struct holds *holds, enum format format, struct error *err)
{
	const struct report_about about = { .report = &held };
	struct stream stream = { 0 };
	bool ok = open_stream(holds, &held, &stream, err) &&
		  report_print(&stream, &about, format, NULL, err);

	stream_close(&stream);
	return ok;
}

static bool print(const struct holds *holds, enum format format, struct error *err)
{
	bool ok = stream_begin(holds->conn, err);

	if (ok && format == FORMAT_TEXT)
		ok = print_text(holds, err);
	else if (ok && format == FORMAT_JSON)
		ok = print_json(holds, err);
	else if (ok)
		ok = print_rows(holds, format, err);
	return ok && output_finish(err);
}

static bool holds_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct session session = session_patient();
	const struct options *o = &context->options;
	struct holds holds = { .reason = o->reason, .most = o->format == FORMAT_TEXT ? LISTED : 0 };
	struct server server;
	bool ok;

	(void)code;
	holds.conn = session_open(context, true, &session, &server, err);
	if (holds.conn == NULL)
		return false;
	instant_format(instant_to_second(server.clock_us), holds.as_of);
	ok = print(&holds, o->format, err);
	conn_close(holds.conn);
	return ok;
}

const struct command command_holds = {
	.name = "holds",
	.usage = "holds [OPTIONS]",
	.summary = "list what is on hold, and the amounts at risk",
	.option = holds_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON | 1U << FORMAT_JSONL | 1U << FORMAT_CSV,
	.example = {
		{ "holds", "by reason, and the oldest of them" },
		{ "holds --reason row_fault", "what the server refused, and why" },
		{ "holds --format csv > holds.csv", "all of them, a row each" },
	},
	.run = holds_main,
};
