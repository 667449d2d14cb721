-- procedure: the statement of by_hand.sql over a range of buckets, so many rows at a time and with a COMMIT after each.
-- It remembers where it stopped: a claim that started over would step across all that is locked or done.
CREATE PROCEDURE bench.run(run_id bigint, as_of timestamptz, first_bucket smallint, last_bucket smallint, most int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
<<last>>
DECLARE
	claimed bigint;
	bucket smallint := first_bucket;
	period_end timestamptz := '-infinity';
	subscription_id bigint := 0;
BEGIN
	LOOP
		{statement};
		EXIT WHEN last.claimed IS NULL;
		COMMIT;
	END LOOP;
END
$$
