/* A worker: passes over buckets. */
#include "run/worker.h"
#include "run/batch.h"
#include "db/bucket_store.h"

/* How many rows the next batch may claim; 0 at the limit. */
static int room(const struct work *work, const struct work_done *done)
{
	int64_t left = work->limit - done->claimed;

	return work->limit == 0 || left > work->batch_size ? work->batch_size : (int)left;
}

/* Goes through one bucket from its oldest due row on.  Fewer rows than asked for is not its end:
 * rows that changed while they were being locked drop out of an answer.  None is. */
static bool walk_bucket(struct batch *batch, struct conn *conn, const struct work *work,
			struct work_done *done, struct error *err)
{
	batch->claim.after_end_us = INT64_MIN;
	batch->claim.after_id = 0;
	while ((batch->claim.most = room(work, done)) > 0) {
		if (!batch_run(batch, conn, err))
			return false;
		if (batch->claimed == 0)
			break;
		done->batches++;
		done->claimed += batch->claimed;
		done->outcomes += batch->outcomes;
		done->held += batch->held;
	}
	return true;
}

static int find_buckets(struct conn *conn, const struct work *work, int16_t bucket[BUCKETS],
			struct error *err)
{
	return work->subscription_id != 0
		       ? store_find(conn, work->subscription_id, bucket, err)
		       : store_work_buckets(conn, work->policy.as_of_us, bucket, err);
}

static bool walk_buckets(struct batch *batch, struct conn *conn, const struct work *work,
			 struct work_done *done, struct error *err)
{
	int16_t bucket[BUCKETS];
	int buckets = find_buckets(conn, work, bucket, err);

	for (int i = 0; i < buckets; i++) {
		batch->claim.bucket = bucket[i];
		if (!walk_bucket(batch, conn, work, done, err))
			return false;
	}
	return buckets >= 0;
}

bool worker_run(struct conn *conn, const struct work *work, struct work_done *done,
		struct error *err)
{
	struct batch batch = {
		.run_id = work->run_id,
		.policy = work->policy,
		.limits = work->limits,
		.claim = { .as_of_us = work->policy.as_of_us,
			   .subscription_id = work->subscription_id },
	};
	int64_t before;
	bool ok;

	do {
		before = done->batches;
		ok = walk_buckets(&batch, conn, work, done, err);
	} while (ok && done->batches > before && room(work, done) > 0);
	batch_release(&batch);
	return ok;
}
