/* Releasing: read, decide, lift; bucket by bucket. */
#include "run/release.h"
#include "base/memory.h"
#include "db/facts_rows.h"
#include "db/hold.h"
#include "run/recovery.h"

#include <stdlib.h>

/* How often one that changed meanwhile is tried again. */
#define AGAIN 2

struct release {
	const struct release_request *request;
	struct conn *conn;
	const struct rows *lost_zones;
	struct recovery *recovery;
};

/* Some of one bucket. */
struct chunk {
	struct lift lift; /* of the entries those that are released, in their order */
	int entries;
	struct release_entry entry[HELD_AT_ONCE];
	int changed;
	int64_t changed_id[HELD_AT_ONCE];
};

/* Decides as if the hold had been lifted. */
static struct release_entry decide_entry(const struct release_request *request, struct facts *f)
{
	const struct policy *policy = &request->policy;
	struct release_entry entry = {
		.subscription_id = f->subscription_id,
		.hold_reason = f->hold_reason,
		.due = f->period_end_us <= policy->as_of_us,
		.periods_behind = facts_missed(f, policy->as_of_us),
	};
	struct step step[STEPS_MAX];
	int steps;

	f->hold_reason = NULL;
	f->catch_up_allowed = request->catch_up;
	steps = decide_all(f, policy, step);
	if (step[steps - 1].action == ACTION_HOLD) {
		entry.fate = RELEASE_REFUSED;
		entry.why = step[steps - 1].reason;
	}
	return entry;
}

/* Takes the rows from *row on that are of its bucket, and moves *row behind them. */
static bool chunk_fill(struct chunk *chunk, const struct release *r, const struct rows *rows,
		       int *row, struct error *err)
{
	struct lift *lift = &chunk->lift;
	struct facts_row held;

	for (; *row < rows_count(rows); ++*row) {
		struct release_entry *entry = &chunk->entry[chunk->entries];
		int32_t revision;

		if (!facts_read(rows, *row, &held, err))
			return false;
		if (chunk->entries > 0 && held.bucket != lift->bucket)
			break;
		lift->bucket = held.bucket;
		revision = held.facts.revision;
		*entry = decide_entry(r->request, &held.facts);
		if (entry->fate == RELEASE_DONE) {
			lift->id[lift->count] = entry->subscription_id;
			lift->revision[lift->count++] = revision;
		}
		chunk->entries++;
	}
	return true;
}

/* Waits for those who are in the way.  Not for a server that went away: nobody would know whether
 * it had lifted the holds, and so what to tell. */
static bool try_again(const struct release *r, struct error *err)
{
	return err->fault == FAULT_RETRY && recovery_try(r->recovery, r->conn, err);
}

static struct rows *read_held(const struct release *r, const struct held_query *query,
			      struct error *err)
{
	struct rows *rows;

	do
		rows = held_read(r->conn, query, err);
	while (rows == NULL && try_again(r, err));
	recovery_reset(r->recovery);
	return rows;
}

static bool chunk_lift(struct chunk *chunk, const struct release *r, struct error *err)
{
	const struct release_request *request = r->request;

	if (chunk->lift.count == 0 || request->pretend)
		return true;
	while (!hold_lift(r->conn, &chunk->lift, request->catch_up, request->note, err))
		if (!try_again(r, err))
			return false;
	recovery_reset(r->recovery);
	return true;
}

/* Tells what became of them, but for those that are tried again. */
static void chunk_tell(struct chunk *chunk, const struct release *r, bool again)
{
	const struct release_request *request = r->request;
	const bool *lifted = chunk->lift.lifted; /* of the next that was to be released */

	for (int i = 0; i < chunk->entries; i++) {
		struct release_entry *entry = &chunk->entry[i];

		if (entry->fate == RELEASE_DONE && !request->pretend) {
			if (!*lifted)
				entry->fate = RELEASE_BUSY;
			lifted++;
		}
		if (entry->fate == RELEASE_BUSY && again)
			chunk->changed_id[chunk->changed++] = entry->subscription_id;
		else
			request->visit(request->visitor, entry);
	}
}

static bool release_rows(const struct release *r, const struct rows *rows, int again,
			 struct error *err);

/* Who released one of them meanwhile has it in the history: here it is no more. */
static bool release_changed(const struct release *r, const struct chunk *chunk, int again,
			    struct error *err)
{
	const struct held_query query = {
		.as_of_us = r->request->policy.as_of_us,
		.lost_zones = r->lost_zones,
		.id = chunk->changed_id,
		.ids = chunk->changed,
		.reason = r->request->reason,
		.after = CLAIM_FROM_START,
	};
	struct rows *rows = read_held(r, &query, err);
	bool ok = rows != NULL && release_rows(r, rows, again, err);

	rows_free(rows);
	return ok;
}

/* All rows of an answer; those that changed are tried again so often. */
static bool release_rows(const struct release *r, const struct rows *rows, int again,
			 struct error *err)
{
	bool ok = true;

	for (int row = 0; ok && row < rows_count(rows);) {
		struct chunk *chunk = memory_zeroed(sizeof(*chunk));

		ok = chunk_fill(chunk, r, rows, &row, err) && chunk_lift(chunk, r, err);
		if (ok)
			chunk_tell(chunk, r, again > 0);
		if (ok && chunk->changed > 0)
			ok = release_changed(r, chunk, again - 1, err);
		free(chunk);
	}
	return ok;
}

/* Goes on behind the last row of an answer. */
static bool move_on(struct held_query *query, const struct rows *rows, struct error *err)
{
	struct facts_row last;

	if (!facts_read(rows, rows_count(rows) - 1, &last, err))
		return false;
	query->bucket = last.bucket;
	query->after = (struct claim_key){ last.facts.period_end_us, last.facts.subscription_id };
	return true;
}

static bool release_all(const struct release *r, struct error *err)
{
	const struct release_request *request = r->request;
	struct held_query query = {
		.as_of_us = request->policy.as_of_us,
		.lost_zones = r->lost_zones,
		.id = request->id,
		.ids = request->ids,
		.reason = request->reason,
		.after = CLAIM_FROM_START,
	};
	bool ok = true, more = true;

	while (ok && more) {
		struct rows *rows = read_held(r, &query, err);

		ok = rows != NULL && release_rows(r, rows, AGAIN, err);
		more = ok && rows_count(rows) == HELD_AT_ONCE;
		ok = ok && (!more || move_on(&query, rows, err));
		rows_free(rows);
	}
	return ok;
}

bool release_run(struct conn *conn, const struct release_request *request, struct error *err)
{
	struct rows *lost_zones = lost_time_zones(conn, err);
	struct stop stop;
	struct recovery recovery = { .budget_ms = request->retry_for_ms,
				     .stop = &stop,
				     .gives_up_at = STOP_NEVER };
	const struct release r = { request, conn, lost_zones, &recovery };
	bool ok;

	stop_init(&stop);
	ok = lost_zones != NULL && release_all(&r, err);
	stop_release(&stop);
	rows_free(lost_zones);
	return ok;
}
