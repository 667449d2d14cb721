# limits: the brakes limits.max_expired and limits.max_amount, in plan and run, and how one is passed knowingly.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

# with CONFIGURATION ARGUMENT...
with() {
	local file=$BATS_TEST_TMPDIR/with.conf

	echo "$1" >"$file"
	shift
	"$PERENNIAL" -c "$file" "$@"
}

# Two are billed 10.00 EUR, one 45.00 JPY; three end.
setup() {
	given "add(1, 'active', '2024-02-29')" "add(2, 'trialing', '2024-02-20')" "add(3, 'active', '2024-02-10', price => 3)" \
		"add(4, 'trialing', '2024-02-20', billing => false)" "add(5, 'pending_cancellation', '2024-02-25')" \
		"add(6, 'pending_cancellation', '2024-02-26')" "add(7, 'pending_cancellation', '2024-02-26', hold => 'x')"
}

run_row() {
	db 'SELECT result, exit_code, stopped_by, left_due, left_held, allow_over, allow_reason FROM perennial.run ORDER BY run_id DESC LIMIT 1'
}

ENDS='limits: { max_expired = 2; };'
BILLS='limits: { max_amount = ( "19.99 EUR" ); };'
BOTH='limits: { max_expired = 2; max_amount = ( "19.99 EUR", "1500 JPY" ); };'

@test "a run that would end too many does not begin: exit code 12, and nothing is written but its row" {
	local before

	before=$(md5_of physical account subscription outcome event notification_job batch batch_total)
	exits 12 with "$ENDS" run --as-of "$AS_OF"
	has "$stderr" 'what is due would pass a limit:'
	has "$stderr" 'limits.max_expired: 3 subscriptions, more than 2'
	has "$stderr" 'hint: to let it pass once: perennial run --allow-over max_expired --reason TEXT'
	has "$output" 'stopped by: max_expired'
	is "$(md5_of physical account subscription outcome event notification_job batch batch_total)" "$before"
	is "$(run_row)" 'limit|12|max_expired|6|1||'
}

@test "a run that would bill too much does not begin" {
	exits 12 with "$BILLS" run --as-of "$AS_OF" --format json
	has "$stderr" 'limits.max_amount.EUR: 20.00 EUR, more than 19.99'
	is "$(json "$output" "format('%s %s %s %s', j->>'result', j->>'stopped_by', j->>'outcomes', j->>'left')")" \
		'limit max_amount.EUR 0 6'
	is "$(run_row)" 'limit|12|max_amount.EUR|6|1||'
}

@test "every limit that would be passed is told" {
	exits 12 with "$BOTH" run --as-of "$AS_OF"
	has "$stderr" 'limits.max_expired: 3 subscriptions, more than 2'
	has "$stderr" 'limits.max_amount.EUR: 20.00 EUR, more than 19.99'
	lacks "$stderr" JPY
	has "$stderr" '--allow-over max_expired,max_amount.EUR --reason TEXT'
}

@test "a limit may be reached" {
	exits 0 with 'limits: { max_expired = 3; max_amount = ( "20.00 EUR", "1500 JPY" ); };' run --as-of "$AS_OF"
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 6
}

@test "an amount in a currency without a limit has none" {
	exits 0 with 'limits: { max_amount = ( "0 USD" ); };' run --as-of "$AS_OF"
}

@test "what is on hold counts for no limit" {
	exits 0 with 'limits: { max_expired = 3; };' plan --as-of "$AS_OF"
	exits 0 with 'limits: { max_expired = 3; };' run --as-of "$AS_OF"
}

@test "with nothing due no limit is passed" {
	given
	exits 0 with "$BOTH" run --as-of "$AS_OF"
	exits 0 with 'limits: { max_amount = ( "0 EUR" ); };' run --as-of "$AS_OF"
}

@test "with --subscription it is that one that counts" {
	exits 0 with 'limits: { max_expired = 1; };' run --as-of "$AS_OF" --subscription 5
	exits 12 with 'limits: { max_amount = ( "9.99 EUR" ); };' run --as-of "$AS_OF" --subscription 1
}

@test "with --limit it is all that is due that counts" {
	exits 12 with "$ENDS" run --as-of "$AS_OF" --limit 1
}

@test "plan says what is over, with exit code 12" {
	exits 12 with "$BOTH" plan --as-of "$AS_OF"
	grep -E '^  max_expired +3 +2  OVER$' <<<"$output"
	grep -E '^  max_amount\.EUR +20\.00 +19\.99  OVER$' <<<"$output"
	grep -E '^  max_amount\.JPY +1 500 +1 500  ok$' <<<"$output"
	has "$stderr" 'perennial run --allow-over max_expired,max_amount.EUR --reason TEXT'
	exits 12 with "$BOTH" plan --as-of "$AS_OF" --format json
	is "$(json "$output" "(SELECT string_agg(format('%s %s %s %s', l->>'name', l->>'value', l->>'max_decimal', l->>'ok'), ', ')
		FROM json_array_elements(j->'limits') l)")" \
		'max_held 0 100 true, max_expired 3 2 false, max_amount.EUR 2000 19.99 false, max_amount.JPY 1500 1500 true'
	exits 12 with "$BOTH" plan --as-of "$AS_OF" --format csv
	exits 12 with "$BOTH" run --dry-run --as-of "$AS_OF"
	is "$(db 'SELECT count(*) FROM perennial.run')" 0
}

