# stop: signals, the deadline and death in the middle of a run.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load faults

EMPTY+='TRUNCATE test.gate; ALTER SEQUENCE test.tries RESTART;'

# Nobody but the test ends these runs.
PATIENT='run: { retry_for = "600s"; statement_timeout = "600s"; lock_timeout = "600s"; };'

setup_file() {
	own_database
	db "$GATE
	    CREATE SEQUENCE test.tries;
	    CREATE FUNCTION test.conflict() RETURNS trigger LANGUAGE plpgsql AS \$\$
	    BEGIN
	    	PERFORM nextval('test.tries');
	    	RAISE EXCEPTION 'conflict' USING ERRCODE = '40001';
	    END \$\$;
	    CREATE FUNCTION test.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
	    BEGIN
	    	-- Alone in its bucket, a row is tried twice in a pass, as a batch and by itself.
	    	WHILE nextval('test.tries') > 2 AND EXISTS (SELECT FROM test.gate) LOOP
	    		PERFORM pg_sleep(0.1);
	    	END LOOP;
	    	RAISE EXCEPTION 'refused';
	    END \$\$;
	    CREATE FUNCTION test.no_event() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'refused'; END \$\$;
	    ALTER TABLE perennial.outcome ADD CONSTRAINT not_thirteen CHECK (quantity <> 13)"
}

teardown_file() {
	drop_own
}

teardown() {
	end_program
	let_go
}

# signal NAME: sent, and taken by the program, which acts on it long before the next psql has started.
signal() {
	kill "-$1" "$program"
	while grep -qs '^ShdPnd:[[:blank:]]*0*[1-9a-f]' "/proc/$program/status"; do
		sleep 0.02
	done
}

# stops SIGNAL: five rows, a batch each; the third is in flight when it comes.
stops() {
	given_due 5 'close_gate(3)'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	signal "$1"
	open_gate
	ends 11
	has "$output" '3 subscriptions, 3 outcomes'
	has "$output" "stopped by: SIG$1"
	has "$output" 'left, and still due: 2, not reached; the next run takes them up'
	is "$(renewed)" '1 2 3'
	is "$(run_row)" "left|11|2|0|0|SIG$1"
	is "$(disagreements)" ''
	is "$(unsound)" ''
}

@test "SIGTERM stops a run after the batch in flight, with its summary and exit code 11" {
	stops TERM
	exits 0 perennial run --as-of "$AS_OF"
	is "$(renewed)" '1 2 3 4 5'
}

@test "SIGINT does the same" {
	stops INT
}

@test "the deadline stops a run after the batch in flight, with its summary and exit code 11" {
	given_due 3 'close_gate(1)'
	start 'run: { deadline = "2s"; };' run --as-of "$AS_OF" --batch-size 1 --format json
	at_gate
	sleep 2.5
	open_gate
	ends 11
	is "$(json "$output" "concat_ws(' ', j->'result', j->'exit_code', j->'stopped_by', j->'outcomes', j->'left')")" '"left" 11 "deadline" 1 2'
	is "$(run_row)" 'left|11|2|0|0|deadline'
}

@test "a run that was stopped and has put something on hold ends with exit code 10" {
	given_due 5 'close_gate(3)'
	db 'UPDATE perennial.subscription SET quantity = 13 WHERE subscription_id = 1'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	signal TERM
	open_gate
	ends 10
	is "$(run_row)" 'held|10|2|1|0|SIGTERM'
}

@test "a run that was stopped and left nothing ends with exit code 0" {
	given_due 5 'close_gate(5)'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	signal TERM
	open_gate
	ends 0
	is "$(run_row)" 'done|0|0|0|0|SIGTERM'
	is "$(unsound)" ''
}

