-- tieout_detail: the ties that do not hold, and each row that an invariant finds.
SELECT "check", NULL::smallint AS bucket, NULL::bigint AS subscription_id, NULL::bigint AS run_id,
       format('in %s: left %s, right %s', currency, "left", "right") AS detail, 'FAIL' AS result
FROM perennial.ties(:'from', :'to', :'time_zone')
WHERE "left" IS DISTINCT FROM "right"
UNION ALL
SELECT invariant, bucket, subscription_id, run_id, detail, 'FAIL' FROM perennial.unsound
ORDER BY "check", bucket, subscription_id, run_id, detail
