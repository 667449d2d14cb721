# prune: which notification jobs are deleted.

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

setup() {
	db 'TRUNCATE perennial.pruning'
}

# jobs STATE FINISHED BOUNDARY [HOW_MANY]: instants as SQL; each job of a subscription of its own, in many buckets.
jobs() {
	db "INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, state, finished_at)
	    SELECT perennial.bucket_of(i), i + 1000 * (SELECT count(*) FROM perennial.notification_job), i, 'renewed', $3, '$1', $2
	    FROM generate_series(1, ${4-1}) AS i"
}

left() {
	db "SELECT string_agg(state || ' ' || n, ', ' ORDER BY state)
	    FROM (SELECT state, count(*) AS n FROM perennial.notification_job GROUP BY state) t"
}

unsound() {
	db "SELECT invariant, count(*) FROM perennial.unsound GROUP BY invariant ORDER BY invariant" | tr '|' ' '
}

@test "done and dead jobs that were finished longer ago are deleted, the rest stays" {
	db "$EMPTY"
	jobs done "now() - interval '91 days'" "now() - interval '100 days'" 3
	jobs dead "now() - interval '91 days'" "now() - interval '100 days'" 2
	jobs done "now() - interval '89 days'" "now() - interval '100 days'"
	jobs ready NULL "now() - interval '100 days'"
	jobs taken NULL "now() - interval '100 days'"
	exits 0 perennial prune --older-than 90d
	has "$output" '5 notification jobs deleted that had been finished before 20'
	has "$output" ', of them 2 dead'
	is "$(left)" 'done 1, ready 1, taken 1'
}

@test "a job about a boundary to come is kept" {
	db "$EMPTY"
	jobs done "now() - interval '91 days'" "now() + interval '1 hour'"
	jobs done "now() - interval '91 days'" "now() - interval '1 hour'"
	exits 0 perennial prune --older-than 90d
	is "$(left)" 'done 1'
	is "$(db 'SELECT boundary > now() FROM perennial.notification_job')" t
}

@test "minutes, hours, days and weeks" {
	local age

	for age in 60min 1h; do
		db "$EMPTY"
		jobs done "now() - interval '59 minutes'" "now() - interval '1 day'"
		jobs done "now() - interval '61 minutes'" "now() - interval '1 day'"
		exits 0 perennial prune --older-than $age
		has "$output" '1 notification job deleted'
	done
	for age in 14d 2w; do
		db "$EMPTY"
		jobs done "now() - interval '14 days' + interval '1 minute'" "now() - interval '15 days'"
		jobs done "now() - interval '14 days' - interval '1 minute'" "now() - interval '15 days'"
		exits 0 perennial prune --older-than $age
		is "$(left)" 'done 1'
	done
}

@test "many jobs of one bucket are deleted, a thousand in a transaction" {
	db "$EMPTY"
	db "INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, state, finished_at)
	    SELECT 3, i, 3, 'renewed', '2024-01-01', 'done', '2024-01-02' FROM generate_series(1, 2500) AS i"
	db "CREATE TABLE test.seen (xid bigint, n bigint);
	    CREATE FUNCTION test.see() RETURNS trigger LANGUAGE plpgsql AS \$\$
	    BEGIN INSERT INTO test.seen SELECT txid_current(), count(*) FROM gone; RETURN NULL; END \$\$;
	    CREATE TRIGGER see AFTER DELETE ON perennial.notification_job
	    REFERENCING OLD TABLE AS gone EXECUTE FUNCTION test.see()"
	exits 0 perennial prune --older-than 1d
	has "$output" '2 500 notification jobs deleted'
	is "$(db 'SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM (SELECT sum(n) AS n FROM test.seen GROUP BY xid HAVING sum(n) > 0) t')" \
		'500 1000 1000'
	db "DROP TRIGGER see ON perennial.notification_job"
	is "$(left)" ''
}

@test "a note says beforehand which jobs may be gone" {
	db "$EMPTY"
	jobs done "now() - interval '91 days'" "now() - interval '100 days'"
	db "CREATE TABLE test.noted (n bigint);
	    CREATE FUNCTION test.look() RETURNS trigger LANGUAGE plpgsql AS \$\$
	    BEGIN
	    	INSERT INTO test.noted
	    	SELECT count(*) FROM perennial.pruning WHERE xmin <> pg_current_xact_id()::xid AND pruned_at < now();
	    	RAISE 'not today';
	    END \$\$;
	    CREATE TRIGGER look BEFORE DELETE ON perennial.notification_job EXECUTE FUNCTION test.look()"
	run perennial prune --older-than 90d
	differs "$status" 0
	is "$(left)" 'done 1'
	db "DROP TRIGGER look ON perennial.notification_job"
	is "$(db "SELECT actor = session_user, finished_before BETWEEN pruned_at - interval '90 days 1 minute'
		AND pruned_at - interval '90 days' FROM perennial.pruning")" 't|t'
}

