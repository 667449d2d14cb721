# shellcheck shell=bash disable=SC2034,SC2154
# faults: what the tests of faults share: rows side by side, a program in the background, and a gate to stop it at.

load ../cli/helper

# A row of these ids waits in its transaction, before its outcome is written, until the gate opens.
GATE="
CREATE TABLE test.gate (subscription_id bigint);
CREATE FUNCTION test.close_gate(id bigint) RETURNS void LANGUAGE sql AS 'INSERT INTO test.gate VALUES (id)';
CREATE FUNCTION test.pass() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	WHILE EXISTS (SELECT FROM test.gate WHERE subscription_id = NEW.subscription_id) LOOP
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN NEW;
END \$\$;
CREATE TRIGGER pass BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.pass();
"

# with CONFIGURATION ARGUMENT...: the program with these settings.
with() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/perennial.conf"
	shift
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" "$@"
}

# start CONFIGURATION ARGUMENT...: the same in the background, as $program.
start() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/perennial.conf"
	shift
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" "$@" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	program=$!
}

# ends CODE: the program in the background ends with it; fills $output and $stderr.
ends() {
	local code=0

	wait "$program" || code=$?
	program=''
	output=$(<"$BATS_TEST_TMPDIR/stdout")
	stderr=$(<"$BATS_TEST_TMPDIR/stderr")
	((code == $1)) || {
		printf 'exit code %d, should be %d\n%s\n%s\n' "$code" "$1" "$output" "$stderr"
		return 1
	}
}

# What a test that failed left behind.
end_program() {
	[[ -z ${program-} ]] || kill -KILL "$program" 2>/dev/null || true
}

# at_gate [N]: waits until N sessions of runs are at the gate.
at_gate() {
	kill -0 "$program" && wait_for "SELECT count(*) = ${1-1} FROM pg_stat_activity
	          WHERE datname = current_database() AND application_name LIKE 'perennial run=%' AND wait_event = 'PgSleep'"
}

open_gate() {
	db 'DELETE FROM test.gate'
}

# due A B [ACCOUNT]: subscriptions A to B, due, of one account and so in one bucket.
due() {
	local id

	for ((id = $1; id <= $2; id++)); do
		printf "add(%d, 'active', '2024-02-29', account => %d)\n" "$id" "${3-1}"
	done
}

# given_due N ROW...: N of them, and more.
given_due() {
	local rows

	mapfile -t rows < <(due 1 "$1")
	shift
	given "${rows[@]}" "$@"
}

held() {
	db "SELECT string_agg(subscription_id || ' ' || hold_reason, ', ' ORDER BY subscription_id)
	    FROM perennial.subscription WHERE hold_reason IS NOT NULL"
}

renewed() {
	db "SELECT string_agg(subscription_id::text, ' ' ORDER BY subscription_id) FROM perennial.outcome"
}

unsound() {
	db 'SELECT * FROM perennial.unsound'
}

# The row of the last run.
run_row() {
	db "SELECT result, exit_code, left_due, left_held, failed, stopped_by FROM perennial.run ORDER BY run_id DESC LIMIT 1"
}
