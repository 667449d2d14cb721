# customers: who calls while a batch has the row, and batches that come while a customer has it.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load helper

# A claim waits at an anchor at second 7 for as long as somebody has the advisory lock 7.  The rows before it are locked
# then.
WAITING="CREATE OR REPLACE FUNCTION perennial.boundary(anchor timestamp, time_zone text, months int) RETURNS timestamptz
	LANGUAGE plpgsql IMMUTABLE STRICT AS \$\$
	BEGIN
		IF extract(second FROM anchor) = 7 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF;
		RETURN (anchor + make_interval(months => months)) AT TIME ZONE time_zone;
	END \$\$"

setup_file() {
	own_database
	db "$WAITING"
	# Ids below are the tests' own.
	db "ALTER TABLE perennial.subscription ALTER subscription_id RESTART WITH 1000"
	role app 'IN ROLE perennial_app'
}

teardown_file() {
	drop_own
}

setup() {
	printf 'run: { lock_timeout = "10min"; statement_timeout = "10min"; };\n' >"$BATS_TEST_TMPDIR/patient.conf"
}

teardown() {
	# Whoever waits, and whoever is waited for.
	db "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE starts_with(application_name, '$OWN')" >/dev/null
}


# Sessions of customers, with the rights of perennial_app, no more.

# customer NAME: a session that does what "says NAME SQL" tells it; its answers are in $answer_NAME after "leaves NAME".
customer() {
	local pipe=$BATS_TEST_TMPDIR/pipe.$1 fd

	mkfifo "$pipe"
	PGAPPNAME=${OWN}customer.$1 PGTZ=UTC as_role app psql -XqAt -v VERBOSITY=verbose \
		<"$pipe" >"$BATS_TEST_TMPDIR/answer.$1" 2>&1 3>&- &
	printf -v "pid_$1" %d $!
	exec {fd}>"$pipe"
	printf -v "fd_$1" %d "$fd"
}

says() {
	local fd=fd_$1

	printf '%s;\n' "$2" >&"${!fd}"
}

# When it is in this state.
is_waiting() {
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${OWN}customer.$1' AND wait_event_type = 'Lock')"
}

is_in_transaction() {
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${OWN}customer.$1'
		AND state = 'idle in transaction')"
}

leaves() {
	local fd=fd_$1 pid=pid_$1

	# To close the pipe is not enough: whoever came later has it, too.
	echo '\q' >&"${!fd}"
	wait "${!pid}" || :
	printf -v "answer_$1" %s "$(<"$BATS_TEST_TMPDIR/answer.$1")"
}


# What is there afterwards.

# The first of the subscriptions, and what became of it.
state() {
	db "SELECT status, period_end, price_id, next_price_id, billing_info_at IS NOT NULL, revision
	    FROM perennial.subscription WHERE subscription_id = 1"
}

# Its history: kinds, with what came before.
history() {
	db "SELECT string_agg(kind || coalesce(' ' || from_status, ''), ', ' ORDER BY revision)
	    FROM perennial.history WHERE subscription_id = ${1-1}"
}

