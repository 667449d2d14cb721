# release: whose holds are lifted and whose not, and what the next run makes of it.
# shellcheck shell=bats disable=SC2154

load helper

# Their periods ended an hour ago, or three and a half months ago; or end in ten days.
DUE="now() - interval '1 hour'"
FAR="now() - interval '105 days'"
LATER="now() + interval '10 days'"

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

# What every test leaves has to be sound.  What was on hold from the beginning has no event of it.
teardown() {
	is_sound
}

# As a person at a terminal who answers this.
answering() {
	run --separate-stderr script -qec "'$PERENNIAL' -c '$SOURCE/tests/cli/impatient.conf' ${*:2}" /dev/null <<<"$1"
}

# Until the program waits for a lock.
program_waits() {
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND application_name = 'perennial' AND wait_event_type = 'Lock')"
}

@test "what is released is taken up by the next run" {
	given "add(1, 'active', $DUE, hold => 'fraud_check')"
	exits 0 perennial release 1 --note 'all is well'
	is "$output" '1: released
1 subscription released, due: the next run takes it up'
	is "$(hold_state 1)" '1 free'
	exits 0 perennial run
	has "$output" '1 subscription, 1 outcome'
	exits 0 perennial history 1
	has "$output" "$(db 'SELECT session_user'), fraud_check, all is well"
}

@test "what is not due yet is told so" {
	given "add(1, 'active', $LATER, hold => 'pause')" "add(2, 'active', $DUE, hold => 'pause')"
	exits 0 perennial release 1 2
	has "$output" '2 subscriptions released; the next run takes up 1, the others are not due yet'
	perennial hold 1 --reason pause
	exits 0 perennial release 1
	has "$output" '1 subscription released, not due yet'
}

@test "what is too far behind stays on hold, unless it may catch up, and is caught up by the next run" {
	given "add(1, 'active', $FAR)" "add(2, 'active', $DUE, hold => 'pause')"
	exits 10 perennial run
	exits 10 perennial release 1 2
	is "$output" '1: stays on hold: 3 periods behind, catch_up.max_periods is 3; release it with --catch-up
2: released
1 subscription released, due: the next run takes it up; 1 stays on hold'
	exits 0 perennial release 1 --catch-up
	is "$(hold_state 1 2)" '1 free, catch-up
2 free'
	exits 0 perennial run
	is "$(db 'SELECT subscription_id, count(*) FROM perennial.outcome GROUP BY 1 ORDER BY 1')" '1|4
2|1'
	is "$(hold_state 1 2)" '1 free
2 free'
}

@test "what is not due yet is not allowed to catch up when it will be" {
	given "add(1, 'active', $LATER, hold => 'pause')" "add(2, 'active', $FAR, hold => 'pause')"
	exits 0 perennial release --all --catch-up
	is "$(hold_state 1 2)" '1 free
2 free, catch-up'
}

@test "the configuration says how far is too far" {
	given "add(1, 'active', $FAR, hold => 'pause')"
	printf 'catch_up: { max_periods = 4; };\n' >"$BATS_TEST_TMPDIR/four.conf"
	exits 10 perennial release 1
	exits 0 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/four.conf" release 1
}

@test "what cannot be computed stays on hold, also with --catch-up, and is released once it is mended" {
	given "add(1, 'active', $DUE, price => 5, quantity => 2)" "add(2, 'active', $DUE)"
	db 'SELECT test.lose_zone(2)' >/dev/null
	exits 10 perennial run
	exits 10 perennial release 1 2 --catch-up
	is "$output" '2: stays on hold: unknown_time_zone: the server no longer knows its time zone
1: stays on hold: amount_overflow: mend its price or quantity
0 subscriptions released; 2 stay on hold' || is "$output" '1: stays on hold: amount_overflow: mend its price or quantity
2: stays on hold: unknown_time_zone: the server no longer knows its time zone
0 subscriptions released; 2 stay on hold'
	is "$(hold_state 1 2)" '1 amount_overflow
2 unknown_time_zone'
	db "SELECT perennial.schedule_change(1, 1, NULL, 1);
	    UPDATE perennial.subscription SET time_zone = 'UTC' WHERE subscription_id = 2" >/dev/null
	exits 0 perennial release 1 2
	exits 0 perennial run
}

