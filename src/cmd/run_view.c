/* How a run is shown. */
#include "cmd/run_view.h"
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/totals_view.h"

#include <stdio.h>
#include <string.h>

const char *run_result(enum exit_code code)
{
	switch (code) {
	case EXIT_DONE:
		return "done";
	case EXIT_HELD:
		return "held";
	case EXIT_LEFT:
		return "left";
	case EXIT_LIMIT:
		return "limit";
	default:
		return "failed";
	}
}

const char *run_status(const struct run *run, char buffer[RUN_STATUS_SIZE])
{
	const struct run_sums *sums = &run->sums;

	snprintf(buffer, RUN_STATUS_SIZE,
		 "run %lld %s: %lld subscriptions, %lld outcomes, %lld newly on hold, %lld failed, "
		 "%lld left",
		 (long long)run->run_id, run_result(run->code),
		 (long long)(sums->claimed - sums->continued), (long long)sums->outcomes,
		 (long long)sums->held, (long long)run->failed, (long long)run->left.free);
	return buffer;
}

static void print_sums(const struct run *run)
{
	const struct run_sums *sums = &run->sums;

	if (sums->claimed == 0) {
		printf(run->left.free == 0 ? "nothing was due\n" : "nothing could be done\n");
		return;
	}
	output_counted(sums->claimed - sums->continued, "subscription");
	printf(", ");
	output_counted(sums->outcomes, "outcome");
	printf(", ");
	output_count(sums->held, 0);
	printf(" newly on hold\n");
}

/* Why some are left that did not fail. */
static const char *why_left(const struct run *run)
{
	if (run->stopped_by == NULL)
		return "others hold their locks; the next run takes them up";
	if (strcmp(run->stopped_by, "limit") == 0)
		return "not reached, or others hold their locks: stopped at --limit";
	if (strncmp(run->stopped_by, "max_", 4) == 0)
		return "not reached: stopped at a limit of the configuration";
	return "not reached; the next run takes them up";
}

static void print_left(const struct run *run)
{
	int64_t free = run->left.free - run->failed;

	if (run->stopped_by != NULL)
		printf("stopped by: %s\n", run->stopped_by);
	if (run->failed > 0) {
		printf("left, and still due: ");
		output_count(run->failed, 0);
		printf(", refused by the server, and so was their hold; the log tells which\n");
	}
	if (free > 0) {
		printf("left, and still due: ");
		output_count(free, 0);
		printf(", %s\n", why_left(run));
	}
	if (run->left.held > 0) {
		printf("due, but on hold: ");
		output_count(run->left.held, 0);
		putchar('\n');
	}
}

void run_print_text(const struct run *run)
{
	char as_of[INSTANT_TEXT_SIZE];

	printf("perennial run %lld as of %s: ", (long long)run->run_id,
	       instant_format(run->as_of_us, as_of));
	print_sums(run);
	totals_print_text(&run->sums.totals, &run->currencies);
	print_left(run);
}

void run_print_json(const struct run *run)
{
	const struct run_sums *sums = &run->sums;
	char as_of[INSTANT_TEXT_SIZE];

	printf("{\"schema\":\"perennial.run/1\",\"run_id\":%lld,\"as_of\":\"%s\",",
	       (long long)run->run_id, instant_format(run->as_of_us, as_of));
	printf("\"result\":\"%s\",\"exit_code\":%d,\"stopped_by\":", run_result(run->code),
	       (int)run->code);
	output_json_text(run->stopped_by);
	printf(",\"batches\":%lld,\"subscriptions\":%lld,\"outcomes\":%lld,\"newly_held\":%lld,",
	       (long long)sums->batches, (long long)(sums->claimed - sums->continued),
	       (long long)sums->outcomes, (long long)sums->held);
	printf("\"left\":%lld,\"failed\":%lld,\"held\":%lld,\"totals\":", (long long)run->left.free,
	       (long long)run->failed, (long long)run->left.held);
	totals_print_json(&sums->totals, &run->currencies);
	printf("}\n");
}