# What is wrong in a history; an event that is dated before what was written before it; an event with a message that has
# no job, or a job that has no event.
flaws() {
	db "SELECT 'history', t::text FROM perennial.broken_history t
	    UNION ALL
	    SELECT 'backward', t::text FROM (
	    	SELECT *, max(at) OVER (PARTITION BY bucket, subscription_id ORDER BY revision
	    		ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
	    	FROM perennial.history) t
	    WHERE rule IS NULL AND at < before
	    UNION ALL
	    SELECT 'unpaired', concat(e.*, j.*) FROM (SELECT *, CASE kind
	    	WHEN 'subscribed' THEN 'subscribed'
	    	WHEN 'trial_started' THEN 'trial_started'
	    	WHEN 'cancelled' THEN 'cancellation_confirmed'
	    	WHEN 'withdrawn' THEN 'cancellation_withdrawn'
	    	WHEN 'reactivated' THEN 'reactivated' END AS message FROM perennial.event) e
	    FULL JOIN (SELECT * FROM perennial.notification_job WHERE event_id <> 0) j
	    ON (j.bucket, j.subscription_id, j.account_id, j.kind, j.boundary, j.event_id)
	       = (e.bucket, e.subscription_id, e.account_id, e.message, e.period_end, e.event_id)
	    WHERE (e.message IS NOT NULL OR e.bucket IS NULL) AND (e.bucket IS NULL OR j.bucket IS NULL)"
}

# Histories, totals and jobs agree with each other.
sound() {
	is "$(flaws)" '' && is "$(disagreements)" '' && is "$(unpaired_jobs)" ''
}


# A customer has the row.

# first_customer CODE CALL: a customer calls, and has not committed when a run passes, which ends with CODE and leaves the
# row.  Then another run.
first_customer() {
	local before

	before=$(state)
	customer one
	says one "BEGIN \\; SELECT perennial.$2"
	is_in_transaction one
	exits "$1" perennial run --as-of "$AS_OF"
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 0
	is "$(state)" "$before"
	says one COMMIT
	leaves one
	lacks "$answer_one" ERROR
	exits 0 perennial run --as-of "$AS_OF"
	sound
}

@test "a run leaves a subscription that is being cancelled; the next one ends it" {
	given "add(1, 'active', '2024-02-20')"
	first_customer 11 'cancel(1, 1)'
	is "$answer_one" '2024-02-20 00:00:00+00'
	is "$(history)" 'cancelled active, expired pending_cancellation'
}

@test "a run leaves a subscription whose cancellation is being withdrawn; the next one renews it" {
	given "add(1, 'pending_cancellation', '2024-02-20')"
	first_customer 11 'withdraw_cancellation(1, 1)'
	is "$(history)" 'withdrawn pending_cancellation, renewed active'
}

@test "a run leaves a trial that is being given billing information; the next one converts it" {
	given "add(1, 'trialing', '2024-02-20', billing => false)"
	first_customer 11 'set_billing_info(1, 1)'
	is "$(history)" 'billing_info_set trialing, converted trialing'
}

@test "a run leaves a trial whose billing information is being cleared; the next one ends it" {
	given "add(1, 'trialing', '2024-02-20')"
	first_customer 11 'clear_billing_info(1, 1)'
	is "$(history)" 'billing_info_cleared trialing, trial_expired trialing'
}

@test "a run leaves a subscription whose price is being changed; the next one renews it at the new one" {
	given "add(1, 'active', '2024-02-20')"
	first_customer 11 'schedule_change(1, 1, 2, 3)'
	is "$(history)" 'change_scheduled active, renewed active'
	is "$(db 'SELECT price_id, quantity, amount FROM perennial.outcome')" '2|3|30000'
	is "$(state)" 'active|2025-02-20 00:00:00+00|2||t|2'
}

@test "a run does not see a reactivation that is not committed; the next one renews it" {
	given "add(1, 'expired', '2024-01-05')"
	first_customer 0 "reactivate(1, 1, 1, '2024-01-20')"
	is "$(history)" 'reactivated expired, renewed active'
	is "$(db 'SELECT period_end FROM perennial.outcome')" '2024-02-20 00:00:00+00'
}

@test "a run does not see a subscription that is not committed; the next one renews it" {
	given "add(1, 'expired', '2024-01-05')"
	first_customer 0 "subscribe(1, 1, 1, 'UTC', '2024-01-20')"
	is "$(history "$answer_one")" 'subscribed, renewed active'
}

@test "a call that is rolled back was never made" {
	given "add(1, 'active', '2024-02-20')"
	customer one
	says one 'BEGIN \; SELECT perennial.cancel(1, 1)'
	is_in_transaction one
	exits 11 perennial run --as-of "$AS_OF"
	says one ROLLBACK
	leaves one
	exits 0 perennial run --as-of "$AS_OF"
	is "$(history)" 'renewed active'
	sound
}


# A batch has the row.

# Starts a run that has the first row and waits at another one of the same account.
batch_begins() {
	db "SELECT test.add(70, 'active', '2024-02-29 00:00:07', account => 1)" >/dev/null
	keep_open 'SELECT pg_advisory_lock(7)'
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/patient.conf" run --as-of "$AS_OF" >/dev/null 3>&- &
	BATCH=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND application_name LIKE 'perennial run=%' AND wait_event = 'advisory')"
}

batch_ends() {
	let_go
	wait $BATCH
}

# first_batch CALL: a customer calls when a batch has the row already, waits for it, and gets $answer_one.
first_batch() {
	batch_begins
	customer one
	says one "SELECT perennial.$1"
	is_waiting one
	batch_ends
	leaves one
	sound
}

@test "who cancels while a batch renews is answered the end of the new period" {
	given "add(1, 'active', '2024-02-20')"
	first_batch 'cancel(1, 1)'
	is "$answer_one" '2024-03-20 00:00:00+00'
	is "$(history)" 'renewed active, cancelled active'
	is "$(state)" 'pending_cancellation|2024-03-20 00:00:00+00|1||t|2'
}

