# terminal: what a person at a terminal and systemd see of a run, colour, and what happens when nobody reads.
# shellcheck shell=bats disable=SC2016,SC2030,SC2031,SC2094,SC2154

load ../faults/faults

EMPTY+='TRUNCATE test.gate;'

# Nobody but the test ends these runs.
PATIENT='run: { retry_for = "600s"; statement_timeout = "600s"; lock_timeout = "600s"; };'

setup_file() {
	own_database
	db "$GATE"
}

teardown_file() {
	drop_own
}

setup() {
	SCREEN=$BATS_TEST_TMPDIR/screen
	HEARD=$BATS_TEST_TMPDIR/heard
	unset NO_COLOR NOTIFY_SOCKET
	export TERM=xterm
}

teardown() {
	end_program
	[[ -z ${listener-} ]] || kill "$listener" 2>/dev/null || true
	open_gate
}

# start_on_terminal ARGUMENT...: the program in the background with a terminal as standard error, whose bytes are kept.
start_on_terminal() {
	printf '%s\n' "$PATIENT" >"$BATS_TEST_TMPDIR/perennial.conf"
	SHELL=/bin/bash script -qec "${BEFORE-} $(printf '%q ' "$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" "$@") >$BATS_TEST_TMPDIR/stdout" \
		/dev/null </dev/null >"$SCREEN" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	program=$!
}

# seen FILE TEXT: waits until it is there.
seen() {
	until grep -aqF -- "$2" "$1" 2>/dev/null; do
		kill -0 "$program"
		sleep 0.05
	done
}

# What the terminal shows when all its bytes have arrived.
screen() {
	/usr/bin/python3 -c '
import sys
for line in open(sys.argv[1], newline="").read().replace("\r\n", "\n").split("\n"):
    shown = []
    for part in line.split("\r"):
        shown[:len(part)] = part
    if shown := "".join(shown).rstrip():
        print(shown)' "$SCREEN"
}

# listens NAME: hears what is sent to this socket, a line each.
listens() {
	/usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1))
print("ready", flush=True)
with open(sys.argv[2], "ab", buffering=0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")' "$1" "$HEARD" >"$BATS_TEST_TMPDIR/ready" 3>&- &
	listener=$!
	until grep -q ready "$BATS_TEST_TMPDIR/ready"; do
		kill -0 $listener
		sleep 0.02
	done
	: >"$HEARD"
	export NOTIFY_SOCKET=$1
}

# What was heard until now: it was sent before the program ended, but may still be in the socket.
hear_all() {
	/usr/bin/python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"the end", sys.argv[1].replace("@", "\0", 1))' "$NOTIFY_SOCKET"
	until grep -q 'the end' "$HEARD"; do
		kill -0 "$listener"
		sleep 0.02
	done
	output=$(grep -v 'the end' "$HEARD" || true)
}

