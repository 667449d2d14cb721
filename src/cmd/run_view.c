/* How a run is shown. */
#include "cmd/run_view.h"
#include "base/instant.h"
#include "cmd/output.h"
#include "cmd/totals_view.h"

#include <stdio.h>

const char *run_result(enum exit_code code)
{
	switch (code) {
	case EXIT_DONE:
		return "done";
	case EXIT_HELD:
		return "held";
	case EXIT_LEFT:
		return "left";
	default:
		return "failed";
	}
}

static void print_sums(const struct run *run)
{
	if (run->done.claimed == 0) {
		printf(run->left.free == 0 ? "nothing was due\n" : "nothing could be done\n");
		return;
	}
	output_counted(run->done.claimed - run->done.unfinished, "subscription");
	printf(", ");
	output_counted(run->done.outcomes, "outcome");
	printf(", ");
	output_count(run->done.held, 0);
	printf(" newly on hold\n");
}

static void print_left(const struct run *run)
{
	if (run->left.free > 0) {
		printf("left, and still due: ");
		output_count(run->left.free, 0);
		printf(run->work.limit != 0
			       ? ", as the limit was reached or others hold their locks\n"
			       : ", as others hold their locks; the next run takes them up\n");
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

	printf("perennial run %lld as of %s: ", (long long)run->work.run_id,
	       instant_format(run->work.policy.as_of_us, as_of));
	print_sums(run);
	totals_print_text(&run->totals, &run->currencies);
	print_left(run);
}

void run_print_json(const struct run *run)
{
	const struct work_done *done = &run->done;
	char as_of[INSTANT_TEXT_SIZE];

	printf("{\"schema\":\"perennial.run/1\",\"run_id\":%lld,\"as_of\":\"%s\",",
	       (long long)run->work.run_id, instant_format(run->work.policy.as_of_us, as_of));
	printf("\"result\":\"%s\",\"exit_code\":%d,\"batches\":%lld,", run_result(run->code),
	       (int)run->code, (long long)done->batches);
	printf("\"subscriptions\":%lld,\"outcomes\":%lld,\"newly_held\":%lld,",
	       (long long)(done->claimed - done->unfinished), (long long)done->outcomes,
	       (long long)done->held);
	printf("\"left\":%lld,\"held\":%lld,\"totals\":", (long long)run->left.free,
	       (long long)run->left.held);
	totals_print_json(&run->totals, &run->currencies);
	printf("}\n");
}