@test "one that is cancelled ends, however far behind and whatever its price" {
	given "add(1, 'pending_cancellation', $FAR, price => 5, quantity => 2, hold => 'pause')"
	exits 0 perennial release 1
	exits 0 perennial run
	is "$(db 'SELECT status FROM perennial.subscription')" expired
}

@test "a row that the server refuses is released, and held again by the next run" {
	given "add(1, 'active', $DUE)"
	db "ALTER TABLE perennial.outcome ADD CONSTRAINT not_today CHECK (amount <> 1000)"
	exits 10 perennial run
	is "$(hold_state 1)" '1 row_fault'
	exits 0 perennial release 1
	exits 10 perennial run
	is "$(hold_state 1)" '1 row_fault'
	db "ALTER TABLE perennial.outcome DROP CONSTRAINT not_today"
	exits 0 perennial release 1
	exits 0 perennial run
}

@test "an unknown id is 65, and the others are released all the same" {
	given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $DUE)" "add(3, 'active', $FAR, hold => 'pause')"
	exits 65 perennial release 4711 2 1 3 1 4711
	is "$(grep -v '^3' <<<"$output")" '1: released
2: is not on hold
4711: unknown
1 subscription released, due: the next run takes it up; 1 stays on hold'
	has "$stderr" '1 of 4 subscriptions is unknown'
	is "$(hold_state 1)" '1 free'
	exits 0 perennial release 2
	is "$output" '2: is not on hold
0 subscriptions released'
}

@test "by reason: only these, with their sums" {
	given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $FAR, hold => 'pause')" \
		"add(3, 'active', $DUE, hold => 'fraud')"
	exits 10 perennial release --reason pause
	is "$output" '  released    on hold   reason
         1          1   pause
2: stays on hold: 3 periods behind, catch_up.max_periods is 3; release it with --catch-up
1 subscription released, due: the next run takes it up; 1 stays on hold'
	is "$(hold_state 1 2 3)" '1 free
2 pause
3 fraud'
}

@test "all: sums by reason, and the first 20 that stay" {
	local id rows=("add(1, 'active', $DUE, hold => 'pause')")

	for id in {100..124}; do
		rows+=("add($id, 'active', $FAR, hold => 'catch_up_limit')")
	done
	given "${rows[@]}"
	exits 10 perennial release --all
	is "$(sed -E 's/ +/ /g' <<<"$output" | sed -n '1p; /catch_up_limit$/p; /pause$/p')" ' released on hold reason
 1 0 pause
 0 25 catch_up_limit' || has "$output" '25   catch_up_limit'
	is "$(grep -c '^1[0-9][0-9]: stays on hold' <<<"$output")" 20
	has "$output" '… 5 more stay on hold'
	exits 0 perennial release --all --catch-up
	has "$output" '25 subscriptions released, due: the next run takes them up'
}

@test "nothing on hold is nothing to release" {
	given "add(1, 'active', $DUE)" "add(2, 'active', $DUE, hold => 'pause')"
	exits 0 perennial release --reason catch_up
	is "$output" 'nothing is on hold for the reason catch_up'
	perennial release 2
	exits 0 perennial release --all
	is "$output" 'nothing is on hold'
}

