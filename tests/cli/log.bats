# log: what goes to the terminal and to syslog, and what must not.
# shellcheck shell=bats disable=SC2001,SC2016,SC2030,SC2031,SC2094,SC2154

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

teardown() {
	if [[ -n ${listener-} ]]; then
		kill "$listener" 2>/dev/null || true
		rm -f /dev/log
	fi
	[[ -z ${refusing-} ]] || let_runs
}

# terminal ARGUMENT...: the program with a terminal as standard error; its lines are $lines, its output is in a file.
terminal() {
	run env SHELL=/bin/bash script -qec "$(printf '%q ' "$PERENNIAL" -c "${FILE:-/dev/null}" "$@") >$BATS_TEST_TMPDIR/stdout" /dev/null </dev/null
	output=${output//$'\r'/}
	mapfile -t lines <<<"$output"
}

# How many lines of this event there are.
count() {
	grep -c "^event=$1 " <<<"$output" || true
}

# Collects what arrives at /dev/log, a line each, in a file.
listen() {
	((EUID == 0)) || skip 'only root can make /dev/log'
	[[ ! -e /dev/log ]] || skip 'a syslog is running'
	/usr/bin/python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
with open(sys.argv[1], "ab", buffering=0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")' "$BATS_TEST_TMPDIR/syslog" 3>&- &
	listener=$!
	until [[ -S /dev/log ]]; do
		kill -0 $listener
		sleep 0.05
	done
}

# What was sent before is in the socket: a line of ours after it shows that it was read.
hear_all() {
	logger -t end "of $1"
	until grep -aq "end: of $1\$" "$BATS_TEST_TMPDIR/syslog"; do
		kill -0 "$listener"
		sleep 0.02
	done
}

# logged CODE ARGUMENT...: runs the program; $output is what it sent to syslog, others left out.
logged() {
	local wanted=$1 code=0 pid
	shift
	"$PERENNIAL" -c "${FILE:-/dev/null}" "$@" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	pid=$!
	wait $pid || code=$?
	is $code "$wanted"
	hear_all $pid
	output=$(grep -a "perennial\[$pid\]: " "$BATS_TEST_TMPDIR/syslog" || true)
}

# Each line is logfmt: words, or quoted texts.
is_logfmt() {
	local line

	while read -r line; do
		[[ $line =~ ^event=[a-z_]+(\ [a-z_]+=(\"([^\"\\]|\\.)*\"|[^\ \"=]+))*$ ]] || {
			printf 'not logfmt: %s\n' "$line"
			return 1
		}
	done
}

# Makes runs fail with a message full of control characters and what looks like a line of the log.
refuse_runs() {
	db "CREATE OR REPLACE FUNCTION test.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
	    BEGIN
	    	RAISE EXCEPTION USING MESSAGE = E'first\\nevent=run_finished run=1 \\t\\r\\x1b[31mred\\x07\\x7f\\u009b31m \"quoted\" back\\\\slash';
	    END \$\$;
	    CREATE TRIGGER refuse BEFORE INSERT ON perennial.run FOR EACH ROW EXECUTE FUNCTION test.refuse()"
	refusing=yes
}

let_runs() {
	db 'DROP TRIGGER refuse ON perennial.run'
	refusing=''
}


@test "on a terminal a run has one line at its start and one at its end" {
	given_all
	terminal run --as-of "$AS_OF"
	is "$status" 0
	is "${#lines[@]}" 2
	is "$(count run_started)" 1
	is "$(count run_finished)" 1
	is_logfmt <<<"$output"
}

@test "the line at the start says run, as_of and version" {
	given_all
	terminal run --as-of "$AS_OF"
	is "${lines[0]}" "event=run_started run=$(db 'SELECT run_id FROM perennial.run') as_of=$AS_OF version=$("$PERENNIAL" --version | sed -n '1 s/.* //p')"
}

@test "the line at the end says how it went, and agrees with the tables" {
	local word

	# One account, so that the oldest come first, and one that will be held among them.
	given "add(1, 'active', '2024-02-20', price => 5, quantity => 2)" "add("{2..6}", 'active', '2024-02-29', account => 1)"
	terminal run --as-of "$AS_OF" --limit 4 --batch-size 2
	is "$status" 10
	has "${lines[2]}" "event=run_finished run=$(db 'SELECT run_id FROM perennial.run') "
	for word in result=held exit=10 claimed=4 outcomes=3 held=1 left=2; do
		has "${lines[2]} " " $word "
	done
}

@test "what a rule puts on hold is named with its reason, twenty of them" {
	given "add("{1..25}", 'active', '2024-02-20', price => 5, quantity => 2)"
	terminal run --as-of "$AS_OF"
	is "$(count row_held)" 20
	has "$output" "event=row_held run=$(db 'SELECT run_id FROM perennial.run') subscription=1 reason=amount_overflow"
}

@test "batches are told with -v only" {
	given "add("{1..7}", 'active', '2024-02-29', account => 1)"
	terminal -v run --as-of "$AS_OF" --batch-size 3
	is "$(count batch_committed)" 3
	is "$(count run_started)$(count run_finished)" 11
	has "${lines[1]}" " claimed=3 outcomes=3 held=0 "
	is_logfmt <<<"$output"
}

@test "the level of the configuration says what is told, and -v and -q win over it" {
	local FILE=$BATS_TEST_TMPDIR/perennial.conf

	given "add(1, 'active', '2024-02-29')"
	printf 'log: { level = "warning"; };\n' >"$FILE"
	terminal run --as-of "$AS_OF"
	is "$output" ''
	given "add(1, 'active', '2024-02-29')"
	terminal -v run --as-of "$AS_OF"
	is "${#lines[@]}" 3
	printf 'log: { level = "debug"; };\n' >"$FILE"
	given "add(1, 'active', '2024-02-29')"
	terminal run --as-of "$AS_OF"
	is "${#lines[@]}" 3
	given "add(1, 'active', '2024-02-29')"
	terminal -q run --as-of "$AS_OF"
	is "$output" ''
}

@test "on a terminal a plan tells nothing" {
	given_all
	terminal plan --as-of "$AS_OF"
	is "$status" 0
	is "$output" ''
}

@test "on a terminal migrate tells each migration that it applies" {
	createdb "${OWN}empty"
	PGDATABASE=${OWN}empty terminal migrate
	is "$(count migrated)" "$(find "$SOURCE/sql/schema" -name '[0-9]*.sql' | wc -l)"
	is_logfmt <<<"$output"
	PGDATABASE=${OWN}empty terminal migrate
	is "$output" ''
}

@test "without a terminal nothing is on stderr after a success" {
	local arguments

	given_all
	createdb "${OWN}quiet"
	PGDATABASE=${OWN}quiet exits 0 perennial -v migrate
	is "$stderr" ''
	for arguments in "-v plan --as-of $AS_OF" "run --dry-run --as-of $AS_OF" "-v run --as-of $AS_OF" "run --as-of $AS_OF"; do
		# shellcheck disable=SC2086
		exits 0 perennial $arguments
		is "$stderr" ''
	done
}

@test "a failure is told once on stderr" {
	given_all
	refuse_runs
	for tell in terminal exits; do
		if [[ $tell == terminal ]]; then
			terminal run --as-of "$AS_OF"
			stderr=$output
		else
			run --separate-stderr perennial run --as-of "$AS_OF"
		fi
		differs "$status" 0
		is "$(grep -c 'first$' <<<"$stderr")" 1
	done
}

@test "a failure is not told on stderr when that leads to the journal" {
	local file=$BATS_TEST_TMPDIR/stderr code=0

	: >"$file"
	JOURNAL_STREAM=$(stat -c %d:%i "$file") perennial -d 'host=127.0.0.1 port=1' run 2>"$file" || code=$?
	is $code 69
	is "$(<"$file")" ''
	code=0
	JOURNAL_STREAM=1:1 perennial -d 'host=127.0.0.1 port=1' run 2>"$file" || code=$?
	is $code 69
	has "$(<"$file")" 'cannot connect'
}

@test "a usage error and a bad configuration are told on stderr even there" {
	local file=$BATS_TEST_TMPDIR/stderr

	: >"$file"
	JOURNAL_STREAM=$(stat -c %d:%i "$file") perennial run --limit 0 2>"$file" || true
	has "$(<"$file")" '--limit takes a whole number'
	printf 'run: { batch_size = 0; };\n' >"$BATS_TEST_TMPDIR/perennial.conf"
	JOURNAL_STREAM=$(stat -c %d:%i "$file") perennial -c "$BATS_TEST_TMPDIR/perennial.conf" run 2>"$file" || true
	has "$(<"$file")" 'run.batch_size: 0 is out of range'
}

@test "syslog gets the lines of a run, under the program's name and facility daemon" {
	listen
	given "add("{1..7}", 'active', '2024-02-29', account => 1)"
	logged 0 run --as-of "$AS_OF" --batch-size 3
	is "$(wc -l <<<"$output")" 2
	is "$(grep -c '^<29>.* perennial\[[0-9]*\]: event=run_started ' <<<"$output")" 1
	is "$(grep -c '^<29>.* perennial\[[0-9]*\]: event=run_finished ' <<<"$output")" 1
	sed 's/.*perennial\[[0-9]*\]: //' <<<"$output" | is_logfmt
	logged 0 run --as-of "$AS_OF"
	is "$(wc -l <<<"$output")" 2
}

@test "syslog gets the batches with -v" {
	listen
	given "add("{1..7}", 'active', '2024-02-29', account => 1)"
	logged 0 -v run --as-of "$AS_OF" --batch-size 3
	is "$(grep -c '^<31>.* event=batch_committed ' <<<"$output")" 3
	sed 's/.*perennial\[[0-9]*\]: //' <<<"$output" | is_logfmt
}

@test "syslog gets the facility that the configuration names" {
	local FILE=$BATS_TEST_TMPDIR/perennial.conf

	listen
	printf 'log: { syslog_facility = "local3"; };\n' >"$FILE"
	given "add(1, 'active', '2024-02-29')"
	logged 0 run --as-of "$AS_OF"
	is "$(grep -c '^<157>' <<<"$output")" 2
}

@test "control characters cannot enter a line of the log" {
	listen
	given_all
	refuse_runs
	logged 70 run --as-of "$AS_OF"
	is "$(wc -l <<<"$output")" 1
	has "$output" '<27>'
	has "$output" 'event=failed exit=70 sqlstate=P0001 error="'
	has "$output" 'first event=run_finished run=1 '
	has "$output" '\"quoted\" back\\slash'
	is "$(tr -d '\n' <<<"$output" | LC_ALL=C grep -caP '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]' || true)" 0
	sed 's/.*perennial\[[0-9]*\]: //' <<<"$output" | is_logfmt
}

@test "syslog gets it when the metrics of a run cannot be written" {
	local FILE=$BATS_TEST_TMPDIR/perennial.conf

	listen
	given_all
	printf 'metrics: { file = "/missing/perennial.prom"; };\n' >"$FILE"
	logged 73 run --as-of "$AS_OF"
	has "$output" 'event=metrics_not_written exit=73 sqlstate=none error="cannot write /missing/perennial.prom: No such file or directory"'
	has "$output" 'event=run_finished'
	printf 'log: { level = "error"; }; metrics: { file = "/missing/perennial.prom"; };\n' >"$FILE"
	given_all
	logged 73 run --as-of "$AS_OF"
	is "$output" ''
}

@test "syslog gets why a program did not start its work, but no usage errors" {
	local FILE=$BATS_TEST_TMPDIR/perennial.conf

	listen
	: >"$FILE"
	logged 69 -d 'host=127.0.0.1 port=1' run
	has "$output" 'event=failed exit=69 sqlstate=none error="cannot connect: '
	logged 65 run --subscription 4711
	has "$output" 'event=failed exit=65'
	printf 'run: { batch_size = 0; };\n' >"$FILE"
	logged 78 run
	has "$output" 'event=failed exit=78'
	logged 64 run --limit 0
	is "$output" ''
}

@test "no name and no address of an account is in any output" {
	local format all=''

	[[ -e /dev/log ]] || ((EUID != 0)) || listen
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2), test.add(10, 'active', '2024-02-29'), test.lose_zone(10)"
	is "$(db "SELECT count(*) FROM perennial.account WHERE (name, billing_email)::text ILIKE '%marguerite%'")" 10
	for format in text json jsonl csv; do
		all+=$(perennial -v plan --as-of "$AS_OF" --format $format 2>&1)
	done
	refuse_runs
	all+=$(perennial run --as-of "$AS_OF" 2>&1) || true
	let_runs
	# A row that a constraint refuses: the server's detail quotes it.
	db "ALTER TABLE perennial.outcome ADD CONSTRAINT never CHECK (subscription_id <> 1) NOT VALID"
	all+=$(perennial run --as-of "$AS_OF" 2>&1) || true
	db "ALTER TABLE perennial.outcome DROP CONSTRAINT never"
	terminal -v run --as-of "$AS_OF"
	all+=$output$(<"$BATS_TEST_TMPDIR/stdout")
	all+=$(perennial run --as-of "$AS_OF" --format json)
	if [[ -n ${listener-} ]]; then
		hear_all here
		all+=$(<"$BATS_TEST_TMPDIR/syslog")
	fi
	has "$all" 'event=run_finished'
	has "$all" '"kind":"renewed"'
	is "$(grep -ci 'marguerite\|@example' <<<"$all" || true)" 0
}
