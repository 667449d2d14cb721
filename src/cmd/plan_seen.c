/* A plan in the making, seen. */
#include "cmd/plan_seen.h"
#include "cmd/progress.h"
#include "db/due.h"

#include <stdatomic.h>
#include <unistd.h>

/* Its steps pass here on their way to whoever asked for them. */
struct passing {
	const struct plan_request *request;
	atomic_llong subscriptions; /* the progress reads it from its own thread */
	int64_t last_id;
};

static bool pass(void *passing, const struct plan_step *step, struct error *err)
{
	struct passing *p = passing;

	if (step->subscription_id != p->last_id)
		atomic_fetch_add(&p->subscriptions, 1);
	p->last_id = step->subscription_id;
	return p->request->visit == NULL || p->request->visit(p->request->visitor, step, err);
}

static void look(void *passing, struct progress_count *count)
{
	struct passing *p = passing;

	*count = (struct progress_count){ .done = atomic_load(&p->subscriptions) };
}

bool plan_make_seen(struct conn *conn, const struct plan_request *request, bool quiet,
		    struct plan *plan, struct error *err)
{
	struct passing passing = { .request = request };
	struct plan_request passed = *request;
	struct progress progress = { .quiet = quiet, .look = look, .subject = &passing };
	struct due due = { 0 };
	bool seen = progress_wanted(quiet) && (request->visit == NULL || !isatty(STDOUT_FILENO));
	bool ok = !seen ||
		  due_count(conn, request->policy.as_of_us, request->subscription_id, &due, err);

	passed.visit = pass;
	passed.visitor = &passing;
	progress.total = due.free + due.held;
	if (ok && seen)
		progress_begin(&progress);
	ok = ok && plan_make(conn, &passed, plan, err);
	progress_end(&progress);
	return ok;
}
