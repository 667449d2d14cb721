/* The tally of a run: counters and limits under one lock. */
#include "run/tally.h"

#include <string.h>

void tally_init(struct tally *tally, int64_t limit, int64_t max_held)
{
	*tally = (struct tally){ .limit = limit, .max_held = max_held };
	pthread_mutex_init(&tally->lock, NULL);
	pthread_cond_init(&tally->settled_more, NULL);
}

void tally_release(struct tally *tally)
{
	pthread_cond_destroy(&tally->settled_more);
	pthread_mutex_destroy(&tally->lock);
}

int tally_take(struct tally *tally, int wanted)
{
	int64_t left;

	pthread_mutex_lock(&tally->lock);
	while (tally->limit != 0 && tally->reserved >= tally->limit &&
	       tally->settled < tally->limit)
		pthread_cond_wait(&tally->settled_more, &tally->lock);
	left = tally->limit - tally->reserved;
	if (tally->limit != 0 && left < wanted)
		wanted = (int)left;
	tally->reserved += wanted;
	pthread_mutex_unlock(&tally->lock);
	return wanted;
}

void tally_settle(struct tally *tally, int reserved, int used)
{
	pthread_mutex_lock(&tally->lock);
	tally->reserved -= reserved - used;
	tally->settled += used;
	pthread_cond_broadcast(&tally->settled_more);
	pthread_mutex_unlock(&tally->lock);
}

bool tally_has_room(struct tally *tally)
{
	bool room;

	pthread_mutex_lock(&tally->lock);
	room = tally->limit == 0 || tally->reserved < tally->limit;
	pthread_mutex_unlock(&tally->lock);
	return room;
}

static bool too_many(const struct tally *tally, struct error *err)
{
	fail(err, EXIT_LIMIT, "more than limits.max_held = %lld subscriptions would go on hold",
	     (long long)tally->max_held);
	return fail_hint(err, "perennial plan and perennial holds tell why; to let it pass once: "
			      "perennial run --allow-over max_held --reason TEXT");
}

bool tally_hold(struct tally *tally, int rows, struct error *err)
{
	bool ok = true;

	pthread_mutex_lock(&tally->lock);
	if (rows > 0 && tally->max_held != 0 && tally->refused + rows > tally->max_held)
		ok = too_many(tally, err);
	else
		tally->refused += rows;
	pthread_mutex_unlock(&tally->lock);
	return ok;
}

void tally_unhold(struct tally *tally, int rows)
{
	pthread_mutex_lock(&tally->lock);
	tally->refused -= rows;
	pthread_mutex_unlock(&tally->lock);
}

void tally_add(struct tally *tally, const struct work_done *batch)
{
	pthread_mutex_lock(&tally->lock);
	tally->done.batches += batch->batches;
	tally->done.claimed += batch->claimed;
	tally->done.continued += batch->continued;
	tally->done.outcomes += batch->outcomes;
	tally->done.held += batch->held;
	pthread_mutex_unlock(&tally->lock);
}

struct work_done tally_done(struct tally *tally)
{
	struct work_done done;

	pthread_mutex_lock(&tally->lock);
	done = tally->done;
	pthread_mutex_unlock(&tally->lock);
	return done;
}

static void remember(struct tally *tally, int64_t subscription_id, const struct error *refusal)
{
	struct failures *failing = &tally->failing;
	struct failed_row *row = &failing->row[failing->rows];

	if (failing->rows++ >= TALLY_TOLD_MAX)
		return;
	row->subscription_id = subscription_id;
	memcpy(row->sqlstate, refusal->sqlstate, sizeof(row->sqlstate));
	memcpy(row->object, refusal->object, sizeof(row->object));
}

bool tally_fail(struct tally *tally, int64_t subscription_id, const struct error *refusal,
		struct error *err)
{
	bool ok = true;

	pthread_mutex_lock(&tally->lock);
	remember(tally, subscription_id, refusal);
	tally->refused++;
	if (tally->max_held != 0 && tally->refused > tally->max_held)
		ok = too_many(tally, err);
	pthread_mutex_unlock(&tally->lock);
	return ok;
}

int64_t tally_begin_pass(struct tally *tally)
{
	int64_t batches;

	pthread_mutex_lock(&tally->lock);
	tally->refused -= tally->failing.rows;
	tally->failing.rows = 0;
	batches = tally->done.batches;
	pthread_mutex_unlock(&tally->lock);
	return batches;
}

void tally_end_pass(struct tally *tally, bool whole)
{
	pthread_mutex_lock(&tally->lock);
	if (whole || tally->failing.rows > tally->failures.rows)
		tally->failures = tally->failing;
	pthread_mutex_unlock(&tally->lock);
}

bool tally_tells(struct tally *tally)
{
	bool tells;

	pthread_mutex_lock(&tally->lock);
	tells = tally->told++ < TALLY_TOLD_MAX;
	pthread_mutex_unlock(&tally->lock);
	return tells;
}
