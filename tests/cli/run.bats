# run: what a run does to the tables, what it says, and what becomes of it beside others.
# shellcheck shell=bats disable=SC2016,SC2094,SC2154

load helper

setup_file() {
	own_database
	load_demo "${OWN}demo"
	createdb -T "${OWN}demo" "${OWN}wanted"
	PGDATABASE=${OWN}wanted perennial run --as-of "$DEMO_AS_OF" >/dev/null || (($? == 10))
	# What one run makes of the demo's data, however it is cut or disturbed.
	WANTED=$(PGDATABASE=${OWN}wanted work_done)
	export WANTED
}

teardown_file() {
	drop_own
}

teardown() {
	let_go
}

DATA=(subscription outcome event notification_job batch batch_total)

# The demo's data were processed as by one undisturbed run, and the books agree.
demo_is_done() {
	is "$(work_done)" "$WANTED" && is "$(disagreements)" '' && is "$(unpaired_jobs)" ''
}

outcomes() {
	db "SELECT string_agg(format('%s %s %s', subscription_id, kind, amount), ', ' ORDER BY subscription_id, period_end)
	    FROM perennial.outcome"
}

@test "a run renews, converts and expires what is due, and leaves the rest alone" {
	given_all
	exits 0 perennial run --as-of "$AS_OF"
	is "$(outcomes)" '1 renewed 1000, 2 renewed 4500, 3 converted 4500, 4 trial_expired 0, 5 expired 0'
	is "$(db "SELECT string_agg(subscription_id || ' ' || status || ' ' || revision, ', ' ORDER BY subscription_id)
	          FROM perennial.subscription")" \
		'1 active 1, 2 active 1, 3 active 1, 4 expired 1, 5 expired 1, 6 active 0, 7 active 0, 8 expired 0'
	is "$(unpaired_jobs)" ''
}

@test "the text summary says what was done, in decimals of the currency" {
	given_all
	exits 0 perennial run --as-of "$AS_OF"
	has "$output" "as of $AS_OF: 5 subscriptions"
	has "$output" '5 outcomes'
	has "$output" '0 newly'
	grep -E '^ +renewed .*EUR.* 10\.00$' <<<"$output"
	grep -E '^ +renewed .*JPY.* 4 500$' <<<"$output"
	grep -E '^ +converted .*KWD.* 4\.500$' <<<"$output"
	[[ $output =~ on\ hold:\ 1$ ]]
	is "$stderr" ''
}

@test "a run with nothing due is exit code 0 and writes nothing but its own row" {
	local before

	given "add(7, 'active', '2024-03-01 00:00:00.000001')" "add(8, 'expired', '2024-01-15')"
	before=$(md5_of physical "${DATA[@]}")
	exits 0 perennial run --as-of "$AS_OF"
	has "$output" 'nothing was due'
	is "$(md5_of physical "${DATA[@]}")" "$before"
	is "$(db "SELECT result, exit_code FROM perennial.run")" 'done|0'
}

@test "a period that ends at as_of itself is due" {
	given "add(7, 'active', '$AS_OF')"
	exits 0 perennial run --as-of "$AS_OF"
	is "$(outcomes)" '7 renewed 1000'
}

@test "a second run with the same as_of writes no state, outcome, event or job" {
	local before

	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 10 perennial run --as-of "$AS_OF"
	before=$(md5_of physical "${DATA[@]}")
	exits 0 perennial run --as-of "$AS_OF"
	is "$(md5_of physical "${DATA[@]}")" "$before"
	is "$(db "SELECT count(*) FROM perennial.run")" 2
}

@test "periods that were missed are caught up, oldest first, each with its own amount" {
	given "add(1, 'active', '2024-01-01')"
	exits 0 perennial run --as-of "$AS_OF"
	is "$(db "SELECT period_end, next_period_end, revision, amount FROM perennial.outcome ORDER BY period_end")" \
		"2024-01-01 00:00:00+00|2024-02-01 00:00:00+00|1|1000
2024-02-01 00:00:00+00|2024-03-01 00:00:00+00|2|1000
2024-03-01 00:00:00+00|2024-04-01 00:00:00+00|3|1000"
	is "$(db "SELECT period_end, revision FROM perennial.subscription")" '2024-04-01 00:00:00+00|3'
}


