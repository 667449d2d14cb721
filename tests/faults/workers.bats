# workers: several connections, and several programs, share the work, and the result is the same.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load faults

EMPTY+='TRUNCATE test.gate;'
PATIENT='run: { retry_for = "600s"; statement_timeout = "600s"; lock_timeout = "600s"; };'

# 300 subscriptions of 60 accounts: of each kind some, two that a constraint refuses, and ten that are too far behind.
CROWD="
SELECT test.add(i, CASE i % 10 WHEN 1 THEN 'trialing' WHEN 2 THEN 'pending_cancellation' WHEN 3 THEN 'trialing' ELSE 'active' END
	::perennial.status, timestamptz '2024-02-29 UTC' - i * interval '13 minutes' - CASE WHEN i % 30 = 0 THEN 180 ELSE 0 END * interval '1 day',
	account => i % 60 + 1, price => i % 4 + 1, billing => i % 10 <> 3, quantity => CASE WHEN i IN (100, 200) THEN 13 ELSE 1 END)
FROM generate_series(1, 300) i
"

setup_file() {
	own_database
	db "$GATE
	    ALTER TABLE perennial.outcome ADD CONSTRAINT not_thirteen CHECK (quantity <> 13);
	    CREATE FUNCTION test.forbid() RETURNS trigger LANGUAGE plpgsql AS
	        'BEGIN RAISE EXCEPTION ''forbidden'' USING ERRCODE = ''42501''; END';
	    CREATE TRIGGER quantity_42 BEFORE INSERT ON perennial.outcome FOR EACH ROW WHEN (NEW.quantity = 42)
	        EXECUTE FUNCTION test.forbid()"
	createdb -T "$PGDATABASE" "${OWN}crowd"
	PGDATABASE=${OWN}crowd db "$CROWD" >/dev/null
	createdb -T "${OWN}crowd" "${OWN}wanted"
	PGDATABASE=${OWN}wanted perennial run --as-of "$AS_OF" --workers 1 >/dev/null || (($? == 10))
	WANTED=$(PGDATABASE=${OWN}wanted work_done)
	export WANTED
}

teardown_file() {
	drop_own
}

teardown() {
	end_program
	let_go
}

# The crowd was processed as by one worker, and the books agree.
crowd_is_done() {
	is "$(work_done)" "$WANTED" && is "$(disagreements)$(unpaired_jobs)$(unsound)" ''
}

# same BATCH_SIZE WORKERS...
same() {
	local size=$1 workers

	shift
	for workers; do
		use_copy "${OWN}crowd" copy
		exits 10 perennial run --as-of "$AS_OF" --workers "$workers" --batch-size "$size"
		crowd_is_done || {
			printf -- '--workers %d --batch-size %d\n' "$workers" "$size"
			return 1
		}
	done
}

@test "the result does not depend on the number of workers, with one row a batch" {
	same 1 1 5
}

@test "the result does not depend on the number of workers, with seven rows a batch" {
	same 7 2 64
}

@test "the result does not depend on the number of workers, with a thousand rows a batch" {
	same 1000 2 64
}

# sessions: of the last run.
sessions() {
	db "SELECT count(*) FROM pg_stat_activity
	    WHERE application_name = 'perennial run=' || (SELECT max(run_id) FROM perennial.run) AND datname = current_database()"
}

@test "there are no more connections than buckets with work, and each is named after the run" {
	given "add("{1..3}", 'active', '2024-02-29')" "close_gate("{1..3}")"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1 --workers 10
	at_gate 3
	is "$(sessions)" 3
	open_gate
	ends 0
	is "$(renewed)" '1 2 3'
}

@test "buckets that fit into one batch need one connection" {
	given "add("{1..3}", 'active', '2024-02-29')" "close_gate("{1..3}")"
	start "$PATIENT" run --as-of "$AS_OF" --workers 10
	at_gate
	is "$(sessions)" 1
	open_gate
	ends 0
	is "$(renewed)" '1 2 3'
}

@test "there are no more connections than workers" {
	given "add("{1..4}", 'active', '2024-02-29')" "close_gate("{1..4}")"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1 --workers 2
	at_gate 2
	is "$(sessions)" 2
	open_gate
	ends 0
	is "$(renewed)" '1 2 3 4'
}

@test "run.workers of the configuration counts, and --workers wins over it" {
	given "add("{1..3}", 'active', '2024-02-29')" "close_gate("{1..3}")"
	start "run: { workers = 3; batch_size = 1; ${PATIENT#*\{}" run --as-of "$AS_OF"
	at_gate 3
	open_gate
	ends 0
	given "add("{1..3}", 'active', '2024-02-29')" "close_gate(1)"
	start "run: { workers = 3; batch_size = 1; ${PATIENT#*\{}" run --as-of "$AS_OF" --workers 1
	at_gate
	is "$(sessions)" 1
	open_gate
	ends 0
}

