/* perennial history: what happened to a subscription, in order. */
#include "cmd/command.h"
#include "cmd/output.h"
#include "db/history.h"

#include <stdio.h>

static const enum option_id history_options[] = { OPTION_FORMAT, OPTION_END };

static void print_text(const struct rows *rows, int64_t subscription_id)
{
	int64_t account_id = 0;

	if (rows_count(rows) == 0)
		printf("subscription %lld has no history\n", (long long)subscription_id);
	for (int i = 0; i < rows_count(rows); i++) {
		const struct history_entry e = history_entry(rows, i);

		if (i == 0 || e.account_id != account_id)
			printf("subscription %lld of account %lld\n"
			       "%5s  %-20s  %-20s  %-20s  %-20s  %16s  %s\n",
			       (long long)subscription_id, (long long)e.account_id, "rev", "at",
			       "what", "status", "until", "amount", "by");
		account_id = e.account_id;
		printf("%5d  %-20s  %-20s  %-20s  %-20s  %16s  ", e.revision, e.at, e.kind,
		       e.status, e.period_end != NULL ? e.period_end : "",
		       e.amount != NULL ? e.amount : "");
		output_text(e.why);
		putchar('\n');
	}
}

/* A line for each entry; together, for json, they are one document. */
static void print_documents(const struct rows *rows, bool array)
{
	if (array)
		printf("[");
	for (int i = 0; i < rows_count(rows); i++)
		printf("%s%s%s", array && i > 0 ? ",\n" : "", history_entry(rows, i).document,
		       array ? "" : "\n");
	if (array)
		printf("]\n");
}

static bool print(const struct rows *rows, const struct options *options, struct error *err)
{
	if (options->format == FORMAT_TEXT)
		print_text(rows, options->id);
	else
		print_documents(rows, options->format == FORMAT_JSON);
	return output_finish(err);
}

static bool history_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct session session = session_patient();
	struct server server;
	struct conn *conn = session_open(context, true, &session, &server, err);
	struct rows *rows;
	bool ok;

	(void)code;
	if (conn == NULL)
		return false;
	rows = history_read(conn, context->options.id, err);
	/* A history may outlive its subscription. */
	ok = rows != NULL &&
	     (rows_count(rows) > 0 || session_find(conn, context->options.id, err)) &&
	     print(rows, &context->options, err);
	rows_free(rows);
	conn_close(conn);
	return ok;
}

const struct command command_history = {
	.name = "history",
	.usage = "history [OPTIONS] ID",
	.summary = "print what happened to a subscription, in order",
	.option = history_options,
	.formats = 1U << FORMAT_TEXT | 1U << FORMAT_JSON | 1U << FORMAT_JSONL,
	.takes = TAKES_ID,
	.example = {
		{ "history 4711", "what happened, and what is paid until when" },
		{ "history 4711 --format jsonl", "every column, a line for each entry" },
		{ "-d service=standby history 4711", "the same from a standby" },
	},
	.run = history_main,
};
