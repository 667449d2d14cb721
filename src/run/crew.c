/* The crew of a run: passes, and a thread for each worker but the first. */
#include "run/crew.h"
#include "base/log.h"
#include "run/worker.h"

#include <string.h>

void crew_init(struct crew *crew, struct conn *conn)
{
	pthread_mutex_init(&crew->lock, NULL);
	crew->conn[0] = conn;
	crew->working = true;
}

void crew_release(struct crew *crew)
{
	for (int i = 1; i < WORKERS_MAX; i++)
		conn_close(crew->conn[i]);
	rows_free(crew->lost_zones);
	pthread_mutex_destroy(&crew->lock);
}

/* Connections are added, and not taken away before crew_release. */
void crew_cancel(struct crew *crew)
{
	for (int i = 0; i < WORKERS_MAX; i++) {
		struct conn *conn;

		pthread_mutex_lock(&crew->lock);
		conn = crew->working ? crew->conn[i] : NULL;
		pthread_mutex_unlock(&crew->lock);
		if (conn != NULL)
			conn_cancel(conn);
	}
}

void crew_rest(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->working = false;
	pthread_mutex_unlock(&crew->lock);
}

bool crew_next_lot(struct crew *crew, struct lot *lot)
{
	bool more;

	pthread_mutex_lock(&crew->lock);
	more = crew->next_lot < crew->lots;
	if (more)
		*lot = crew->lot[crew->next_lot++];
	pthread_mutex_unlock(&crew->lock);
	return more;
}

/* A further worker: its thread, and its place among the connections. */
struct mate {
	struct crew *crew;
	int place;
	bool started;
	pthread_t thread;
};

/* The connection of a further worker, from the pass before or opened now.  NULL when it cannot be
 * had: the others do the work. */
static struct conn *mate_connect(struct mate *mate)
{
	struct crew *crew = mate->crew;
	struct conn *conn = crew->conn[mate->place];
	struct error err;

	if (conn != NULL)
		return conn;
	conn = conn_open(crew->conninfo, crew->session, &err);
	if (conn == NULL)
		log_event(LOG_WARNING, "worker_missing", "worker=%d sqlstate=%s", mate->place + 1,
			  err.sqlstate[0] != '\0' ? err.sqlstate : "none");
	pthread_mutex_lock(&crew->lock);
	crew->conn[mate->place] = conn;
	pthread_mutex_unlock(&crew->lock);
	return conn;
}

static void *mate_main(void *argument)
{
	struct mate *mate = argument;
	struct conn *conn = mate_connect(mate);
	struct error err;

	if (conn != NULL && !worker_run(mate->crew, conn, &err))
		stop_fail(&mate->crew->stop, &err);
	return NULL;
}

/* The first worker is the caller's thread: a run with one worker has no other. */
static bool work_together(struct crew *crew, int workers, struct error *err)
{
	struct mate mate[WORKERS_MAX];
	bool ok;

	for (int i = 1; i < workers; i++) {
		mate[i] = (struct mate){ .crew = crew, .place = i };
		mate[i].started = pthread_create(&mate[i].thread, NULL, mate_main, &mate[i]) == 0;
	}
	ok = worker_run(crew, crew->conn[0], err);
	if (!ok)
		stop_fail(&crew->stop, err);
	for (int i = 1; i < workers; i++)
		if (mate[i].started)
			pthread_join(mate[i].thread, NULL);
	if (crew->stop.err.code != EXIT_DONE)
		*err = crew->stop.err;
	return crew->stop.err.code == EXIT_DONE;
}

/* Buckets that follow each other are a lot as long as one batch takes all that is due in them. */
static void cut_lots(struct crew *crew)
{
	const struct bucket_work *found = &crew->found;
	int64_t room = 0;

	crew->lots = 0;
	crew->next_lot = 0;
	for (int i = 0; i < found->buckets; i++) {
		if (found->due[i] > room) {
			crew->lot[crew->lots++] = (struct lot){ .bucket = &found->bucket[i] };
			room = crew->work.batch_size;
		}
		crew->lot[crew->lots - 1].buckets++;
		room -= found->due[i];
	}
}

/* Each bucket by itself: there is hardly more than one. */
static bool find_subscription(struct crew *crew, struct error *err)
{
	struct bucket_work *found = &crew->found;

	found->buckets = buckets_of_subscription(crew->conn[0], crew->work.subscription_id,
						 found->bucket, err);
	for (int i = 0; i < found->buckets; i++)
		found->due[i] = BUCKET_ALONE;
	return found->buckets >= 0;
}

static bool read_buckets(struct crew *crew, struct error *err)
{
	struct conn *conn = crew->conn[0];
	bool ok = crew->work.subscription_id != 0
			  ? find_subscription(crew, err)
			  : buckets_with_work(conn, crew->work.policy.as_of_us, &crew->found, err);

	if (!ok)
		return false;
	cut_lots(crew);
	if (crew->lots > 0 && crew->lost_zones == NULL)
		crew->lost_zones = lost_time_zones(conn, err);
	crew->work.lost_zones = crew->lost_zones;
	return crew->lots == 0 || crew->lost_zones != NULL;
}

/* Finds what is to do, within the budget.  Nothing when it is time to stop. */
static bool find_work(struct crew *crew, struct error *err)
{
	struct recovery recovery = { .budget_ms = crew->retry_for_ms,
				     .stop = &crew->stop,
				     .gives_up_at = STOP_SOON };

	while (stop_level(&crew->stop) == STOP_NOT) {
		if (read_buckets(crew, err))
			return true;
		if (!recovery_try(&recovery, crew->conn[0], err) &&
		    (err->fault == FAULT_BUG || stop_level(&crew->stop) == STOP_NOT))
			return false;
	}
	crew->lots = 0;
	return true;
}

static void log_failed(const struct crew *crew)
{
	const struct failures *failures = &crew->tally.failures;
	char object[2 * sizeof(failures->row->object)];

	for (int64_t i = 0; i < failures->rows && i < TALLY_TOLD_MAX; i++) {
		const struct failed_row *row = &failures->row[i];

		log_event(LOG_WARNING, "row_failed", "run=%lld subscription=%lld sqlstate=%s at=%s",
			  (long long)crew->work.run_id, (long long)row->subscription_id,
			  row->sqlstate, log_quote(row->object, object, sizeof(object)));
	}
}

/* Each bucket once; *more if that is worth repeating. */
static bool make_pass(struct crew *crew, int workers, bool *more, struct error *err)
{
	int64_t before = tally_begin_pass(&crew->tally);
	bool ok = find_work(crew, err) &&
		  work_together(crew, workers < crew->lots ? workers : crew->lots, err);
	bool whole = ok && stop_level(&crew->stop) == STOP_NOT;

	tally_end_pass(&crew->tally, whole);
	*more = whole && tally_has_room(&crew->tally) && crew->tally.done.batches > before;
	return ok;
}

bool crew_run(struct crew *crew, int workers, struct error *err)
{
	bool ok, more;

	do
		ok = make_pass(crew, workers, &more, err);
	while (more);
	log_failed(crew);
	if (ok && !tally_has_room(&crew->tally))
		stop_at_limit(&crew->stop, "limit");
	return ok;
}