@test "what failed in a whole pass is told by a run that is stopped in the next" {
	given_due 1 "add(2, 'active', '2024-02-29')" 'close_gate(0)'
	db 'CREATE TRIGGER refuse BEFORE INSERT ON perennial.outcome FOR EACH ROW WHEN (NEW.subscription_id = 1)
	        EXECUTE FUNCTION test.refuse();
	    CREATE TRIGGER refuse BEFORE INSERT ON perennial.event FOR EACH ROW EXECUTE FUNCTION test.no_event()'
	start "$PATIENT" run --as-of "$AS_OF"
	at_gate
	signal TERM
	open_gate
	ends 10
	db 'DROP TRIGGER refuse ON perennial.outcome; DROP TRIGGER refuse ON perennial.event'
	is "$(run_row)" 'held|10|1|0|1|SIGTERM'
	is "$(renewed)" '2'
}

@test "a second signal cancels the statement that is running, and its batch is rolled back" {
	given_due 5 'close_gate(3)'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	signal TERM
	signal INT
	ends 11
	has "$output" '2 subscriptions, 2 outcomes'
	is "$(renewed)" '1 2'
	is "$(run_row)" 'left|11|3|0|0|SIGTERM'
	is "$(disagreements)" ''
	is "$(unsound)" ''
}

@test "a second signal cancels what every worker is doing" {
	given "add("{1..4}", 'active', '2024-02-29')" "close_gate("{1..4}")"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1 --workers 4
	at_gate 4
	signal TERM
	signal TERM
	ends 11
	is "$(renewed)" ''
	is "$(run_row)" 'left|11|4|0|0|SIGTERM'
}

@test "a third signal ends the process, whatever it waits for" {
	given_due 3 'close_gate(2)'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	keep_open 'LOCK perennial.run'
	signal TERM
	signal TERM
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
	          AND application_name LIKE 'perennial run=%' AND wait_event_type = 'Lock')"
	kill -TERM "$program"
	ends 143
	is "$(renewed)" '1'
}

@test "a signal to several workers lets each finish its batch" {
	local rows

	mapfile -t rows < <(due 11 13 1; due 21 23 2; due 31 33 3; due 41 43 4)
	given "${rows[@]}" "close_gate("{11,21,31,41}")"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1 --workers 4
	at_gate 4
	signal TERM
	open_gate
	ends 11
	is "$(renewed)" '11 21 31 41'
	is "$(run_row)" 'left|11|8|0|0|SIGTERM'
	is "$(disagreements)" ''
}

@test "a signal ends the waiting between two tries" {
	given_due 3
	db 'CREATE TRIGGER conflict BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.conflict()'
	start "$PATIENT" run --as-of "$AS_OF"
	wait_for 'SELECT last_value > 3 FROM test.tries'
	kill -TERM "$program"
	ends 11
	db 'DROP TRIGGER conflict ON perennial.outcome'
	is "$(run_row)" 'left|11|3|0|0|SIGTERM'
	is "$(renewed)$(held)" ''
}

@test "a signal ends the waiting for a server that is not there" {
	PGHOST=$BATS_TEST_TMPDIR start "$PATIENT" run --as-of "$AS_OF"
	sleep 0.5
	kill -TERM "$program"
	ends 143
}

@test "a run that was killed is running while its backend is, then died, and the next run takes up what it left" {
	local run

	given_due 5 'close_gate(3)'
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	run=$(db 'SELECT run_id FROM perennial.run')
	kill -KILL "$program"
	ends 137
	db "UPDATE perennial.run SET started_at = now() - interval '1 hour';
	    UPDATE perennial.batch SET committed_at = now() - interval '1 hour'"
	is "$(db 'SELECT state FROM perennial.run_state')" running

	# What its backend has locked is left, and no more.
	exits 11 perennial run --as-of "$AS_OF"
	is "$(renewed)" '1 2 4 5'

	open_gate
	wait_for "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'perennial run=$run' AND datname = current_database())"
	is "$(db "SELECT state FROM perennial.run_state WHERE run_id = $run")" died
	exits 0 perennial run --as-of "$AS_OF"
	is "$(renewed)" '1 2 3 4 5'
	is "$(db "SELECT state FROM perennial.run_state WHERE run_id = $run")" died
	is "$(unpaired_jobs)" ''
}
