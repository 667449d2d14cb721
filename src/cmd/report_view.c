/* The forms in which a report is shown. */
#include "cmd/report_view.h"
#include "base/memory.h"
#include "cmd/output.h"
#include "cmd/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a row is on its way to. */
struct printing {
	struct table *table; /* NULL: to stdout, as it is */
	const char *between; /* what stands between two rows in place of a line's end */
	int64_t rows;        /* that came */
	bool *failed;
	bool verdicts; /* of a table: its cells may be PASS or FAIL */
};

static bool print_row(void *sink, const char *bytes, size_t size, struct error *err)
{
	struct printing *p = sink;

	/* No other column of such a report holds that word. */
	if (p->failed != NULL && strstr(bytes, "FAIL") != NULL)
		*p->failed = true;
	if (p->table != NULL) {
		table_row(p->table, bytes, size);
	} else if (p->between != NULL) {
		printf("%s%.*s", p->rows == 0 ? "" : p->between, (int)size - 1, bytes);
	} else {
		fwrite(bytes, 1, size, stdout);
	}
	p->rows++;
	return output_ok(err);
}

static bool stream_to(struct stream *stream, enum shape shape, struct printing *printing,
		      struct error *err)
{
	const struct copy_sink sink = { print_row, printing };

	return stream_rows(stream, shape, &sink, err);
}

static void print_title(const struct report_about *about)
{
	const struct period *period = &about->scope->period;

	printf("%s%s: ", about->report->name, about->detail ? " in detail" : "");
	if (about->as_of != NULL)
		printf("as of %s", about->as_of);
	else
		printf("from %s until before %s, days in %s%s", period->from, period->to,
		       about->scope->time_zone,
		       about->scope->is_over ? "" : ", which are not over yet");
	if (about->scope->currency != NULL)
		printf("; only %s", about->scope->currency);
	if (about->scope->plan != NULL) {
		printf("; only plan ");
		output_text(about->scope->plan);
	}
	printf("\n\n");
}

static bool stream_table(struct stream *stream, struct printing *printing, struct error *err)
{
	struct table *table = memory_zeroed(sizeof(*table));
	bool ok;

	printing->table = table;
	table->end = CELL_END;
	table->verdicts = printing->verdicts;
	stream_shown(stream, &table->columns);
	ok = stream_to(stream, SHAPE_TABLE, printing, err);
	table_finish(table);
	free(table);
	return ok;
}

bool report_print_table(struct stream *stream, struct error *err)
{
	struct printing printing = { 0 };

	return stream_table(stream, &printing, err);
}

static bool print_table(struct stream *stream, const struct report_about *about, bool *failed,
			struct error *err)
{
	struct printing printing = { .failed = failed, .verdicts = about->report->checks };

	print_title(about);
	return stream_table(stream, &printing, err);
}

/* The members of an object that say what a report is about. */
static void print_about(const struct report_about *about)
{
	printf("\"report\":\"%s\",\"detail\":%s,", about->report->name,
	       about->detail ? "true" : "false");
	if (about->as_of != NULL)
		printf("\"as_of\":\"%s\",", about->as_of);
	else
		printf("\"from\":\"%s\",\"to\":\"%s\",\"is_over\":%s,\"time_zone\":\"%s\",",
		       about->scope->period.from, about->scope->period.to,
		       about->scope->is_over ? "true" : "false", about->scope->time_zone);
	printf("\"currency\":");
	output_json_text(about->scope->currency);
	printf(",\"plan\":");
	output_json_text(about->scope->plan);
}

bool report_print_array(struct stream *stream, bool *failed, struct error *err)
{
	struct printing printing = { .between = ",\n", .failed = failed };

	printf("[\n");
	if (!stream_to(stream, SHAPE_JSON, &printing, err))
		return false;
	printf("%s]", printing.rows == 0 ? "" : "\n");
	return true;
}

static bool print_json(struct stream *stream, const struct report_about *about, bool *failed,
		       struct error *err)
{
	printf("{");
	print_about(about);
	printf(",\"rows\":");
	if (!report_print_array(stream, failed, err))
		return false;
	printf("}\n");
	return true;
}

bool report_print(struct stream *stream, const struct report_about *about, enum format format,
		  bool *failed, struct error *err)
{
	static const enum shape shape[FORMATS] = {
		[FORMAT_JSONL] = SHAPE_JSON,
		[FORMAT_CSV] = SHAPE_CSV,
		[FORMAT_HLEDGER] = SHAPE_LINE,
	};
	struct printing printing = { .failed = about->report->checks ? failed : NULL };

	if (format == FORMAT_TABLE)
		return print_table(stream, about, printing.failed, err);
	if (format == FORMAT_JSON)
		return print_json(stream, about, printing.failed, err);
	return stream_to(stream, shape[format], &printing, err);
}

void report_print_manifest(const struct report_about *about, const struct report_file *file)
{
	printf("{");
	print_about(about);
	/* The members of sums, and its end, are those of the document. */
	printf(",\"file\":");
	output_json_text(file->name);
	printf(",\"format\":\"%s\",\"generated_at\":\"%s\",\"version\":\"" PERENNIAL_VERSION
	       "\",\"bytes\":%lld,\"sha256\":\"%s\",%s\n",
	       file->format, file->generated_at, (long long)file->bytes, file->sha256,
	       file->sums + 1);
}