# Rows with bad facts.

@test "an amount too big is held with an event and a revision, and the others are processed" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 10 perennial run --as-of "$AS_OF"
	has "$output" '1 newly'
	is "$(db "SELECT count(*) FROM perennial.outcome")" 5
	is "$(db "SELECT s.hold_reason, s.status, s.period_end, s.revision, s.held_at, e.kind, e.reason, e.revision, e.run_id = r.run_id
	          FROM perennial.subscription s JOIN perennial.event e USING (bucket, subscription_id), perennial.run r
	          WHERE s.subscription_id = 9")" \
		'amount_overflow|active|2024-02-29 00:00:00+00|1|2024-03-01 00:00:00+00|held|amount_overflow|1|t'
	is "$(disagreements)" ''
}

@test "an unknown time zone is held with an event and a revision, and the others are processed" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29'), test.lose_zone(9)"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(db "SELECT count(*) FROM perennial.outcome")" 5
	is "$(db "SELECT s.hold_reason, s.revision, e.kind, e.reason, e.revision
	          FROM perennial.subscription s JOIN perennial.event e USING (bucket, subscription_id)
	          WHERE subscription_id = 9")" 'unknown_time_zone|1|held|unknown_time_zone|1'
	is "$(disagreements)" ''
}

@test "what only ends needs no time zone" {
	given "add(1, 'pending_cancellation', '2024-02-29')" "add(2, 'trialing', '2024-02-29', billing => false)" \
		"lose_zone(1)" "lose_zone(2)"
	exits 0 perennial run --as-of "$AS_OF"
	is "$(outcomes)" '1 expired 0, 2 trial_expired 0'
}

@test "a subscription too far behind is held, and stays as it is" {
	given "add(1, 'active', '2023-12-01')"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(outcomes)" ''
	is "$(db "SELECT hold_reason, period_end, status, revision FROM perennial.subscription")" \
		'catch_up_limit|2023-12-01 00:00:00+00|active|1'
}

@test "what is on hold is counted, not touched, and no failure" {
	local before

	given "add(6, 'active', '2024-02-28', hold => 'payment_dispute')"
	before=$(md5_of physical "${DATA[@]}")
	exits 0 perennial run --as-of "$AS_OF" --format json
	is "$(json "$output" "format('%s %s %s', j->>'held', j->>'newly_held', j->>'left')")" '1 0 0'
	is "$(md5_of physical "${DATA[@]}")" "$before"
}


# Leaving some.

@test "--limit stops after so many subscriptions, with exit code 11" {
	given_all
	exits 11 perennial run --as-of "$AS_OF" --limit 3
	is "$(db "SELECT count(*) FROM perennial.outcome")" 3
	is "$(db "SELECT result, exit_code FROM perennial.run")" 'left|11'
	[[ $output =~ left[^0-9]*2 ]]
	is "$(disagreements)" ''
}

@test "few due rows of several buckets are one transaction, and each bucket has its batch" {
	local batches="SELECT string_agg(bucket || ' ' || claimed, ', ' ORDER BY bucket), count(DISTINCT xmin::text) FROM perennial.batch"
	local rows=("add(1, 'active', '2024-02-15')" "add(2, 'active', '2024-02-15')" "add(3, 'active', '2024-02-15')"
		"add(258, 'active', '2024-02-14', account => 2)" "add(5, 'active', '2024-02-15')")

	given "${rows[@]}"
	exits 0 perennial run --as-of "$AS_OF"
	is "$(db "$batches")" '1 1, 2 2, 3 1, 5 1|1'
	# As many buckets as fill a batch, and no bucket in part.
	given "${rows[@]}"
	exits 0 perennial run --as-of "$AS_OF" --batch-size 3
	is "$(db "$batches")" '1 1, 2 2, 3 1, 5 1|2'
	given "${rows[@]}"
	exits 0 perennial run --as-of "$AS_OF" --batch-size 2
	is "$(db "$batches")" '1 1, 2 2, 3 1, 5 1|3'
	# Citus says its version; there a transaction has one bucket.
	given "${rows[@]}"
	PGOPTIONS='-c citus.version=13' exits 0 perennial run --as-of "$AS_OF"
	is "$(db "$batches")" '1 1, 2 2, 3 1, 5 1|4'
}

