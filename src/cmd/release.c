/* perennial release: lift holds. */
#include "cmd/command.h"
#include "base/log.h"
#include "base/memory.h"
#include "cmd/output.h"
#include "cmd/release_view.h"
#include "db/buckets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const enum option_id release_options[] = {
	OPTION_REASON, OPTION_ALL, OPTION_CATCH_UP, OPTION_NOTE, OPTION_YES, OPTION_END,
};

/* A release on its way. */
struct releasing {
	struct release_request request;
	struct release_tally tally;
	int ids;
	int64_t *id; /* that were named, each once, in their order, */
	bool *held;  /* and whether they were on hold */
};

static bool check_choice(const struct options *o, struct error *err)
{
	if ((o->ids > 0) + (o->reason != NULL) + o->all == 1)
		return true;
	fail(err, EXIT_USAGE,
	     "release takes ids of subscriptions, --reason CODE or --all: one of the three");
	return fail_hint(err, "perennial holds lists what is on hold");
}

static int compare_ids(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static void take_ids(struct releasing *r, const struct options *o)
{
	for (int i = 0; i < o->ids; i++)
		r->id[i] = options_id(o, i);
	qsort(r->id, (size_t)o->ids, sizeof(r->id[0]), compare_ids);
	for (int i = 0; i < o->ids; i++)
		if (r->ids == 0 || r->id[i] != r->id[r->ids - 1])
			r->id[r->ids++] = r->id[i];
}

static int place_of(const struct releasing *r, int64_t id)
{
	const int64_t *at = bsearch(&id, r->id, (size_t)r->ids, sizeof(id), compare_ids);

	assert(at != NULL);
	return (int)(at - r->id);
}

/* One of those that were named. */
static void visit_named(void *visitor, const struct release_entry *entry)
{
	struct releasing *r = visitor;

	r->held[place_of(r, entry->subscription_id)] = true;
	release_tally_add(&r->tally, entry);
	release_print_entry(entry, &r->request.policy);
}

/* One of many. */
static void visit_found(void *visitor, const struct release_entry *entry)
{
	struct releasing *r = visitor;

	release_tally_add(&r->tally, entry);
}

static void releasing_init(struct releasing *r, const struct context *context,
			   const struct server *server)
{
	const struct options *o = &context->options;

	r->id = memory_zeroed((size_t)(o->ids + 1) * sizeof(r->id[0]));
	r->held = memory_zeroed((size_t)(o->ids + 1) * sizeof(r->held[0]));
	take_ids(r, o);
	r->request = (struct release_request){
		.policy = { .as_of_us = server->clock_us,
			    .max_periods = context->config.max_periods },
		.id = o->ids > 0 ? r->id : NULL,
		.ids = r->ids,
		.reason = o->reason,
		.catch_up = o->catch_up,
		.note = o->note,
		.retry_for_ms = context->config.retry_for_ms,
		.visit = o->ids > 0 ? visit_named : visit_found,
		.visitor = r,
	};
}

static void releasing_release(struct releasing *r)
{
	free(r->held);
	free(r->id);
}

/* Whether the person at the terminal, if there is one, says yes. */
static bool is_confirmed(int64_t count)
{
	char answer[80] = "";
	size_t size = 0;
	int c;

	fprintf(stderr, "release %lld subscription%s? [y/N] ", (long long)count,
		count == 1 ? "" : "s");
	while ((c = getchar()) != EOF && c != '\n')
		if (size < sizeof(answer) - 1)
			answer[size++] = (char)c;
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* Finds out how many it would be, and asks where that is more than was named.  *go_on is false when
 * the answer is not yes. */
static bool confirm(struct releasing *r, struct conn *conn, const struct options *o, bool *go_on,
		    struct error *err)
{
	*go_on = true;
	if (o->yes || o->ids > 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	r->request.pretend = true;
	if (!release_run(conn, &r->request, err))
		return false;
	r->request.pretend = false;
	if (r->tally.released > (o->all ? 0 : 1))
		*go_on = is_confirmed(r->tally.released);
	r->tally = (struct release_tally){ 0 };
	return true;
}

/* What was named and is not on hold.  False with EXIT_UNKNOWN where there is no such subscription.
 */
static bool print_others(const struct releasing *r, struct conn *conn, struct error *err)
{
	int16_t bucket[BUCKETS];
	int unknown = 0;

	for (int i = 0; i < r->ids; i++) {
		int buckets = r->held[i] ? 0 : buckets_of_subscription(conn, r->id[i], bucket, err);

		if (buckets < 0)
			return false;
		if (r->held[i])
			continue;
		unknown += buckets == 0;
		printf("%lld: %s\n", (long long)r->id[i],
		       buckets == 0 ? "unknown" : "is not on hold");
	}
	return unknown == 0 || fail(err, EXIT_UNKNOWN, "%d of %d subscriptions %s unknown", unknown,
				    r->ids, unknown == 1 ? "is" : "are");
}

static void print_nothing(const struct options *o)
{
	printf("nothing is on hold");
	if (o->reason != NULL) {
		printf(" for the reason ");
		output_text(o->reason);
	}
	putchar('\n');
}

static void print_tally(const struct releasing *r, const struct options *o)
{
	if (o->ids == 0)
		release_print_counts(&r->tally, &r->request.policy);
	release_print_sum(&r->tally);
}

/* Prints what there is to say, also before a failure. */
static bool print(const struct releasing *r, const struct options *o, struct conn *conn,
		  struct error *err)
{
	bool known = o->ids == 0 || print_others(r, conn, err);

	if (o->ids == 0 && r->tally.counts == 0)
		print_nothing(o);
	else
		print_tally(r, o);
	return output_finish(err) && known;
}

/* What was released before a failure stays so. */
static void print_begun(const struct releasing *r, const struct options *o)
{
	if (r->tally.released > 0)
		print_tally(r, o);
	(void)fflush(stdout);
}

static bool release(struct releasing *r, struct conn *conn, const struct options *o,
		    struct error *err)
{
	bool go_on, ok;

	if (!confirm(r, conn, o, &go_on, err))
		return false;
	if (!go_on) {
		printf("nothing was released\n");
		return output_finish(err);
	}
	ok = release_run(conn, &r->request, err);
	if (!ok || r->tally.counts > 0)
		log_event(LOG_NOTICE, "released", "subscriptions=%lld refused=%lld",
			  (long long)r->tally.released, (long long)r->tally.staying);
	if (ok)
		return print(r, o, conn, err);
	print_begun(r, o);
	return false;
}

static bool release_main(struct context *context, enum exit_code *code, struct error *err)
{
	const struct session session = session_of(&context->config);
	struct releasing r = { 0 };
	struct server server;
	struct conn *conn;
	bool ok;

	if (!check_choice(&context->options, err))
		return false;
	conn = session_open(context, true, &session, &server, err);
	if (conn == NULL)
		return false;
	releasing_init(&r, context, &server);
	ok = release(&r, conn, &context->options, err);
	if (r.tally.staying > 0)
		*code = EXIT_HELD;
	releasing_release(&r);
	conn_close(conn);
	return ok;
}

const struct command command_release = {
	.name = "release",
	.usage = "release [OPTIONS] [ID…]",
	.summary = "lift holds, but for those that the next run would hold again",
	.option = release_options,
	.takes = TAKES_IDS,
	.writes = true,
	.example = {
		{ "release 4711 4712 --note 'ticket 815'", "these, with a remark for the history" },
		{ "release --reason catch_up_limit --catch-up", "let the next run catch up all that are too far behind" },
		{ "release --all --yes", "whatever can go on, without asking" },
	},
	.run = release_main,
};