# on_terminal ARGUMENT...: the program with a terminal as standard output and error.
on_terminal() {
	run env SHELL=/bin/bash script -qec "${BEFORE-} $(printf '%q ' "$PERENNIAL" -c /dev/null "$@")" /dev/null </dev/null
	output=${output//$'\r'/}
}

# unread CODE ARGUMENT...: the program's standard output is a pipe whose reader has gone.
unread() {
	local wanted=$1 pipe=$BATS_TEST_TMPDIR/pipe code=0
	shift
	[[ -p $pipe ]] || mkfifo "$pipe"
	exec 5<>"$pipe" 6>"$pipe" 5>&-
	perennial "$@" >&6 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
	exec 6>&-
	is "$code $(<"$BATS_TEST_TMPDIR/stderr")" "$wanted "
}

ESC=$'\e'


# Progress.

@test "on a terminal a run shows how far it has come, and at its end nothing of it" {
	given_due 5 'close_gate(3)'
	start_on_terminal run --as-of "$AS_OF" --batch-size 1
	seen "$SCREEN" '2 of about 5 due'
	open_gate
	ends 0
	is "$(screen | sed 's/ .*//' | tr '\n' ' ')" 'event=run_started event=run_finished '
	is "$(renewed)" '1 2 3 4 5'
}

@test "a line of the log comes above the progress" {
	given_due 5 'close_gate(3)'
	start_on_terminal -v run --as-of "$AS_OF" --batch-size 1
	seen "$SCREEN" '2 of about 5 due'
	open_gate
	ends 0
	is "$(screen | sed 's/ .*//' | sort | uniq -c | tr -s ' \n' ' ')" ' 5 event=batch_committed 1 event=run_finished 1 event=run_started '
}

@test "the progress of a run with --limit is towards the limit" {
	given_due 5 'close_gate(2)'
	start_on_terminal run --as-of "$AS_OF" --batch-size 1 --limit 3
	seen "$SCREEN" '1 of about 3 due'
	open_gate
	ends 11
}

@test "the progress fits in a narrow terminal" {
	given_due 5 'close_gate(3)'
	BEFORE='stty cols 12 <&2;' start_on_terminal run --as-of "$AS_OF" --batch-size 1
	seen "$SCREEN" '2 of about'
	open_gate
	ends 0
	is "$(tr '\r' '\n' <"$SCREEN" | grep -v '^event=' | awk 'length > 11')" ''
}

@test "with -q a run shows no progress" {
	given_due 5 'close_gate(3)'
	listens "$BATS_TEST_TMPDIR/notify"
	start_on_terminal -q run --as-of "$AS_OF" --batch-size 1
	# Systemd hears of it, and so it was time.
	seen "$HEARD" '2 of about 5 due'
	open_gate
	ends 0
	is "$(<"$SCREEN")" ''
}

@test "without a terminal a run shows no progress" {
	given_due 5 'close_gate(3)'
	listens "$BATS_TEST_TMPDIR/notify"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	seen "$HEARD" '2 of about 5 due'
	open_gate
	ends 0
	is "$stderr" ''
}


# Systemd.

@test "systemd is told how far a run has come, and how it ended" {
	given_due 5 'close_gate(3)' "add(9, 'active', '2024-02-20', account => 1, price => 5, quantity => 2)"
	listens "$BATS_TEST_TMPDIR/notify"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	seen "$HEARD" 'STATUS=3 of about 6 due, 1 on hold'
	open_gate
	ends 10
	hear_all
	is "$(tail -n 1 <<<"$output")" \
		"STATUS=run $(db 'SELECT run_id FROM perennial.run') held: 6 subscriptions, 5 outcomes, 1 newly on hold, 0 failed, 0 left"
}

@test "a socket of systemd that is in no folder hears it too" {
	given_all
	listens "@$OWN"
	exits 0 perennial run --as-of "$AS_OF"
	hear_all
	has "$output" 'STATUS=run '
}

@test "systemd is told that a signal stops a run" {
	given_due 5 'close_gate(3)'
	listens "$BATS_TEST_TMPDIR/notify"
	start "$PATIENT" run --as-of "$AS_OF" --batch-size 1
	at_gate
	kill -TERM "$program"
	seen "$HEARD" STOPPING=1
	open_gate
	ends 11
	hear_all
	is "$(grep -c STOPPING=1 <<<"$output")" 1
	has "$output" 'left: 3 subscriptions, 3 outcomes, 0 newly on hold, 0 failed, 2 left'
}

@test "systemd is told that the deadline stops a run" {
	given_due 5 'close_gate(3)'
	listens "$BATS_TEST_TMPDIR/notify"
	start 'run: { deadline = "1ms"; statement_timeout = "600s"; };' run --as-of "$AS_OF" --batch-size 1
	seen "$HEARD" STOPPING=1
	open_gate
	ends 11
}

@test "systemd is told why a run failed" {
	given_all
	listens "$BATS_TEST_TMPDIR/notify"
	exits 69 perennial -d 'host=127.0.0.1 port=1' run
	hear_all
	has "$output" 'STATUS=cannot connect: '
	is "$(wc -l <<<"$output")" 1
}

@test "a run that nobody stops does not say that it is stopping" {
	given_all
	listens "$BATS_TEST_TMPDIR/notify"
	exits 0 perennial run --as-of "$AS_OF"
	hear_all
	lacks "$output" STOPPING
}

@test "a socket of systemd that cannot be reached is no fault" {
	local name

	given_all
	for name in '' x relative/path /nowhere/notify / "$BATS_TEST_TMPDIR" @ "@$OWN" "/$(printf 'x%.0s' {1..200})" 'vsock:2:1'; do
		NOTIFY_SOCKET=$name exits 0 perennial run --as-of "$AS_OF"
		is "$stderr" ''
	done
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 5
}


# Colour.

@test "on a terminal the verdicts of the tie-out are coloured" {
	on_terminal report tieout
	is "$status" 0
	has "$output" "${ESC}[32mPASS${ESC}[0m"
}

@test "a verdict that is bad is red" {
	given "add(1, 'active', '2024-02-29')"
	exits 0 perennial run --as-of "$AS_OF"
	db "SET session_replication_role = replica; UPDATE perennial.subscription SET revision = 7"
	on_terminal report tieout
	is "$status" 14
	has "$output" "${ESC}[1;31mFAIL${ESC}[0m"
	db "$EMPTY"
}

@test "without a terminal nothing is coloured, unless it is asked for" {
	exits 0 perennial report tieout
	lacks "$output" "$ESC"
	exits 0 perennial --color auto report tieout
	lacks "$output" "$ESC"
	exits 0 perennial --color always report tieout
	has "$output" "${ESC}[32mPASS${ESC}[0m"
}

@test "NO_COLOR, a dumb terminal, an unknown one and --color never leave it uncoloured" {
	local before

	for before in 'NO_COLOR=1' 'NO_COLOR=0' 'TERM=dumb' 'TERM=' 'env -u TERM'; do
		BEFORE=$before on_terminal report tieout
		has "$output" PASS
		lacks "$output" "$ESC"
	done
	on_terminal --color never report tieout
	lacks "$output" "$ESC"
	BEFORE=NO_COLOR= on_terminal report tieout
	has "$output" "${ESC}[32m"
	BEFORE='TERM=dumb NO_COLOR=1' on_terminal --color always report tieout
	has "$output" "${ESC}[32m"
}

@test "colours change no column" {
	is "$(perennial --color always report tieout | sed "s/${ESC}\[[0-9;]*m//g")" "$(perennial report tieout)"
}

@test "what is for programs, or goes to a file, is never coloured" {
	local format file=$BATS_TEST_TMPDIR/tieout

	for format in json jsonl csv; do
		exits 0 perennial --color always report tieout --format "$format"
		has "$output" PASS
		lacks "$output" "$ESC"
	done
	exits 0 perennial --color always report tieout --output "$file"
	has "$(<"$file")" PASS
	lacks "$(<"$file")" "$ESC"
}

@test "standard error is never coloured" {
	on_terminal --color always plan --limit 3
	is "$status" 64
	has "$output" 'perennial: plan has no option --limit'
	lacks "$output" "$ESC"
}

@test "--color takes auto, always or never" {
	local when

	for when in '' yes Always color; do
		refuses 64 "--color takes auto, always or never, not \"$when\"" --color "$when" report tieout
	done
	refuses 64 '--color needs a value' --color
}


# Nobody reads.

@test "a command whose reader has gone ends quietly with exit code 73" {
	local command

	given_all
	while read -r command; do
		# shellcheck disable=SC2086 # words
		unread 73 $command
	done <<-EOF
		--help
		run --help
		--version
		plan --as-of $AS_OF
		plan --as-of $AS_OF --format json
		plan --as-of $AS_OF --format jsonl
		plan --as-of $AS_OF --format csv
		history 1 --format json
		history 8
		report tieout
		report billed --format csv
		report audit --format json
		prune --older-than 1d
		migrate
		migrate --print
	EOF
}

@test "a reader that takes one line only is no crash" {
	given_all
	run --separate-stderr bash -c '"$0" -c /dev/null migrate --print | head -n 1; echo "${PIPESTATUS[*]}"' "$PERENNIAL"
	is "${lines[1]}" '73 0'
	is "$stderr" ''
}

@test "a run whose summary nobody reads is done, closed and logged" {
	local format

	for format in text json; do
		given_all
		unread 73 run --as-of "$AS_OF" --format $format
		is "$(db 'SELECT result, exit_code, finished_at IS NOT NULL FROM perennial.run')" 'done|0|t'
		is "$(db 'SELECT count(*) FROM perennial.outcome')" 5
	done
	given_all
	start_on_terminal run --as-of "$AS_OF" --format json
	ends 0
	given_all
	BEFORE='exec >&-;' start_on_terminal run --as-of "$AS_OF"
	ends 0
	has "$(screen)" 'event=run_finished'
}

@test "a run without standard output is done, and says that it could not tell" {
	given_all
	run --separate-stderr sh -c '"$0" -c /dev/null run --as-of "$1" >&-' "$PERENNIAL" "$AS_OF"
	is "$status" 73
	is "$stderr" 'perennial: cannot write to standard output: Bad file descriptor'
	is "$(db 'SELECT result, exit_code FROM perennial.run')" 'done|0'
}