@test "--limit counts over batches and buckets" {
	given "add("{1..9}", 'active', '2024-02-29', account => 1)" "add(10, 'active', '2024-02-29')"
	exits 11 perennial run --as-of "$AS_OF" --limit 7 --batch-size 3
	is "$(db "SELECT count(*) FROM perennial.outcome")" 7
	exits 0 perennial run --as-of "$AS_OF" --limit 7 --batch-size 3
	is "$(db "SELECT count(*) FROM perennial.outcome")" 10
}

@test "--limit that is not reached leaves nothing, with exit code 0" {
	given_all
	exits 0 perennial run --as-of "$AS_OF" --limit 5
	is "$(db "SELECT count(*) FROM perennial.outcome")" 5
}

@test "a row that another session has locked is left, with exit code 11, and taken up by the next run" {
	given_all
	keep_open 'SELECT FROM perennial.subscription WHERE subscription_id = 2 FOR UPDATE'
	exits 11 perennial run --as-of "$AS_OF"
	[[ $output =~ left[^0-9]*1 ]]
	is "$(outcomes)" '1 renewed 1000, 3 converted 4500, 4 trial_expired 0, 5 expired 0'
	let_go
	exits 0 perennial run --as-of "$AS_OF"
	is "$(outcomes)" '1 renewed 1000, 2 renewed 4500, 3 converted 4500, 4 trial_expired 0, 5 expired 0'
}

@test "an account that another session has locked holds up nothing" {
	given_all
	keep_open 'SELECT FROM perennial.account FOR UPDATE; SELECT FROM perennial.price FOR UPDATE'
	exits 0 perennial run --as-of "$AS_OF"
}

@test "newly held rows win over left ones: exit code 10" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	keep_open 'SELECT FROM perennial.subscription WHERE subscription_id = 2 FOR UPDATE'
	exits 10 perennial run --as-of "$AS_OF" --format json
	is "$(json "$output" "format('%s %s', j->>'newly_held', j->>'left')")" '1 1'
}


# One subscription.

@test "--subscription processes that one only" {
	given_all
	exits 0 perennial run --as-of "$AS_OF" --subscription 2
	is "$(outcomes)" '2 renewed 4500'
	has "$output" '1 subscription,'
	is "$(disagreements)" ''
}

@test "--subscription that does not exist is exit code 65, and writes nothing" {
	local before

	given_all
	before=$(md5_of physical)
	refuses 65 'there is no subscription 4711' run --as-of "$AS_OF" --subscription 4711
	refuses 65 'there is no subscription 9223372036854775807' run --subscription 9223372036854775807
	refuses 65 'there is no subscription 4711' plan --subscription 4711
	is "$(md5_of physical)" "$before"
}

@test "--subscription that is not due, ended or held is exit code 0, and is not touched" {
	local before id

	given_all
	before=$(md5_of physical "${DATA[@]}")
	for id in 6 7 8; do
		exits 0 perennial run --as-of "$AS_OF" --subscription $id
	done
	is "$(md5_of physical "${DATA[@]}")" "$before"
}

@test "--subscription that another session has locked is exit code 11" {
	given_all
	keep_open 'SELECT FROM perennial.subscription WHERE subscription_id = 2 FOR UPDATE'
	exits 11 perennial run --as-of "$AS_OF" --subscription 2
	is "$(outcomes)" ''
}


# The instant.

