-- release_subscriptions: lifts the holds of subscriptions of one bucket that have not changed since they were read.
-- $1 smallint   bucket
-- $2 bigint[]   subscription_id
-- $3 integer[]  revision
-- $4 boolean    catch_up_allowed
-- $5 text       note, or null
-- returns subscription_id bigint
SELECT r.subscription_id
FROM perennial.release_subscriptions($1::smallint, $2, $3, $4, $5) AS r (subscription_id)
