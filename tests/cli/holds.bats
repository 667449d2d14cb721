# holds: what operators put on hold, and what is listed.
# shellcheck shell=bats disable=SC2016,SC2154

load helper

# Their periods ended an hour ago, or end in ten days.
DUE="now() - interval '1 hour'"
LATER="now() + interval '10 days'"

setup_file() {
	own_database
	role operator 'IN ROLE perennial_operator'
	role reader 'IN ROLE perennial_reader'
	role batch 'IN ROLE perennial_batch'
}

teardown_file() {
	drop_own
}

# What every test leaves has to be sound.  What was on hold from the beginning has no event of it.
teardown() {
	is_sound
}

# Until the program waits for a lock.
program_waits() {
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND application_name = 'perennial' AND wait_event_type = 'Lock')"
}


# hold

@test "hold puts a subscription on hold, says until when it is paid, and runs leave it alone" {
	given "add(1, 'active', date_trunc('second', $DUE))"
	exits 0 perennial hold 1 --reason fraud_check --note 'ticket 815'
	is "$output" "subscription 1 is on hold: fraud_check
its period ended at $(db "SELECT perennial.utc_text(period_end) FROM perennial.subscription"); runs leave it alone until it is released"
	exits 0 perennial run
	has "$output" 'due, but on hold: 1'
	is "$(hold_state 1)" '1 fraud_check'
	exits 0 perennial history 1
	has "$output" "$(db 'SELECT session_user'), fraud_check, ticket 815"
}

@test "a period that has not ended ends later" {
	given "add(1, 'active', $LATER)"
	exits 0 perennial hold 1 --reason pause
	has "$output" 'its period ends at'
}

@test "a second hold for the same reason is told and does nothing, one for another is 65" {
	given "add(1, 'active', $DUE)"
	perennial hold 1 --reason fraud_check
	exits 0 perennial hold --reason fraud_check 1
	has "$output" 'subscription 1 is on hold already: fraud_check'
	lacks "$output" note
	is "$(db 'SELECT count(*) FROM perennial.event')" 1
	refuses 65 'perennial: subscription 1 is on hold already, for the reason fraud_check' hold 1 --reason other
	has "$stderr" 'hint: release it first'
}

@test "the note of a second hold is not stored, and that is told" {
	given "add(1, 'active', $DUE)"
	perennial hold 1 --reason fraud_check --note 'ticket 815'
	exits 0 perennial hold 1 --reason fraud_check --note 'ticket 4711'
	is "$(tail -n 1 <<<"$output")" 'the note was not stored: release it, and hold it again with the note'
	is "$(db 'SELECT detail FROM perennial.event')" 'ticket 815'
}

@test "an unknown subscription, or one that has expired, is 65" {
	given "add(1, 'expired', '2024-01-15')"
	refuses 65 'there is no subscription 4711' hold 4711 --reason x
	refuses 65 'subscription 1 expired at 2024-01-15T00:00:00Z' hold 1 --reason x
	has "$stderr" 'hint: '
}

@test "a reason is asked for, and is one line" {
	given "add(1, 'active', $DUE)"
	refuses 64 'hold needs --reason' hold 1
	refuses 64 'hold needs the id of a subscription' hold --reason x
	refuses 64 'hold takes no argument "2"' hold --reason x 1 2
	refuses 64 '--reason takes one line of text, of 1 to 200 bytes' hold 1 --reason ''
	refuses 64 '--reason takes one line' hold 1 --reason $'a\nb'
	refuses 64 '--reason takes one line' hold 1 --reason "$(printf 'x%.0s' {1..201})"
	refuses 64 '--note takes one line of text, of 1 to 500 bytes' hold 1 --reason x --note $'\t'
	refuses 64 '--reason takes one line of text, of 1 to 200 bytes, not only blanks' hold 1 --reason ' '
	refuses 64 '--note takes one line of text, of 1 to 500 bytes, not only blanks' hold 1 --reason x --note '   '
	refuses 64 'has no option --all' hold 1 --reason x --all
	is "$(hold_state 1)" '1 free'
}

@test "hold waits for a batch that has the subscription, and gives up with 75" {
	local holding

	given "add(1, 'active', $DUE)"
	printf 'run: { lock_timeout = "10min"; };\n' >"$BATS_TEST_TMPDIR/patient.conf"
	printf 'run: { lock_timeout = "100ms"; };\n' >"$BATS_TEST_TMPDIR/hasty.conf"
	keep_open 'SELECT FROM perennial.subscription FOR NO KEY UPDATE'
	exits 75 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/hasty.conf" hold 1 --reason x
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/patient.conf" hold 1 --reason x >/dev/null 3>&- &
	holding=$!
	program_waits
	let_go
	wait $holding
	is "$(hold_state 1)" '1 x'
}