@test "--as-of in the future is refused without --allow-future, and writes nothing" {
	local before

	given_all
	before=$(md5_of physical)
	refuses 64 'lies in the future' run --as-of 2999-12-31
	has "$stderr" 'hint: plan shows what would be due then; run --allow-future does it now'
	refuses 64 'lies in the future' run --as-of "$(db "SELECT to_char(now() + interval '5 seconds', 'YYYY-MM-DD HH24:MI:SS')")"
	is "$(md5_of physical)" "$before"
}

@test "--as-of in the future is accepted with --allow-future" {
	local future

	future=$(db "SELECT to_char(now() + interval '10 days', 'YYYY-MM-DD') || 'T00:00:00Z'")
	given "add(1, 'active', '$future')"
	exits 0 perennial run --as-of "$future" --allow-future
	is "$(outcomes)" '1 renewed 1000'
	is "$(db "SELECT as_of = '$future' FROM perennial.run")" t
}

@test "--as-of may be written in several ways" {
	local text

	for text in 2024-02-29 2024-02-29T00:00 '2024-02-29 00:00:00' 2024-02-29T00:00:00Z 2024-02-29T00:00:00.000Z \
		2024-02-29T02:00+02:00 2024-02-28T19:00:00-05 2024-02-29T05:45:00+0545; do
		given "add(1, 'active', '2024-02-29')" "add(2, 'active', '2024-02-29 00:00:00.000001')"
		exits 0 perennial run --as-of "$text"
		is "$(outcomes)" '1 renewed 1000'
		is "$(db "SELECT as_of FROM perennial.run")" '2024-02-29 00:00:00+00'
	done
}

@test "without --as-of the server's clock decides" {
	given "add(1, 'active', '2024-02-29')"
	db "UPDATE perennial.subscription SET catch_up_allowed = true, period_start = now() - interval '1 month',
	    period_end = date_trunc('second', now()), anchor = date_trunc('second', now()) AT TIME ZONE 'UTC', months_elapsed = 0"
	exits 0 perennial run
	is "$(outcomes)" '1 renewed 1000'
	is "$(db "SELECT as_of BETWEEN started_at - interval '1 minute' AND finished_at FROM perennial.run")" t
}


# What is recorded.

@test "run, batch and batch_total agree with the rows that were written" {
	use_copy "${OWN}demo" books
	exits 10 perennial run --as-of "$DEMO_AS_OF" --batch-size 7
	is "$(disagreements)" ''
	is "$(db "SELECT count(*) > 100 FROM perennial.batch")" t
}

@test "the run's row says where, by whom, with what and how it ended" {
	local file=$BATS_TEST_TMPDIR/perennial.conf pid

	given_all
	printf '# a file of its own\nrun: { batch_size = 2; };\n' >"$file"
	INVOCATION_ID=0123456789abcdef0123456789abcdef "$PERENNIAL" -c "$file" run --as-of "$AS_OF" >/dev/null 3>&- &
	pid=$!
	wait $pid
	is "$(db "SELECT as_of, host, pid, version, result, exit_code, invocation_id, config_sha256 FROM perennial.run")" \
		"2024-03-01 00:00:00+00|$(hostname)|$pid|$(perennial --version | sed -n '1 s/.* //p')|done|0|0123456789abcdef0123456789abcdef|$(sha256sum <"$file" | cut -d' ' -f1)"
	is "$(db "SELECT started_at <= finished_at AND finished_at <= now() FROM perennial.run")" t
}

@test "every outcome and event carries the run that wrote it" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(db "SELECT DISTINCT run_id = (SELECT run_id FROM perennial.run) FROM (
	          SELECT run_id FROM perennial.outcome UNION ALL SELECT run_id FROM perennial.event) t")" t
}