@test "who cancels a trial while a batch ends it is told that it has expired" {
	given "add(1, 'trialing', '2024-02-20', billing => false)"
	first_batch 'cancel(1, 1)'
	has "$answer_one" 'PR002: subscription 1 expired at 2024-02-20T00:00:00Z'
	is "$(history)" 'trial_expired trialing'
}

@test "who cancels a second time while a batch ends it is told that it has expired" {
	given "add(1, 'pending_cancellation', '2024-02-20')"
	first_batch 'cancel(1, 1)'
	has "$answer_one" 'PR002: subscription 1 expired'
	is "$(history)" 'expired pending_cancellation'
}

@test "who withdraws a cancellation while a batch ends it is told that it has expired" {
	given "add(1, 'pending_cancellation', '2024-02-20')"
	first_batch 'withdraw_cancellation(1, 1)'
	has "$answer_one" 'PR002: subscription 1 expired'
	has "$answer_one" 'reactivate() opens a new period'
	is "$(history)" 'expired pending_cancellation'
}

@test "who gives billing information while a batch ends the trial is told that it has expired" {
	given "add(1, 'trialing', '2024-02-20', billing => false)"
	first_batch 'set_billing_info(1, 1)'
	has "$answer_one" 'PR002: subscription 1 expired'
	is "$(history)" 'trial_expired trialing'
}

@test "who clears billing information while a batch converts the trial has a subscription without it" {
	given "add(1, 'trialing', '2024-02-20')"
	first_batch 'clear_billing_info(1, 1)'
	is "$answer_one" ''
	is "$(history)" 'converted trialing, billing_info_cleared active'
	is "$(state)" 'active|2024-03-20 00:00:00+00|1||f|2'
}

@test "who changes the price while a batch renews gets it at the boundary after" {
	given "add(1, 'active', '2024-02-20')"
	first_batch 'schedule_change(1, 1, 2, NULL)'
	is "$answer_one" ''
	is "$(history)" 'renewed active, change_scheduled active'
	is "$(state)" 'active|2024-03-20 00:00:00+00|1|2|t|2'
	is "$(db 'SELECT price_id FROM perennial.outcome WHERE subscription_id = 1')" 1
}

@test "who changes the price to the one that a batch is putting in force has nothing to change any more" {
	given "add(1, 'active', '2024-02-20')"
	db 'SELECT perennial.schedule_change(1, 1, 2, NULL)' >/dev/null
	first_batch 'schedule_change(1, 1, 2, NULL)'
	is "$(history)" 'change_scheduled active, renewed active'
	is "$(state)" 'active|2025-02-20 00:00:00+00|2||t|2'
}

@test "who reactivates while a batch ends it gets a new period" {
	given "add(1, 'pending_cancellation', '2024-02-20')"
	first_batch "reactivate(1, 1, 1, '2024-02-25')"
	is "$answer_one" '2024-03-25 00:00:00+00'
	is "$(history)" 'expired pending_cancellation, reactivated expired'
	is "$(state)" 'active|2024-03-25 00:00:00+00|1||t|2'
}

@test "who reactivates while a batch renews is told that it is active" {
	given "add(1, 'active', '2024-02-20')"
	first_batch 'reactivate(1, 1, 1)'
	has "$answer_one" 'PR002: subscription 1 is active'
	is "$(history)" 'renewed active'
}

@test "who subscribes, or acts on another subscription, waits for no batch" {
	given "add(1, 'active', '2024-02-20')" "add(2, 'active', '2024-02-20')" "add(9, 'active', '2024-03-20', account => 1)"
	batch_begins
	customer one
	says one "SET lock_timeout = '10s' \\; SELECT perennial.subscribe(1, 1, 1, 'UTC') > 0 \\; SELECT perennial.cancel(1, 9)"
	leaves one
	is "$answer_one" $'t\n2024-03-20 00:00:00+00'
	batch_ends
	sound
}

@test "one account's customers who call at once are served one after the other" {
	given "add(1, 'active', '2024-02-20')"
	batch_begins
	for n in a b c d; do
		customer $n
		says $n 'SELECT perennial.cancel(1, 1)'
		is_waiting $n
	done
	batch_ends
	for n in a b c d; do
		leaves $n
		is "$(<"$BATS_TEST_TMPDIR/answer.$n")" '2024-03-20 00:00:00+00'
	done
	is "$(history)" 'renewed active, cancelled active'
	sound
}


# Dates.

