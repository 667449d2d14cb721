-- write_state: the rows of one bucket as their last step left them.
-- $1 smallint         bucket
-- $2 timestamptz      as_of, for held_at
-- $3 bigint[]         subscription_id
-- $4 integer[]        revision
-- $5 text[]           status
-- $6 boolean[]        a period was opened: scheduled changes are in force now
-- $7 integer[]        price_id
-- $8 integer[]        quantity
-- $9 timestamp[]      anchor
-- $10 integer[]       months_elapsed
-- $11 timestamptz[]   period_start
-- $12 timestamptz[]   period_end
-- $13 text[]          end_reason, null unless it ended
-- $14 text[]          hold_reason, null unless it is held
-- $15 boolean[]       catch_up_allowed
UPDATE perennial.subscription s
SET revision = d.revision,
    status = d.status::perennial.status,
    price_id = d.price_id,
    quantity = d.quantity,
    next_price_id = CASE WHEN NOT d.opened THEN s.next_price_id END,
    next_quantity = CASE WHEN NOT d.opened THEN s.next_quantity END,
    anchor = d.anchor,
    months_elapsed = d.months_elapsed,
    period_start = d.period_start,
    period_end = d.period_end,
    ended_at = CASE WHEN d.end_reason IS NOT NULL THEN d.period_end END,
    end_reason = d.end_reason,
    hold_reason = d.hold_reason,
    held_at = CASE WHEN d.hold_reason IS NOT NULL THEN $2::timestamptz END,
    catch_up_allowed = d.catch_up_allowed
FROM unnest($3::bigint[], $4::integer[], $5::text[], $6::boolean[], $7::integer[], $8::integer[], $9::timestamp[],
            $10::integer[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::boolean[])
     AS d (subscription_id, revision, status, opened, price_id, quantity, anchor,
           months_elapsed, period_start, period_end, end_reason, hold_reason, catch_up_allowed)
WHERE s.bucket = $1 AND s.subscription_id = d.subscription_id