@test "the JSON summary is valid and agrees with the tables" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 10 perennial run --as-of "$AS_OF" --format json
	is "$(json "$output" "format('%s %s %s %s', j->>'schema', j->>'as_of', j->>'result', j->>'exit_code')")" \
		"perennial.run/1 $AS_OF held 10"
	is "$(json "$output" "(SELECT (run_id, result, exit_code) = ((j->>'run_id')::bigint, j->>'result', (j->>'exit_code')::int) FROM perennial.run)")" t
	is "$(json "$output" "(SELECT (count(*), sum(claimed), sum(held)) =
		((j->>'batches')::bigint, (j->>'subscriptions')::bigint, (j->>'newly_held')::bigint) FROM perennial.batch)")" t
	is "$(json "$output" "(SELECT count(*) = (j->>'outcomes')::bigint FROM perennial.outcome)")" t
	is "$(json "$output" "json_array_length(j->'totals')")" 5
	is "$(json "$output" "(SELECT count(*) FROM json_to_recordset(j->'totals') AS t (kind text, currency text, outcomes bigint, amount numeric, \"decimal\" numeric)
		JOIN perennial.run_total r USING (kind, currency, amount)
		JOIN perennial.currency c ON c.code = r.currency
		WHERE t.outcomes = r.subscriptions AND t.\"decimal\" = r.amount / 10::numeric ^ c.exponent)")" 5
}

@test "the JSON summary of a run with nothing due is valid" {
	given
	exits 0 perennial run --as-of "$AS_OF" --format json
	is "$(json "$output" "format('%s %s %s', j->>'result', j->>'subscriptions', j->>'totals')")" 'done 0 []'
}


# However it is cut.

@test "run --dry-run prints the plan and writes nothing" {
	local before

	given_all
	before=$(md5_of physical)
	exits 0 perennial run --dry-run --as-of "$AS_OF"
	is "$output" "$(perennial plan --as-of "$AS_OF")"
	exits 0 perennial run --dry-run --as-of "$AS_OF" --format json
	is "$output" "$(perennial plan --as-of "$AS_OF" --format json)"
	is "$(md5_of physical)" "$before"
}

@test "run --dry-run takes an --as-of in the future, as plan does" {
	given_all
	exits 0 perennial run --dry-run --as-of 2999-12-31
}

@test "batches of 1 end in the same tables" {
	use_copy "${OWN}demo" by_1
	exits 10 perennial run --as-of "$DEMO_AS_OF" --batch-size 1
	demo_is_done
}

@test "batches of 7 end in the same tables" {
	use_copy "${OWN}demo" by_7
	exits 10 perennial run --as-of "$DEMO_AS_OF" --batch-size 7
	demo_is_done
}

@test "batches of 10000 end in the same tables" {
	use_copy "${OWN}demo" by_10000
	exits 10 perennial run --as-of "$DEMO_AS_OF" --batch-size 10000
	demo_is_done
}

@test "runs with --limit, one after the other, end in the same tables" {
	local pieces=0 left=1

	use_copy "${OWN}demo" pieces
	while ((left > 0)); do
		run --separate-stderr perennial run --as-of "$DEMO_AS_OF" --limit 300 --batch-size 40 --format json
		is "$stderr" ''
		left=$(json "$output" "j->>'left'")
		((status == 10 || status == (left > 0 ? 11 : 0)))
		((++pieces < 20))
	done
	((pieces >= 4))
	demo_is_done
}

