/* A worker: passes over buckets. */
#include "run/worker.h"
#include "db/buckets.h"

/* How many rows the next batch may claim; 0 at the limit. */
static int room(const struct work *work, const struct work_done *done)
{
	int64_t left = work->limit - done->claimed;

	return work->limit == 0 || left > work->batch_size ? work->batch_size : (int)left;
}

static void add_batch(struct work_done *done, const struct batch *batch)
{
	done->batches++;
	done->claimed += batch->set.claimed;
	done->unfinished += batch->unfinished;
	done->outcomes += batch->set.closed;
	done->held += batch->set.held;
}

/* Goes through one bucket from its oldest due row on.  Fewer rows than asked for is not its end:
 * rows that changed while they were being locked drop out of an answer.  None is. */
static bool walk_bucket(struct batch *batch, struct conn *conn, int16_t bucket,
			struct work_done *done, struct error *err)
{
	batch->claim.bucket = bucket;
	batch->claim.after_end_us = CLAIM_FROM_START;
	batch->claim.after_id = 0;
	while ((batch->claim.most = room(batch->work, done)) > 0) {
		if (!batch_run(batch, conn, err))
			return false;
		if (batch->set.claimed == 0)
			break;
		add_batch(done, batch);
	}
	return true;
}

static int find_buckets(struct conn *conn, const struct work *work, int16_t bucket[BUCKETS],
			struct error *err)
{
	return work->subscription_id != 0
		       ? buckets_of_subscription(conn, work->subscription_id, bucket, err)
		       : buckets_with_work(conn, work->policy.as_of_us, bucket, err);
}

static bool walk_buckets(struct batch *batch, struct conn *conn, struct work_done *done,
			 struct error *err)
{
	int16_t bucket[BUCKETS];
	int buckets = find_buckets(conn, batch->work, bucket, err);

	for (int i = 0; i < buckets; i++)
		if (!walk_bucket(batch, conn, bucket[i], done, err))
			return false;
	return buckets >= 0;
}

bool worker_run(struct conn *conn, const struct work *work, struct work_done *done,
		struct error *err)
{
	struct batch batch;
	int64_t before;
	bool ok;

	batch_init(&batch, work);
	do {
		before = done->batches;
		ok = walk_buckets(&batch, conn, done, err);
	} while (ok && done->batches > before && room(work, done) > 0);
	batch_release(&batch);
	return ok;
}
