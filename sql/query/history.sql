-- history: the events and outcomes of a subscription, in order.
-- $1 bigint  subscription_id
-- returns account_id bigint, revision integer, at text, kind text, status text, period_end text, amount text, why text, document text
SELECT h.account_id,
       h.revision,
       -- For people: to the second.
       perennial.utc_text(date_trunc('second', h.at)) AS at,
       h.kind,
       h.to_status::text AS status,
       perennial.utc_text(date_trunc('second', h.period_end)) AS period_end,
       CASE WHEN h.kind NOT IN ('expired', 'trial_expired')
            THEN perennial.decimal_text(h.amount, h.currency) || ' ' || h.currency END AS amount,
       concat_ws(', ', CASE WHEN h.run_id IS NULL THEN h.actor ELSE 'run ' || h.run_id END, h.rule, h.reason, h.detail,
                 h.sqlstate,
                 CASE WHEN h.kind = 'change_scheduled' AND num_nulls(h.next_price_id, h.next_quantity) = 2 THEN 'no change' END,
                 CASE WHEN h.kind = 'change_scheduled' THEN 'price ' || h.next_price_id END,
                 CASE WHEN h.kind = 'change_scheduled' THEN 'quantity ' || h.next_quantity END) AS why,
       row_to_json(all_of_it)::text AS document
FROM perennial.history h
CROSS JOIN LATERAL (SELECT
	h.subscription_id, h.account_id, h.revision, h.kind,
	perennial.utc_text(h.at) AS at, perennial.utc_text(h.recorded_at) AS recorded_at, h.actor, h.run_id, h.rule,
	h.from_status, h.to_status, perennial.utc_text(h.closed_start) AS closed_start,
	perennial.utc_text(h.closed_end) AS closed_end, perennial.utc_text(h.period_start) AS period_start,
	perennial.utc_text(h.period_end) AS period_end, h.price_id, h.next_price_id, h.quantity, h.next_quantity,
	h.unit_amount, h.amount, h.currency, h.reason, h.detail, h.sqlstate
) AS all_of_it
WHERE h.bucket = ANY (
:all_buckets
  )
  AND h.subscription_id = $1
ORDER BY h.bucket, h.revision