@test "ids, a reason or all: exactly one of the three" {
	local way

	given "add(1, 'active', $DUE, hold => 'pause')"
	for way in '' '--yes --note x' '1 --all' '1 --reason pause' '--all --reason pause' '1 --all --reason pause'; do
		# shellcheck disable=SC2086 # words
		refuses 64 'one of the three' release $way
	done
	refuses 64 'release takes the id of a subscription, not "x"' release 1 x
	refuses 64 '--reason takes one line' release --reason ''
	refuses 64 '--note takes one line' release 1 --note ''
	refuses 64 'not only blanks' release 1 --note '  '
	refuses 64 'not only blanks' release --reason ' '
	is "$(hold_state 1)" '1 pause'
}

@test "2,500 are released, a bucket and a thousand in a transaction" {
	given
	db "INSERT INTO perennial.account (bucket, account_id) SELECT perennial.bucket_of(i), i FROM generate_series(1, 100) AS i;
	    INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed,
	    	period_start, period_end, hold_reason, held_at)
	    SELECT perennial.bucket_of(a), i, a, 1, 'active', at - interval '1 month', 1, at - interval '1 month', at, 'pause', at
	    FROM (SELECT i, CASE WHEN i <= 1500 THEN 1 ELSE i % 100 + 1 END AS a, now() - interval '2 days' AS at
	          FROM generate_series(1, 2500) AS i) AS t"
	exits 0 perennial release --all
	has "$output" '2 500 subscriptions released'
	is "$(db 'SELECT count(*) FROM perennial.subscription WHERE hold_reason IS NOT NULL')" 0
	is "$(db "SELECT count(*), count(DISTINCT bucket) FROM perennial.event WHERE kind = 'released' AND reason = 'pause'")" '2500|100'
	is "$(db "SELECT max(n), max(buckets) FROM (SELECT count(*) AS n, count(DISTINCT bucket) AS buckets
		FROM perennial.event GROUP BY xmin::text) AS t")" '1000|1'
	exits 0 perennial run
	has "$output" '2 500 outcomes'
}

@test "at a terminal, all or more than one by reason are released after a yes" {
	local answer

	for answer in y Y yes; do
		given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $FAR, hold => 'pause')"
		answering $answer release --all
		is "$status" 10
		has "$output" 'release 1 subscription? [y/N]'
		is "$(hold_state 1)" '1 free'
	done
	given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $DUE, hold => 'pause')"
	answering y release --reason pause
	has "$output" 'release 2 subscriptions? [y/N]'
	is "$(hold_state 1 2)" '1 free
2 free'
}

@test "at a terminal, any other answer releases nothing, and is 0" {
	local answer

	given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $DUE, hold => 'pause')"
	for answer in n '' yess no 'y y'; do
		answering "$answer" release --all
		is "$status" 0
		has "$output" 'nothing was released'
	done
	answering n release --reason pause
	is "$(hold_state 1 2)" '1 pause
2 pause'
	is "$(db 'SELECT count(*) FROM perennial.event')" 0
}

@test "nobody is asked with --yes, for one, for ids, or without a terminal" {
	given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $DUE, hold => 'pause')" \
		"add(3, 'active', $DUE, hold => 'fraud')" "add(4, 'active', $DUE, hold => 'x')" "add(5, 'active', $DUE, hold => 'x')"
	answering n release --reason pause --yes
	lacks "$output" '[y/N]'
	answering n release --reason fraud
	lacks "$output" '[y/N]'
	answering n release 4 5
	lacks "$output" '[y/N]'
	is "$(hold_state 1 2 3 4 5 | cut -d' ' -f2 | sort -u)" free
	answering n release --all
	has "$output" 'nothing is on hold'
	perennial hold 1 --reason pause
	exits 0 perennial release --all
	lacks "$output$stderr" '[y/N]'
}

