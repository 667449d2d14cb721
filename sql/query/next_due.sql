-- next_due: what is due next after an instant, and not on hold.
-- $1 timestamptz  as_of
-- returns subscription_id bigint, period_end timestamptz
:next_due
