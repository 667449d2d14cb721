# races: customers and administrators who act while a run is on.

load helper

# A claim that waits at each boundary of an anchor at second 7, until the test lets it go on.  What is committed meanwhile
# is later than the claim's snapshot, and earlier than the locks of the rows after that one.
SLOW="CREATE OR REPLACE FUNCTION perennial.boundary(anchor timestamp, time_zone text, months int) RETURNS timestamptz
	LANGUAGE plpgsql IMMUTABLE STRICT AS \$\$
	BEGIN
		IF extract(second FROM anchor) = 7 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF;
		RETURN (anchor + make_interval(months => months)) AT TIME ZONE time_zone;
	END \$\$"

setup_file() {
	own_database
	db "$SLOW"
}

teardown_file() {
	drop_own
}

teardown() {
	let_go
}

# Runs the program, and SQL while its claim is waiting at the row with second 7.
run_while() {
	local run

	keep_open 'SELECT pg_advisory_lock(7)'
	perennial run --as-of "$AS_OF" >/dev/null 3>&- &
	run=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
		AND application_name LIKE 'perennial run=%' AND wait_event = 'advisory')"
	db "$1"
	let_go
	wait "$run"
}

# All of one account, so that they are in one bucket and in one claim.
SLOWLY="add(1, 'active', '2024-02-20 00:00:07', account => 1)"

@test "a price that is created while a claim is running, and scheduled, is the one that counts" {
	given "$SLOWLY" "add(2, 'active', '2024-02-21', account => 1)"
	run_while "BEGIN;
		INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES (77, 1, 'EUR', 1234, 1);
		UPDATE perennial.subscription SET next_price_id = 77 WHERE subscription_id = 2;
		COMMIT"
	is "$(db 'SELECT price_id, amount FROM perennial.outcome WHERE subscription_id = 2')" '77|1234'
}

@test "another price that is scheduled while a claim is running counts" {
	given "$SLOWLY" "add(2, 'active', '2024-02-21', account => 1)"
	run_while "UPDATE perennial.subscription SET next_price_id = 2 WHERE subscription_id = 2"
	is "$(db 'SELECT price_id, amount, next_period_end FROM perennial.outcome WHERE subscription_id = 2')" \
		'2|10000|2025-02-21 00:00:00+00'
}

@test "a trial that is moved to a free plan while a claim is running converts" {
	given "$SLOWLY" "add(2, 'trialing', '2024-02-21', account => 1, billing => false)"
	run_while "BEGIN;
		INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES (78, 1, 'EUR', 0, 1);
		UPDATE perennial.subscription SET next_price_id = 78 WHERE subscription_id = 2;
		COMMIT"
	is "$(db 'SELECT kind, rule, amount FROM perennial.outcome WHERE subscription_id = 2')" 'converted|trial-converts|0'
}

@test "billing information that arrives while a claim is running counts" {
	given "$SLOWLY" "add(2, 'trialing', '2024-02-21', account => 1, billing => false)"
	run_while "UPDATE perennial.subscription SET billing_info_at = now() WHERE subscription_id = 2"
	is "$(db 'SELECT kind FROM perennial.outcome WHERE subscription_id = 2')" converted
}

@test "a cancellation that arrives while a claim is running counts" {
	given "$SLOWLY" "add(2, 'active', '2024-02-21', account => 1)"
	run_while "UPDATE perennial.subscription SET status = 'pending_cancellation', cancel_requested_at = now()
		WHERE subscription_id = 2"
	is "$(db 'SELECT kind FROM perennial.outcome WHERE subscription_id = 2')" expired
}

@test "a row that is put on hold while a claim is running is left alone" {
	given "$SLOWLY" "add(2, 'active', '2024-02-21', account => 1)"
	run_while "UPDATE perennial.subscription SET hold_reason = 'payment_dispute', held_at = now() WHERE subscription_id = 2"
	is "$(db 'SELECT count(*) FROM perennial.outcome WHERE subscription_id = 2')" 0
}

@test "a zone that the server no longer knows holds what needs it, and stops neither run nor plan" {
	given "add(1, 'active', '2024-02-20')" "add(2, 'active', '2024-02-21')" "add(3, 'pending_cancellation', '2024-02-22')" \
		"add(4, 'active', '2024-02-23')"
	db "INSERT INTO perennial.time_zone VALUES ('US/Gone');
	    UPDATE perennial.subscription SET time_zone = 'US/Gone' WHERE subscription_id IN (2, 3)"
	exits 0 perennial plan --as-of "$AS_OF" --format csv
	is "$(cut -d, -f1,4,5,17 <<<"$output" | tail -n +2 | sort)" '1,renewed,renews,
2,,renews,unknown_time_zone
3,expired,cancelled,cancelled
4,renewed,renews,'
	exits 10 perennial run --as-of "$AS_OF"
	is "$(db 'SELECT subscription_id, kind FROM perennial.outcome ORDER BY 1')" '1|renewed
3|expired
4|renewed'
	is "$(db 'SELECT hold_reason FROM perennial.subscription WHERE subscription_id = 2')" unknown_time_zone
	db "DELETE FROM perennial.subscription WHERE time_zone = 'US/Gone'; DELETE FROM perennial.time_zone WHERE name = 'US/Gone'"
}

@test "a lost zone that the server would take for something else is held, as the plan says" {
	given "add(1, 'active', '2024-02-20')" "add(2, 'active', '2024-02-21')"
	db "INSERT INTO perennial.time_zone VALUES ('ABC5DEF');
	    UPDATE perennial.subscription SET time_zone = 'ABC5DEF' WHERE subscription_id = 2"
	exits 0 perennial plan --as-of "$AS_OF" --format csv
	has "$output" 'unknown_time_zone'
	exits 10 perennial run --as-of "$AS_OF"
	is "$(db 'SELECT hold_reason FROM perennial.subscription ORDER BY subscription_id')" $'\nunknown_time_zone'
	db "DELETE FROM perennial.subscription WHERE time_zone = 'ABC5DEF'; DELETE FROM perennial.time_zone WHERE name = 'ABC5DEF'"
}

@test "a lock on the run's own table does not hang a run" {
	given_all
	keep_open 'LOCK perennial.run IN ACCESS EXCLUSIVE MODE'
	printf 'run: { lock_timeout = "300ms"; retry_for = "1ms"; };\n' >"$BATS_TEST_TMPDIR/perennial.conf"
	exits 75 timeout 20 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" run --as-of "$AS_OF"
	let_go
	has "$stderr" 'lock timeout'
}