# holds

# Of three reasons and currencies, and so long ago that their ages do not change while this test runs.
given_holds() {
	given "add(1, 'active', '2024-02-29')" "add(2, 'active', '2024-02-29', price => 3, quantity => 3)" \
		"add(3, 'trialing', '2024-02-20', price => 4)" "add(4, 'trialing', '2024-02-20', billing => false)" \
		"add(5, 'pending_cancellation', '2024-02-25', price => 2)" "add(6, 'active', '2024-02-28')" \
		"add(7, 'active', '2024-02-29', price => 5, quantity => 2)" "add(8, 'active', '2021-02-28')"
	perennial -q run --as-of "$AS_OF" --subscription 7 >/dev/null || (($? == 10))
	perennial -q run --as-of "$AS_OF" --subscription 8 >/dev/null || (($? == 10))
	db "ALTER TABLE perennial.outcome ADD CONSTRAINT not_today CHECK (amount <> 1000) NOT VALID"
	perennial -q run --as-of "$AS_OF" --subscription 6 >/dev/null || (($? == 10))
	db "ALTER TABLE perennial.outcome DROP CONSTRAINT not_today"
	for id in 1 2 3 4 5; do
		perennial hold $id --reason payment_dispute --note "ticket $id" >/dev/null
	done
	# As old as they are called.
	db "UPDATE perennial.event SET at = now() - interval '1 day 30 minutes' - subscription_id * interval '7 hours';
	    UPDATE perennial.subscription s SET held_at = e.at FROM perennial.event e
	    WHERE e.subscription_id = s.subscription_id AND e.bucket = s.bucket"
}

# golden FILE OPTION...
golden() {
	perennial holds "${@:2}" |
		sed -E 's/20(2[5-9]|[3-9][0-9])-[0-9-]{5}T[0-9:]{8}(\.[0-9]+)?Z/YYYY-MM-DDThh:mm:ssZ/g
		        s/(YYYY[^,]*,|"age_seconds":)[0-9]{5,6},/\1SECONDS,/g' \
		>"$BATS_TEST_TMPDIR/$1"
	[[ ${PERENNIAL_GOLDEN-} != renew ]] || cp "$BATS_TEST_TMPDIR/$1" "$BATS_TEST_DIRNAME/holds_golden/$1"
	diff -u "$BATS_TEST_DIRNAME/holds_golden/$1" "$BATS_TEST_TMPDIR/$1"
}

@test "what is on hold is shown as it was" {
	given_holds
	golden holds.text
	golden holds.json --format json
	golden holds.csv --format csv
}

@test "jsonl is a line for each, a reason chooses" {
	given_holds
	exits 0 perennial holds --format jsonl
	is "$(wc -l <<<"$output")" 8
	exits 0 perennial holds --reason row_fault --format jsonl
	is "$(json "$output" "concat_ws(' ', j->>'subscription_id', j->>'reason', j->>'detail')")" \
		'6 row_fault 23514, write_outcomes, constraint not_today'
	exits 0 perennial holds --reason row_fault
	has "$output" 'for the reason row_fault'
	lacks "$output" payment_dispute
	is "$(json "$(perennial holds --reason row_fault --format json)" "j->>'reason'")" row_fault
}

@test "what is on hold is what the rows say, and not their history" {
	given "add(1, 'active', $DUE)" "add(2, 'active', $DUE)" "add(3, 'active', $DUE)" "add(4, 'active', $DUE)"
	for id in 1 2 3; do
		perennial hold $id --reason pause --note 'ticket 815'
	done
	perennial release 2
	db "UPDATE perennial.subscription SET hold_reason = NULL, held_at = NULL WHERE subscription_id = 1;
	    UPDATE perennial.subscription SET hold_reason = 'other', held_at = now() WHERE subscription_id = 2;
	    UPDATE perennial.subscription SET held_at = now() WHERE subscription_id = 3;
	    UPDATE perennial.subscription SET hold_reason = 'untold' WHERE subscription_id = 4"
	is "$(perennial holds --format csv | cut -d, -f1,3,10)" 'subscription_id,reason,detail
2,other,
3,pause,
4,untold,'
	is "$(json "$(perennial holds --format jsonl --reason untold)" "concat_ws(' ', j->>'held_at', j->>'age_seconds', j->>'reason')")" untold
	has "$(perennial holds)" untold
	is "$(json "$(perennial holds --format json)" "json_array_length(j->'totals')")" 3
	# Their history is not sound.
	given
}

@test "an amount is what the next step would bill now" {
	given "add(1, 'active', $DUE)"
	perennial hold 1 --reason pause
	db "SELECT perennial.schedule_change(1, 1, NULL, 3)" >/dev/null
	is "$(json "$(perennial holds --format jsonl)" "concat_ws(' ', j->>'amount_minor', j->>'amount', j->>'detail')")" '3000 30.00'
}