@test "plan --detailed-exitcode answers 12 too" {
	exits 12 with "$BOTH" plan --as-of "$AS_OF" --detailed-exitcode
}

@test "a forecast has no limits" {
	exits 0 with "$BOTH" plan --as-of "$AS_OF" --horizon 30d
	lacks "$output" max_expired
}

@test "--allow-over passes a limit once, and why is stored with the run" {
	exits 0 with "$ENDS" run --as-of "$AS_OF" --allow-over max_expired --reason 'the trials of the fair, 11/26'
	is "$(run_row)" 'done|0||0|1|max_expired|the trials of the fair, 11/26'
	given "add(5, 'pending_cancellation', '2024-02-25')" "add(6, 'pending_cancellation', '2024-02-26')" \
		"add(7, 'pending_cancellation', '2024-02-26')"
	exits 12 with "$ENDS" run --as-of "$AS_OF"
}

@test "--allow-over passes those that it names, and no other" {
	exits 12 with "$BOTH" run --as-of "$AS_OF" --allow-over max_expired --reason why
	lacks "$stderr" 'limits.max_expired'
	has "$stderr" '--allow-over max_amount.EUR --reason TEXT'
	is "$(run_row)" 'limit|12|max_amount.EUR|6|1|max_expired|why'
	exits 12 with "$BOTH" run --as-of "$AS_OF" --allow-over max_amount.JPY,max_expired --reason why
	exits 0 with "$BOTH" run --as-of "$AS_OF" --allow-over max_amount.EUR,max_expired --reason why
}

@test "what the hint says may be said" {
	local three='limits: { max_expired = 1; max_amount = ( "1.00 EUR", "1 JPY" ); };'

	exits 12 with "$three" run --as-of "$AS_OF"
	has "$stderr" '--allow-over max_expired,max_amount.EUR,max_amount.JPY --reason TEXT'
	exits 0 with "$three" run --as-of "$AS_OF" --allow-over max_expired,max_amount.EUR,max_amount.JPY --reason why
}

@test "--allow-over max_held lets a run put on hold what it must" {
	given "add(1, 'active', '2023-06-10')" "add(2, 'active', '2023-06-10')" "add(3, 'active', '2023-06-10')"
	exits 12 with 'limits: { max_held = 2; };' run --as-of "$AS_OF"
	exits 10 with 'limits: { max_held = 2; };' run --as-of "$AS_OF" --allow-over max_held --reason 'we were down for long'
	is "$(db 'SELECT count(*) FROM perennial.subscription WHERE hold_reason IS NOT NULL')" 3
}

@test "a dry run shows what is allowed" {
	exits 0 with "$ENDS" run --dry-run --as-of "$AS_OF" --allow-over max_expired --reason why
	grep -E '^  max_expired +3 +2  over, and allowed$' <<<"$output"
}

@test "--allow-over and --reason are given together" {
	refuses 64 '--allow-over and --reason are given together' run --allow-over max_held
	refuses 64 '--allow-over and --reason are given together' run --reason why
}

@test "--allow-over takes names of limits that are set" {
	local name

	for name in max_amount.USD max_amount max_amount.EU max_amount.eur max_expires max 'max_expired,' ,max_expired \
		max_expired,,max_held 'max_expired max_held' limits.max_expired; do
		exits 64 with "$BOTH" run --allow-over "$name" --reason why
		has "$stderr" '--allow-over: no limit is set that is called "'
		has "$stderr" 'hint: limits that are set: max_held,max_expired,max_amount.EUR,max_amount.JPY'
	done
	exits 64 with 'limits: { max_held = 0; };' run --allow-over max_held --reason why
	has "$stderr" 'hint: limits that are set: none'
}

@test "--reason takes one line of text" {
	local reason

	for reason in '' $'two\nlines' $'\e[31m' $'\xff' "$(printf 'x%.0s' {1..501})"; do
		refuses 64 '--reason takes one line of text, of 1 to 500 bytes' run --allow-over max_held --reason "$reason"
	done
	exits 0 perennial run --as-of "$AS_OF" --allow-over max_held --reason "$(printf 'é%.0s' {1..250})"
}

@test "a run that is asked to stop while it plans stops, and does nothing" {
	db "INSERT INTO perennial.account (bucket, account_id) SELECT perennial.bucket_of(a), a FROM generate_series(1000, 60000) a;
	    INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, status, anchor, months_elapsed, period_start, period_end)
	    SELECT perennial.bucket_of(a), a, a, 1, 'active', '2024-01-29', 1, '2024-01-29 00:00Z', '2024-02-29 00:00Z' FROM generate_series(1000, 60000) a"
	echo "$ENDS" >"$BATS_TEST_TMPDIR/with.conf"
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/with.conf" run --as-of "$AS_OF" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'perennial run=%' AND query LIKE 'FETCH%')"
	kill -TERM $pid
	code=0
	wait $pid || code=$?
	is $code 11
	is "$(run_row)" 'left|11|SIGTERM|59007|1||'
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 0
}

@test "what the database does not have is told before a plan is made" {
	exits 78 with 'limits: { max_amount = ( "10 XYZ" ); };' plan --as-of "$AS_OF" --format csv
	is "$output" ''
	has "$stderr" 'limits.max_amount: there is no currency XYZ'
}
