/* The crew of a run at work, seen. */
#include "cmd/crew_seen.h"
#include "cmd/progress.h"
#include "db/due.h"

/* What is to do, counted only for whoever sees how much of it is done; 0: not known. */
static int64_t count_total(const struct crew *crew, bool quiet)
{
	int64_t limit = crew->tally.limit;
	struct error ignored;
	struct due due;

	if (!progress_wanted(quiet) || !due_count(crew->conn[0], crew->work.policy.as_of_us,
						  crew->work.subscription_id, &due, &ignored))
		return 0;
	return limit != 0 && limit < due.free ? limit : due.free;
}

static void look(void *tally, struct progress_count *count)
{
	const struct work_done done = tally_done(tally);

	*count = (struct progress_count){ done.claimed - done.continued, done.held };
}

bool crew_run_seen(struct crew *crew, int workers, bool quiet, struct error *err)
{
	struct progress progress = { .quiet = quiet,
				     .total = count_total(crew, quiet),
				     .look = look,
				     .subject = &crew->tally };
	bool ok;

	progress_begin(&progress);
	ok = crew_run(crew, workers, err);
	progress_end(&progress);
	return ok;
}