@test "an age is told in its two largest units, and to machines in seconds" {
	local at="now() - interval '50 hours 30 minutes'"

	given "add(1, 'active', $DUE)"
	db "UPDATE perennial.subscription SET hold_reason = 'pause', held_at = $at" >/dev/null
	is "$(perennial holds | grep -c ' 2 d 2 h ')" 2
	lacks "$(perennial holds)" seconds
	is "$(json "$(perennial holds --format jsonl)" "(j->>'age_seconds')::int / 3600")" 50
	db "UPDATE perennial.subscription SET held_at = now() + interval '1 hour'"
	is "$(json "$(perennial holds --format jsonl)" "j->>'age_seconds'")" 0
}

@test "20 are listed, the oldest first, and all as rows" {
	local id rows=()

	for id in {1..25}; do
		rows+=("add($id, 'active', timestamptz '2024-02-29' - $id * interval '1 hour', hold => 'pause')")
	done
	given "${rows[@]}"
	exits 0 perennial holds
	is "$(grep -cE '^ +[0-9]+  basic' <<<"$output")" 20
	is "$(grep -E '^ +[0-9]+  basic' <<<"$output" | awk '{ print $1; exit }')" 25
	is "$(tail -n 1 <<<"$output")" '… 5 more: perennial holds --format csv'
	db "UPDATE perennial.subscription SET hold_reason = 'other' WHERE subscription_id <= 22"
	is "$(perennial holds --reason other | tail -n 1)" '… 2 more: perennial holds --format csv'
	lacks "$(perennial holds --reason pause)" more
	is "$(perennial holds --format csv | wc -l)" 26
	is "$(json "$(perennial holds --format json)" "json_array_length(j->'subscriptions') || ' ' || (j->'totals'->0->>'subscriptions')")" '25 3'
}

@test "nothing on hold is said so, in every form" {
	given "add(1, 'active', $DUE)"
	exits 0 perennial holds
	is "${output#*Z}" $'\n\nnothing'
	exits 0 perennial holds --format jsonl
	is "$output" ''
	exits 0 perennial holds --format json
	is "$(json "$output" "json_array_length(j->'totals') + json_array_length(j->'subscriptions')")" 0
}

@test "what was put on hold a moment ago is listed, also with a history in the future" {
	given "add(1, 'active', $DUE)"
	perennial hold 1 --reason pause
	has "$(perennial holds --format csv)" pause
	perennial release 1
	db "UPDATE perennial.event SET at = now() + interval '1 day'"
	perennial hold 1 --reason later
	has "$(perennial holds)" later
	has "$(perennial holds --format csv)" later
}

@test "what others wrote cannot command a terminal or break a line" {
	given "add(1, 'active', $DUE)" "add(2, 'active', $DUE)"
	db "UPDATE perennial.subscription SET hold_reason = E'a\nb\x1b[31m', held_at = now() WHERE subscription_id = 2"
	exits 0 perennial holds
	is "$(tr -d '\n[:print:]…' <<<"$output")" ''
	has "$output" 'a b [31m'
	exits 0 perennial release --all
	has "$output" 'a b [31m'
}

@test "holds that cannot be written are 73, and a mistake is 64" {
	given "add(1, 'active', $DUE, hold => 'pause')"
	run --separate-stderr sh -c '"$0" -c "$1" holds >/dev/full' "$PERENNIAL" "$SOURCE/tests/cli/impatient.conf"
	is "$status" 73
	refuses 64 '--format takes text, json, jsonl or csv, not "table"' holds --format table
	refuses 64 'holds takes no argument "1"' holds 1
	refuses 64 '--reason takes one line' holds --reason ''
}

@test "listing writes nothing" {
	local before

	given_holds
	before=$(md5_of physical)
	perennial holds >/dev/null
	perennial holds --format json >/dev/null
	is "$(md5_of physical)" "$before"
}

@test "an operator holds and releases, a reader lists, a batch does neither" {
	given "add(1, 'active', $DUE)" "add(2, 'active', $DUE, hold => 'pause')"
	for role in reader batch; do
		exits 77 as_role $role perennial hold 1 --reason x
		has "$stderr" 'perennial_operator for hold, release and prune'
		exits 77 as_role $role perennial release 2
		exits 77 as_role $role perennial release --all
	done
	exits 77 as_role batch perennial holds
	exits 0 as_role reader perennial holds
	is "$(hold_state 1 2)" '1 free
2 pause'
	exits 0 as_role operator perennial hold 1 --reason x
	exits 0 as_role operator perennial release 1 2
	is "$(db 'SELECT DISTINCT actor FROM perennial.event')" "${OWN}operator"
	exits 0 as_role operator perennial holds
}
