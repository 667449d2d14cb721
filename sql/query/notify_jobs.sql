-- notify_jobs: wakes the consumers that listen, once at the commit however many jobs there are.
-- returns notified text
SELECT pg_catalog.pg_notify('perennial_job', '')::text AS notified