@test "an event that waited for another is not dated before it" {
	given "add(1, 'active', '2024-03-20')"
	customer early
	says early 'BEGIN \; SELECT now()'
	is_in_transaction early
	customer late
	says late 'BEGIN \; SELECT perennial.cancel(1, 1)'
	is_in_transaction late
	says early 'SELECT perennial.withdraw_cancellation(1, 1)'
	is_waiting early
	says late COMMIT
	leaves late
	says early COMMIT
	leaves early
	is "$(history)" 'cancelled active, withdrawn pending_cancellation'
	is "$(db "SELECT bool_and(at = first), bool_and(first > '${answer_early%%$'\n'*}')
	          FROM (SELECT at, min(at) OVER () AS first FROM perennial.event) t")" 't|t'
	sound
}

@test "an event in a transaction that began before the boundary is not dated before the renewal" {
	given
	customer early
	says early 'BEGIN \; SELECT now()'
	is_in_transaction early
	given "add(1, 'active', now())"
	exits 0 perennial run
	says early 'SELECT perennial.cancel(1, 1)'
	says early COMMIT
	leaves early
	is "$(history)" 'renewed active, cancelled active'
	is "$(db "SELECT e.at = o.period_end, e.at > '${answer_early%%$'\n'*}' FROM perennial.event e, perennial.outcome o")" 't|t'
	sound
}

@test "an event in a transaction that began before a run is not dated before the hold that the run made" {
	given "add(1, 'active', '2023-02-20')"
	customer early
	says early 'BEGIN \; SELECT now()'
	is_in_transaction early
	exits 10 perennial run
	says early 'SELECT perennial.cancel(1, 1)'
	says early COMMIT
	leaves early
	is "$(history)" 'held active, cancelled active'
	sound
}


# All together.

# Forty random calls for six subscriptions in each of four accounts, a transaction each.
calls() {
	local call id price=(1 2 6 NULL) quantity=(1 2 3 NULL)

	for _ in {1..40}; do
		id=$((RANDOM % 24))
		call="($((1 + id % 4)), $((1 + id))"
		case $((RANDOM % 9)) in
		0 | 1) call="cancel$call)" ;;
		2) call="withdraw_cancellation$call)" ;;
		3 | 4) call="reactivate$call, ${price[RANDOM % 3]})" ;;
		5) call="set_billing_info$call)" ;;
		6) call="clear_billing_info$call)" ;;
		7) call="schedule_change$call, ${price[RANDOM % 4]}, ${quantity[RANDOM % 4]})" ;;
		8) call="subscribe($((1 + RANDOM % 4)), ${price[RANDOM % 3]}, 1, 'UTC')" ;;
		esac
		printf 'SELECT pg_sleep(random() * 0.05);\nSELECT perennial.%s;\n' "$call"
	done
}

@test "eight customers who do anything at any time, and runs all the while, leave sound books" {
	local n month=0 rows=() pids=() status=(active trialing pending_cancellation)

	for n in {0..23}; do
		rows+=("add($((1 + n)), '${status[n % 3]}', now() + interval '$n days', account => $((1 + n % 4)))")
	done
	given "${rows[@]}"
	for n in {1..8}; do
		as_role app psql -XqAt -v VERBOSITY=sqlstate <<<"$(calls)" >/dev/null 2>"$BATS_TEST_TMPDIR/stderr.$n" 3>&- &
		pids+=($!)
	done
	# The months fly by.  Who subscribes now is soon too far behind, and held.
	while kill -0 "${pids[@]}" 2>/dev/null || ((month < 5)); do
		((++month))
		run -0 --separate-stderr db "SELECT now() + interval '$month months'"
		run --separate-stderr perennial run --as-of "$output" --allow-future --batch-size 3
		((status == 0 || status == 10 || status == 11))
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	# All that anybody was refused is what the state of a subscription forbids.
	is "$(cat "$BATS_TEST_TMPDIR"/stderr.* | grep -vx 'ERROR:  PR002')" ''
	is "$(db 'SELECT count(*) > 50, count(DISTINCT kind) > 5 FROM perennial.event')" 't|t'
	is "$(db 'SELECT count(*) > 50, count(DISTINCT run_id) >= 5 FROM perennial.outcome')" 't|t'
	# A run claims once more what expired and was reactivated while it went on: unsound knows when.
	is "$(flaws)" ''
	is "$(disagreements | grep -v '|claimed|')" ''
	is "$(unpaired_jobs)" ''
	is "$(db "SELECT * FROM perennial.unsound WHERE invariant <> 'due-left'")" ''
}