@test "a run for each subscription, one after the other, ends in the same tables" {
	local ids id

	use_copy "${OWN}demo" one_by_one
	ids=$(db "SELECT string_agg(subscription_id::text, ' ') FROM perennial.subscription
	          WHERE status <> 'expired' AND hold_reason IS NULL AND period_end <= '$DEMO_AS_OF' AND bucket < 6")
	for id in $ids; do
		perennial run --as-of "$DEMO_AS_OF" --subscription "$id" >/dev/null || (($? == 10))
	done
	exits 10 perennial run --as-of "$DEMO_AS_OF"
	demo_is_done
}


# Beside others.

# A run in the background that waits for locks as long as it takes; its pid is $!.
patiently() {
	printf 'run: { lock_timeout = "10min"; statement_timeout = "10min"; };\n' >"$BATS_TEST_TMPDIR/patient.conf"
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/patient.conf" run --as-of "$DEMO_AS_OF" "$@" >/dev/null 2>&1 3>&- &
}

@test "a run that is killed in the middle is finished by the next one, with the same result" {
	local pid victim

	use_copy "${OWN}demo" killed
	# Somebody's open transaction has the key of an outcome that the run will want to write, half way through.
	victim=$(db "SELECT format('%s, %s, %s, %L', bucket, subscription_id, account_id, period_end) FROM perennial.subscription
	             WHERE status = 'active' AND hold_reason IS NULL AND bucket >= 128
	             AND period_end BETWEEN '2024-03-28 02:00Z' AND '$DEMO_AS_OF'
	             ORDER BY bucket, period_end DESC LIMIT 1")
	keep_open "INSERT INTO perennial.outcome (bucket, subscription_id, account_id, period_end, run_id, revision, kind, rule,
		from_status, to_status, period_start, price_id, quantity, unit_amount, amount, currency)
		VALUES ($victim, 0, 0, 'expired', '', 'active', 'expired', '-infinity', 0, 0, 0, 0, 'EUR')"
	patiently --batch-size 7
	pid=$!
	# The session is named after its run.
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity a, perennial.run r WHERE a.datname = current_database()
		AND a.application_name = 'perennial run=' || r.run_id AND a.wait_event_type = 'Lock')"
	kill -9 $pid
	wait $pid || true
	let_go
	wait_for "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND application_name LIKE 'perennial run=%')"

	is "$(db "SELECT count(*) > 0, bool_and(finished_at IS NULL) FROM perennial.run")" 't|t'
	is "$(db "SELECT count(*) > 10 FROM perennial.batch")" t
	is "$(disagreements)" ''
	run --separate-stderr perennial run --as-of "$DEMO_AS_OF"
	((status == 0 || status == 10))
	demo_is_done
}

@test "two runs at once share the work, and do nothing twice" {
	local first second a=0 b=0

	use_copy "${OWN}demo" two
	# Both start as soon as the table is free.
	keep_open 'LOCK TABLE perennial.run IN ACCESS EXCLUSIVE MODE'
	patiently --batch-size 5
	first=$!
	patiently --batch-size 5
	second=$!
	wait_for "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database()
		AND wait_event_type = 'Lock' AND query LIKE '%perennial.run %'"
	let_go
	wait $first || a=$?
	wait $second || b=$?
	# Each may have seen the other's locks at its end.
	((a == 0 || a == 10 || a == 11))
	((b == 0 || b == 10 || b == 11))
	is "$(db "SELECT count(DISTINCT run_id) FROM perennial.batch")" 2
	demo_is_done
}


# When the summary cannot be written.

@test "a run whose summary meets a full disk is exit code 73, and its work is committed" {
	local format code

	for format in text json; do
		given_all
		code=0
		perennial run --as-of "$AS_OF" --format $format >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
		is $code 73
		has "$(<"$BATS_TEST_TMPDIR/stderr")" 'cannot write to standard output: No space left on device'
		is "$(db "SELECT count(*) FROM perennial.outcome")" 5
		is "$(db "SELECT result FROM perennial.run")" 'done'
	done
}

@test "a run whose reader went away is exit code 73, and its work is committed" {
	local pipe=$BATS_TEST_TMPDIR/pipe code=0

	given_all
	mkfifo "$pipe"
	exec 5<>"$pipe" 6>"$pipe" 5>&-
	perennial run --as-of "$AS_OF" >&6 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
	exec 6>&-
	is $code 73
	is "$(<"$BATS_TEST_TMPDIR/stderr")" ''
	is "$(db "SELECT count(*) FROM perennial.outcome")" 5
}

@test "a run without standard output does its work" {
	given_all
	run --separate-stderr sh -c '"$0" -c /dev/null run --as-of "$1" >&-' "$PERENNIAL" "$AS_OF"
	is "$status" 73
	is "$(db "SELECT count(*) FROM perennial.outcome")" 5
	is "$(db "SELECT result FROM perennial.run")" 'done'
}