@test "release waits for whoever has the row, and decides again what they changed" {
	local withdrawing releasing

	given "add(1, 'pending_cancellation', $FAR, hold => 'pause')"
	keep_open 'SELECT pg_advisory_lock(4711)'
	db "BEGIN; SELECT perennial.withdraw_cancellation(1, 1); SELECT pg_advisory_lock(4711); COMMIT" >/dev/null 3>&- &
	withdrawing=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')"
	perennial release 1 >"$BATS_TEST_TMPDIR/released" 3>&- &
	releasing=$!
	program_waits
	let_go
	wait $withdrawing
	run wait $releasing
	has "$(cat "$BATS_TEST_TMPDIR/released")" '1: stays on hold: 3 periods behind'
	is "$(hold_state 1)" '1 pause'
}

@test "what somebody else releases at the same time is released once" {
	local releasing theirs

	given "add(1, 'active', $DUE, hold => 'pause')"
	keep_open 'SELECT pg_advisory_lock(4711)'
	db "BEGIN; SELECT perennial.release_subscriptions(1, '{1}', '{0}', false); SELECT pg_advisory_lock(4711); COMMIT" \
		>/dev/null 3>&- &
	theirs=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')"
	perennial release 1 >"$BATS_TEST_TMPDIR/released" 3>&- &
	releasing=$!
	program_waits
	let_go
	wait $theirs
	wait $releasing
	is "$(head -n 1 "$BATS_TEST_TMPDIR/released")" '1: is not on hold'
	is "$(db 'SELECT count(*) FROM perennial.event')" 1
}

@test "what others change each time stays on hold" {
	given "add(1, 'active', $DUE, hold => 'pause')"
	db "CREATE FUNCTION test.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	    CREATE TRIGGER refuse BEFORE UPDATE ON perennial.subscription FOR EACH ROW EXECUTE FUNCTION test.refuse()"
	exits 10 perennial release 1
	db 'DROP TRIGGER refuse ON perennial.subscription'
	is "$output" '1: stays on hold: others are changing it; try again
0 subscriptions released; 1 stays on hold'
}

# Of three buckets the second has a row that somebody else keeps locked.
given_locked() {
	given "add(1, 'active', $DUE, hold => 'pause')" "add(2, 'active', $DUE, hold => 'pause')" \
		"add(3, 'active', $DUE, hold => 'pause')"
	LOCKED=$(db 'SELECT subscription_id FROM perennial.subscription ORDER BY bucket OFFSET 1 LIMIT 1')
	printf 'run: { lock_timeout = "50ms"; retry_for = "%s"; };\n' "$1" >"$BATS_TEST_TMPDIR/waits.conf"
	keep_open "SELECT FROM perennial.subscription WHERE subscription_id = $LOCKED FOR NO KEY UPDATE"
}

@test "before a failure, what was released is told" {
	local first

	given_locked 100ms
	first=$(db 'SELECT subscription_id FROM perennial.subscription ORDER BY bucket LIMIT 1')
	exits 75 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/waits.conf" release --all
	has "$stderr" 'lock timeout'
	is "$output" '  released    on hold   reason
         1          0   pause
1 subscription released, due: the next run takes it up'
	perennial hold "$first" --reason pause
	exits 75 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/waits.conf" release 3 2 1
	is "$output" "$first: released
1 subscription released, due: the next run takes it up"
	perennial hold "$first" --reason pause
	exits 75 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/waits.conf" release "$LOCKED"
	is "$output" ''
	let_go
	is "$(hold_state 1 2 3 | grep -c pause)" 3
}

@test "a row that is locked for longer than lock_timeout is tried again" {
	local releasing

	# When it last asked.
	local asks="SELECT query_start FROM pg_stat_activity WHERE datname = current_database()
		AND application_name = 'perennial'"
	given_locked 10min
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/waits.conf" release --all >"$BATS_TEST_TMPDIR/released" 3>&- &
	releasing=$!
	program_waits
	wait_for "SELECT EXISTS ($asks AND query_start > '$(db "$asks")')"
	let_go
	wait $releasing
	has "$(cat "$BATS_TEST_TMPDIR/released")" '3 subscriptions released'
	is "$(hold_state 1 2 3 | cut -d' ' -f2 | sort -u)" free
}