@test "two programs with several workers each share the work" {
	use_copy "${OWN}crowd" copy
	db 'INSERT INTO test.gate VALUES (1), (2)'
	start "$PATIENT" run --as-of "$AS_OF" --workers 2 --batch-size 3
	at_gate 2
	exits 10 perennial run --as-of "$AS_OF" --workers 3 --batch-size 7
	open_gate
	ends 10
	crowd_is_done
	is "$(db "SELECT count(DISTINCT run_id) FROM perennial.outcome")" 2
}

@test "several programs at once process each subscription once" {
	local i code programs=()

	use_copy "${OWN}crowd" copy
	for i in 1 2 3 4; do
		perennial run --as-of "$AS_OF" --workers 3 --batch-size 2 >/dev/null 2>"$BATS_TEST_TMPDIR/stderr$i" 3>&- &
		programs+=($!)
	done
	for i in "${programs[@]}"; do
		code=0
		wait "$i" || code=$?
		[[ $code =~ ^(0|10|11)$ ]] || {
			printf 'exit code %d: %s\n' $code "$(cat "$BATS_TEST_TMPDIR"/stderr?)"
			return 1
		}
	done
	crowd_is_done
}

@test "--limit with several workers processes exactly so many" {
	local limit

	use_copy "${OWN}crowd" copy
	for limit in 37 1 100; do
		# Whether one that goes on hold is among them is a matter of chance.
		perennial run --as-of "$AS_OF" --workers 5 --batch-size 7 --limit $limit >/dev/null || [[ $? == 1[01] ]]
		is "$(db "SELECT sum(claimed) FROM perennial.batch WHERE run_id = (SELECT max(run_id) FROM perennial.run)")" $limit
	done
	is "$(disagreements)" ''
	exits 10 perennial run --as-of "$AS_OF" --workers 5 --batch-size 7 --limit 300
	crowd_is_done
}

@test "limits.max_held counts what all workers put on hold" {
	given "add("{1..8}", 'active', '2024-02-29', quantity => 13)"
	exits 12 with 'limits: { max_held = 3; };' run --as-of "$AS_OF" --workers 8
	is "$(db 'SELECT count(*) FROM perennial.event')" 3
	is "$(run_row)" 'limit|12|5|3|0|max_held'
}

@test "so many workers as there cannot be are refused" {
	refuses 64 workers run --workers 0
	refuses 64 workers run --workers 65
	refuses 64 workers run --workers x
	exits 78 with 'run: { workers = 0; };' run
	exits 78 with 'run: { workers = 65; };' run
}

@test "a user who may connect only once does the work with one worker" {
	given "add("{1..6}", 'active', '2024-02-29')"
	role once 'IN ROLE perennial_batch CONNECTION LIMIT 1'
	db "GRANT USAGE ON SCHEMA test TO ${OWN}once; GRANT SELECT ON test.gate TO ${OWN}once"
	exits 0 as_role once perennial run --as-of "$AS_OF" --workers 3
	is "$(renewed)" '1 2 3 4 5 6'
}

@test "a worker that fails ends the run with its exit code, and the others finish their batch" {
	given "add(1, 'active', '2024-02-29', quantity => 42)" "add("{2..4}", 'active', '2024-02-29')" "close_gate(1)" "close_gate(2)"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1 --workers 2
	at_gate 2
	db 'DELETE FROM test.gate WHERE subscription_id = 1'
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
	          AND application_name LIKE 'perennial run=%' AND state = 'idle')"
	open_gate
	ends 77
	has "$stderr" 'forbidden'
	is "$(renewed)" 2
	is "$(held)" ''
	is "$(db 'SELECT result, exit_code, stopped_by FROM perennial.run')" 'failed|77|failure'
	is "$(disagreements)$(unsound)" ''
}

@test "rows that another session has locked are left by all workers, with the reason and exit code 11" {
	given "add("{1..6}", 'active', '2024-02-29')"
	keep_open 'SELECT FROM perennial.subscription WHERE subscription_id IN (2, 5) FOR UPDATE'
	exits 11 perennial run --as-of "$AS_OF" --workers 4
	has "$output" 'left, and still due: 2, others hold their locks; the next run takes them up'
	is "$(renewed)" '1 3 4 6'
	is "$(run_row)" 'left|11|2|0|0|'
}
