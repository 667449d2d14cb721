# waiting: what passes by itself is waited for, within run.retry_for, and the run ends well.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load faults

EMPTY+='TRUNCATE test.gate, test.pace; ALTER SEQUENCE test.tries RESTART; ALTER SEQUENCE test.conflicts RESTART;'
PATIENT='run: { retry_for = "600s"; statement_timeout = "600s"; lock_timeout = "600s"; };'

# What is in test.pace slows each outcome down; each batch that is tried is counted, and so are the conflicts.
PACE="
CREATE TABLE test.pace (seconds float8);
CREATE FUNCTION test.set_pace(seconds float8) RETURNS void LANGUAGE sql AS 'INSERT INTO test.pace VALUES (seconds)';
CREATE FUNCTION test.slow() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM pg_sleep(seconds) FROM test.pace;
	RETURN NEW;
END \$\$;
CREATE TRIGGER slow BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.slow();

CREATE SEQUENCE test.tries;
CREATE FUNCTION test.count() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''test.tries''); RETURN NULL; END';
CREATE TRIGGER count BEFORE UPDATE ON perennial.subscription FOR EACH STATEMENT EXECUTE FUNCTION test.count();

CREATE SEQUENCE test.conflicts;
CREATE FUNCTION test.conflict() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	IF nextval('test.conflicts') <= 3 THEN
		RAISE EXCEPTION 'conflict' USING ERRCODE = '40001';
	END IF;
	RETURN NEW;
END \$\$;

-- The first six statements last too long.
CREATE FUNCTION test.warm_up() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	IF nextval('test.conflicts') <= 6 THEN
		PERFORM pg_sleep(60);
	END IF;
	RETURN NULL;
END \$\$;
"

setup_file() {
	own_database
	db "$GATE$PACE"
	role batch 'IN ROLE perennial_batch'
	db "GRANT USAGE ON SCHEMA test TO ${OWN}batch;
	    GRANT SELECT ON ALL TABLES IN SCHEMA test TO ${OWN}batch;
	    GRANT USAGE ON ALL SEQUENCES IN SCHEMA test TO ${OWN}batch"
}

teardown_file() {
	drop_own
}

teardown() {
	end_program
	let_go
	[[ -z ${other-} ]] || kill "$other" 2>/dev/null || true
}

# All of N were renewed by the one run that there is, and all is sound.
all_by_one_run() {
	is "$(db 'SELECT count(*), count(DISTINCT run_id) FROM perennial.outcome')" "$1|1"
	is "$(db 'SELECT result, exit_code, left_due, left_held, failed, stopped_by FROM perennial.run')" 'done|0|0|0|0|'
	is "$(disagreements)$(unsound)" ''
}

@test "a lock that another session holds for a while is waited for" {
	given_due 5
	keep_open 'LOCK perennial.notification_job'
	start 'run: { retry_for = "600s"; lock_timeout = "50ms"; };' run --as-of "$AS_OF"
	wait_for 'SELECT last_value >= 3 FROM test.tries'
	let_go
	ends 0
	all_by_one_run 5
}

@test "a conflict that passes is tried again" {
	given_due 5
	db 'CREATE TRIGGER conflict BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.conflict()'
	exits 0 with "$PATIENT" run --as-of "$AS_OF"
	db 'DROP TRIGGER conflict ON perennial.outcome'
	is "$(db 'SELECT last_value FROM test.conflicts')" 8
	all_by_one_run 5
}

@test "a deadlock with another session is tried again" {
	given_due 5
	# It has what the run will wait for; once the run waits, it wants a row of the run's.
	PGAPPNAME=${OWN}other psql -Xq -v ON_ERROR_STOP=1 >/dev/null 2>&1 3>&- <<-'SQL' &
		SET deadlock_timeout = '600s';
		BEGIN;
		LOCK perennial.notification_job;
		DO $$
		BEGIN
			WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
			                  AND application_name LIKE 'perennial run=%' AND wait_event_type = 'Lock') LOOP
				PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
			END LOOP;
		END $$;
		SELECT FROM perennial.subscription WHERE subscription_id = 1 FOR UPDATE;
		COMMIT;
	SQL
	other=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'perennial.notification_job'::regclass
	          AND mode = 'AccessExclusiveLock' AND granted)"
	PGOPTIONS='-c deadlock_timeout=2s' start "$PATIENT" run --as-of "$AS_OF"
	# The other was not the one that the server chose.
	wait $other
	other=''
	ends 0
	wait_for 'SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()'
	all_by_one_run 5
}

@test "a statement timeout that only big batches meet makes them smaller, and holds nothing" {
	given_due 100 'set_pace(0.01)'
	exits 0 with 'run: { statement_timeout = "300ms"; };' run --as-of "$AS_OF" --batch-size 100
	all_by_one_run 100
	is "$(db 'SELECT count(*) > 3 FROM perennial.batch')" t
	is "$(held)" ''
}

@test "batches that were made smaller grow again when the server is quick again" {
	given_due 300
	db 'CREATE TRIGGER warm_up BEFORE INSERT ON perennial.outcome FOR EACH STATEMENT EXECUTE FUNCTION test.warm_up()'
	exits 0 with 'run: { statement_timeout = "500ms"; };' run --as-of "$AS_OF" --batch-size 64
	db 'DROP TRIGGER warm_up ON perennial.outcome'
	all_by_one_run 300
	# A row at a time would be some 240 batches; twice as many rows after each eighth batch are some 50.
	is "$(db 'SELECT min(claimed), max(claimed) > 8, count(*) < 100 FROM perennial.batch')" '1|t|t'
}

@test "a statement timeout of a single row holds nothing: exit code 75 after run.retry_for" {
	given_due 5 'close_gate(3)'
	exits 75 with 'run: { statement_timeout = "1s"; retry_for = "300ms"; };' run --as-of "$AS_OF"
	has "$stderr" 'statement timeout'
	is "$(held)" ''
	is "$(renewed)" '1 2'
	is "$(db 'SELECT result, exit_code, failed, stopped_by FROM perennial.run')" 'failed|75|0|failure'
	is "$(disagreements)$(unsound)" ''
}

# terminate: the session at the gate.
terminate() {
	db "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
	    WHERE datname = current_database() AND application_name LIKE 'perennial run=%'"
}

@test "a session that is terminated is replaced, and the run goes on" {
	given_due 5 'close_gate(3)'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	is "$(terminate)" t
	at_gate
	open_gate
	ends 0
	all_by_one_run 5
}

@test "a server that lets nobody in for a while is waited for" {
	given_due 5 'close_gate(3)'
	as_role batch start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	db "ALTER ROLE ${OWN}batch CONNECTION LIMIT 0"
	is "$(terminate)" t
	sleep 0.5
	open_gate
	db "ALTER ROLE ${OWN}batch CONNECTION LIMIT -1"
	ends 0
	all_by_one_run 5
}

@test "a server that lets nobody in any more is exit code 75, and what was committed stands" {
	given_due 5 'close_gate(3)'
	as_role batch start 'run: { retry_for = "300ms"; };' run --as-of "$AS_OF" --batch-size 1
	at_gate
	db "ALTER ROLE ${OWN}batch CONNECTION LIMIT 0"
	is "$(terminate)" t
	ends 75
	db "ALTER ROLE ${OWN}batch CONNECTION LIMIT -1"
	is "$(renewed)" '1 2'
	is "$(db 'SELECT finished_at FROM perennial.run')" ''
	open_gate
	exits 0 perennial run --as-of "$AS_OF"
	is "$(renewed)" '1 2 3 4 5'
	is "$(disagreements)$(unsound)" ''
}