@test "what was pruned is not missed, what else is gone is" {
	given "${GIVEN_ALL[@]}" "add(9, 'active', '2020-12-31')"
	db 'UPDATE perennial.subscription SET catch_up_allowed = true WHERE subscription_id = 9'
	perennial run --as-of "$AS_OF" >/dev/null || :
	db "UPDATE perennial.notification_job SET state = 'done', finished_at = now()"
	# The program's clock has whole seconds.
	sleep 1
	exits 0 perennial prune --older-than 0d
	is "$(left)" ''
	is "$(unsound)" ''
	db 'TRUNCATE perennial.pruning'
	is "$(unsound)" 'job-missing 44'
}

@test "what an earlier version pruned and did not count is not missed after an upgrade" {
	given "${GIVEN_ALL[@]}" "add(9, 'active', '2020-12-31')"
	db 'UPDATE perennial.subscription SET catch_up_allowed = true WHERE subscription_id = 9'
	perennial run --as-of "$AS_OF" >/dev/null || :
	db "TRUNCATE perennial.notification_job;
	    UPDATE perennial.batch SET continued = 0;
	    DROP VIEW perennial.unsound CASCADE;
	    DROP TABLE perennial.pruning;
	    DELETE FROM perennial.schema_version WHERE version IN (13, 14)"
	db <"$SOURCE/sql/schema/0013_soundness.sql"
	db <"$SOURCE/sql/schema/0014_faster_proof.sql"
	is "$(unsound)" ''
	is "$(db 'SELECT sum(claimed), sum(continued) FROM perennial.batch')" '7|1'
	# From now on they count.
	given_all
	perennial run --as-of "$AS_OF" >/dev/null || :
	db 'DELETE FROM perennial.notification_job'
	is "$(unsound)" 'job-missing 5'
}

@test "nothing but jobs is ever deleted" {
	local before

	given_all
	perennial run --as-of "$AS_OF" >/dev/null || :
	db "UPDATE perennial.notification_job SET state = 'done', finished_at = '2024-03-01'"
	before=$(md5_of physical outcome event batch batch_total run subscription account)
	exits 0 perennial prune --older-than 1h
	has "$output" '5 notification jobs deleted'
	is "$(md5_of physical outcome event batch batch_total run subscription account)" "$before"
}

@test "nothing to delete is done too" {
	db "$EMPTY"
	exits 0 perennial prune --older-than 0d
	has "$output" '0 notification jobs deleted'
}

@test "an age that is missing or makes no sense is 64, and nothing is deleted" {
	local age

	db "$EMPTY"
	jobs done "'2024-01-02'" "'2024-01-01'"
	refuses 64 'prune needs --older-than' prune
	for age in '' 90 d 90days -1d 1.5d '90 d' 90dd 1s 99999999999d 99999999999999999999d 0x5d; do
		refuses 64 'a whole number with min, h, d or w, as 90d' prune --older-than "$age"
	done
	refuses 64 'takes no argument "90d"' prune 90d
	is "$(left)" 'done 1'
}

@test "an operator may, a reader and the batch may not" {
	db "$EMPTY"
	jobs done "'2024-01-02'" "'2024-01-01'"
	role operator 'IN ROLE perennial_operator'
	role reader 'IN ROLE perennial_reader'
	role batch 'IN ROLE perennial_batch'
	exits 77 as_role reader perennial prune --older-than 1d
	has "$stderr" 'perennial_operator for hold, release and prune'
	exits 77 as_role batch perennial prune --older-than 1d
	is "$(left)" 'done 1'
	is "$(db 'SELECT count(*) FROM perennial.pruning')" 0
	exits 0 as_role operator perennial prune --older-than 1d
	is "$(left)" ''
	is "$(db 'SELECT actor FROM perennial.pruning')" "${OWN}operator"
}

@test "a job that is revived while it is being deleted stays" {
	local reviving pruning

	db "$EMPTY"
	jobs dead "'2024-01-02'" "'2024-01-01'"
	jobs dead "'2024-01-02'" "'2024-01-01'"
	keep_open 'SELECT pg_advisory_lock(4711)'
	db "BEGIN; SELECT perennial.revive_job(bucket, job_id) FROM perennial.notification_job LIMIT 1;
		SELECT pg_advisory_lock(4711); COMMIT" >/dev/null 3>&- &
	reviving=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')"
	perennial prune --older-than 1d >"$BATS_TEST_TMPDIR/pruned" 3>&- &
	pruning=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND application_name = 'perennial' AND wait_event_type = 'Lock')"
	let_go
	wait $reviving
	wait $pruning
	has "$(cat "$BATS_TEST_TMPDIR/pruned")" '1 notification job deleted'
	is "$(left)" 'ready 1'
}
