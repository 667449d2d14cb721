-- life_proof: each entry starts from what the one before it left, and every job was done at the first attempt.

SELECT coalesce(s.subscription_id::text, 'all') AS subscription,
       sum(entry.entries) AS entries, sum(flaw.flaws) AS "in broken_history",
       sum(job.jobs) AS notifications, sum(job.done) AS done,
       format('%s EUR', perennial.decimal_text(sum(bill.minor), 'EUR')) AS billed,
       CASE WHEN sum(job.jobs) = sum(job.done) AND sum(job.jobs) = sum(job.attempts)
             AND NOT EXISTS (SELECT FROM perennial.broken_history)
            THEN 'ok' ELSE 'NOT OK' END AS "check"
FROM perennial.subscription s
CROSS JOIN LATERAL (
	SELECT count(*) AS entries FROM perennial.history h WHERE h.subscription_id = s.subscription_id
) AS entry
CROSS JOIN LATERAL (
	SELECT count(*) AS flaws FROM perennial.broken_history b WHERE b.subscription_id = s.subscription_id
) AS flaw
CROSS JOIN LATERAL (
	SELECT count(*) AS jobs, count(*) FILTER (WHERE j.state = 'done') AS done, sum(j.attempts) AS attempts
	FROM perennial.notification_job j WHERE j.subscription_id = s.subscription_id
) AS job
CROSS JOIN LATERAL (
	SELECT sum(b.amount) AS minor FROM perennial.billed b WHERE b.subscription_id = s.subscription_id
) AS bill
GROUP BY ROLLUP (s.subscription_id)
ORDER BY grouping(s.subscription_id), s.subscription_id;
