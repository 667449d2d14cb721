# import: subscriptions that were sold elsewhere, from a file to their next renewal, and who else writes meanwhile.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

setup() {
	FILE=$BATS_TEST_TMPDIR/subscriptions.csv
	SESSIONS=()
	db "$EMPTY
	    TRUNCATE perennial.account, perennial.subscription, perennial.run, perennial.import_subscription RESTART IDENTITY;
	    SELECT perennial.put_account(n, 'online', 'Marguerite', 'marguerite@example.com', NULL, 'en')
	    FROM generate_series(7, 9) AS n" >/dev/null
}

# Whoever still waits for the keeper's lock goes on.
teardown() {
	finish
}

COLUMNS='subscription_id, account_id, price_id, quantity, next_price_id, status, billing_info_at, anchor, time_zone,
	period_start, period_end, billed_amount'

# copy_in: the file, as psql's \copy takes it.
copy_in() {
	db "\\copy perennial.import_subscription (${COLUMNS//[$'\n\t']/}) FROM '$FILE' WITH (FORMAT csv, HEADER)"
}

# import [AT]: prints how many were imported, and refused.
import() {
	db "SELECT * FROM perennial.import_subscriptions('${1-2024-02-10Z}')"
}

waiting() {
	db 'SELECT line, subscription_id, refused FROM perennial.import_subscription ORDER BY line'
}

# story ID: its history as the program prints it, without header and padding.
story() {
	perennial history "$1" | sed -e 1,2d -e 's/  */ /g' -e 's/^ //'
}

# in_session NAME SQL...: in the background; what is printed goes to $BATS_TEST_TMPDIR/NAME.
in_session() {
	PGAPPNAME=$OWN$1 db "$2" >"$BATS_TEST_TMPDIR/$1" 2>&1 3>&- &
	SESSIONS+=($!)
}

# Lets the keeper's lock go, until all other sessions have come to their end.
finish() {
	let_go
	((${#SESSIONS[@]} == 0)) || wait "${SESSIONS[@]}" || :
}

# is_waiting NAME: until this session waits for a lock.
is_waiting() {
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '$OWN$1' AND wait_event_type = 'Lock')"
}

# One row that nothing speaks against: insert_row ID [ACCOUNT]
insert_row() {
	echo "INSERT INTO perennial.import_subscription (subscription_id, account_id, price_id, status, anchor, period_start, period_end)
	      VALUES ($1, ${2-7}, 1, 'active', '2024-01-31', '2024-01-31Z', '2024-02-29Z')"
}


# From a file.

@test "a file is copied and imported, mended and imported again, and renews at its boundaries" {
	cat >"$FILE" <<-CSV
		subscription_id,account_id,price_id,quantity,next_price_id,status,billing_info_at,anchor,time_zone,period_start,period_end,billed_amount
		501,7,1,2,,active,2024-01-02T00:00Z,2024-01-31 09:00,Europe/Berlin,2024-01-31 08:00Z,2024-02-29 08:00Z,1900
		502,8,1,1,2,active,,2024-01-31,UTC,2024-01-28 11:00+01,2024-02-28 12:00+01,
		503,9,3,1,,trialing,2024-02-01Z,2024-02-01,Asia/Tokyo,2024-02-01Z,2024-02-20Z,
		504,10,1,1,,active,,2024-01-31,UTC,2024-01-31Z,2024-02-29Z,
		505,8,1,,,paused,,2024-01-31,"Mars/Olympus, Mons",2024-01-31Z,2024-02-29Z,
		501,9,1,1,,active,,2024-01-31,UTC,2024-01-31Z,2024-02-29Z,
		506,9,2,1,,expired,,2023-01-31,UTC,2023-01-31Z,2024-01-31Z,
	CSV
	copy_in
	is "$(import)" '4|3'
	is "$(waiting)" "4|504|there is no account 10
5|505|quantity is not 1 or more; status is not trialing, active, pending_cancellation or expired; there is no time zone Mars/Olympus, Mons
6|501|this id was given before, in line 1"

	db "UPDATE perennial.import_subscription SET account_id = 9 WHERE line = 4;
	    UPDATE perennial.import_subscription SET quantity = 3, status = 'pending_cancellation', time_zone = 'UTC' WHERE line = 5"
	is "$(import 2024-02-11Z)" '2|1'
	is "$(waiting)" '6|501|there is a subscription with this id'
	db 'DELETE FROM perennial.import_subscription'
	is "$(import 2024-02-12Z)" '0|0'
	is "$(db 'SELECT subscription_id, account_id, price_id, quantity, status, billing_info_at, anchor, time_zone, period_start,
	          period_end, revision FROM perennial.subscription ORDER BY 1')" \
'501|7|1|2|active|2024-01-02 00:00:00+00|2024-01-31 09:00:00|Europe/Berlin|2024-01-31 08:00:00+00|2024-02-29 08:00:00+00|1
502|8|1|1|active||2024-01-31 00:00:00|UTC|2024-01-28 10:00:00+00|2024-02-28 11:00:00+00|1
503|9|3|1|trialing|2024-02-01 00:00:00+00|2024-02-01 00:00:00|Asia/Tokyo|2024-02-01 00:00:00+00|2024-02-20 00:00:00+00|1
504|9|1|1|active||2024-01-31 00:00:00|UTC|2024-01-31 00:00:00+00|2024-02-29 00:00:00+00|1
505|8|1|3|pending_cancellation||2024-01-31 00:00:00|UTC|2024-01-31 00:00:00+00|2024-02-29 00:00:00+00|1
506|9|2|1|expired||2023-01-31 00:00:00|UTC|2023-01-31 00:00:00+00|2024-01-31 00:00:00+00|1'
	is "$(db 'SELECT count(*) FROM perennial.notification_job')" 0

	# Not a second too early.
	exits 0 perennial run --as-of 2024-02-28T10:59:59Z
	is "$(db 'SELECT subscription_id, kind FROM perennial.outcome')" '503|converted'
	exits 0 perennial run --as-of 2024-02-28T11:00:00Z
	is "$(db 'SELECT period_end FROM perennial.subscription WHERE subscription_id = 502')" '2025-02-28 00:00:00+00'
	exits 0 perennial run --as-of 2024-03-31T06:59:59Z
	exits 0 perennial run --as-of 2024-04-30T07:00:00Z
	is "$(story 501)" "1 2024-02-10T00:00:00Z imported active 2024-02-29T08:00:00Z 19.00 EUR $(db 'SELECT session_user')
2 2024-02-29T08:00:00Z renewed active 2024-03-31T07:00:00Z 20.00 EUR run 3, renews
3 2024-03-31T07:00:00Z renewed active 2024-04-30T07:00:00Z 20.00 EUR run 4, renews
4 2024-04-30T07:00:00Z renewed active 2024-05-31T07:00:00Z 20.00 EUR run 4, renews"
	is "$(story 502)" "1 2024-02-10T00:00:00Z imported active 2024-02-28T11:00:00Z $(db 'SELECT session_user')
2 2024-02-28T11:00:00Z renewed active 2025-02-28T00:00:00Z 100.00 EUR run 2, renews"
	is "$(story 505)" "1 2024-02-11T00:00:00Z imported pending_cancellation 2024-02-29T00:00:00Z $(db 'SELECT session_user')
2 2024-02-29T00:00:00Z expired expired 2024-02-29T00:00:00Z run 3, cancelled"
	is "$(story 506)" "1 2024-02-10T00:00:00Z imported expired 2024-01-31T00:00:00Z $(db 'SELECT session_user')"
	is "$(db "SELECT perennial.subscribe(7, 1, 1, 'UTC')")" 507
	is "$(db 'SELECT * FROM perennial.broken_history')" ''
}

@test "a file that cannot be read leaves nothing behind" {
	cat >"$FILE" <<-CSV
		subscription_id,account_id,price_id,quantity,next_price_id,status,billing_info_at,anchor,time_zone,period_start,period_end,billed_amount
		501,7,1,2,,active,,2024-01-31,UTC,2024-01-31Z,2024-02-29Z,
		502,7,1,many,,active,,2024-01-31,UTC,2024-01-31Z,2024-02-29Z,
	CSV
	run copy_in
	differs "$status" 0
	has "$output" 'line 3, column quantity: "many"'
	is "$(waiting)" ''
	is "$(import)" '0|0'
}

@test "twenty thousand rows are imported, and every history is sound" {
	db "INSERT INTO perennial.account (bucket, account_id)
	    SELECT perennial.bucket_of(n), n FROM generate_series(1001, 9000) AS n"
	{
		echo "${COLUMNS//[$' \n\t']/}"
		awk 'BEGIN {
			split("active,active,active,trialing,pending_cancellation,expired", status, ",")
			split("UTC,Europe/Berlin,America/New_York,Asia/Tokyo,Australia/Lord_Howe", zone, ",")
			for (n = 1; n <= 20000; n++)
				printf "%d,%d,%d,%d,,%s,,2023-%02d-%02d %02d:30,%s,2024-01-%02dZ,2024-02-%02d 12:00Z,\n", n + 1000000,
					1001 + n % 8000, n % 4 + 1, n % 3 + 1, status[n % 6 + 1], n % 12 + 1, n % 28 + 1, n % 24,
					zone[n % 5 + 1], n % 31 + 1, n % 28 + 1
		}'
		echo '2000000,10,1,1,,active,,2024-01-31,UTC,2024-01-31Z,2024-02-29Z,'
	} >"$FILE"
	copy_in
	is "$(import)" '20000|1'
	is "$(waiting)" '20001|2000000|there is no account 10'
	is "$(db 'SELECT count(*), count(DISTINCT subscription_id), min(subscription_id), max(subscription_id), sum(quantity)
	          FROM perennial.subscription')" '20000|20000|1000001|1020000|40001'
	is "$(db "SELECT count(*) FROM perennial.event WHERE kind = 'imported' AND revision = 1")" 20000
	is "$(db 'SELECT * FROM perennial.broken_history')" ''
	is "$(db "SELECT perennial.subscribe(7, 1, 1, 'UTC')")" 1020001
}


# While others write.

@test "a row that comes while an import is running waits for the next one" {
	db "$(insert_row 501); $(insert_row 502 10)"
	keep_open 'LOCK TABLE perennial.event IN EXCLUSIVE MODE'
	in_session import "SELECT * FROM perennial.import_subscriptions('2024-02-10Z')"
	is_waiting import
	# By COPY, as an owner brings in the next file; by hand, as one mends what was refused before.
	sed 's/^\t*//' >"$FILE" <<-CSV
		$(tr -d ' \n\t' <<<"$COLUMNS")
		503,8,1,1,,active,,2024-01-31,UTC,2024-01-31Z,2024-02-29Z,
	CSV
	in_session copy "\\copy perennial.import_subscription (${COLUMNS//[$'\n\t']/}) FROM '$FILE' WITH (FORMAT csv, HEADER)"
	is_waiting copy
	in_session mend "UPDATE perennial.import_subscription SET account_id = 9, refused = NULL WHERE subscription_id = 502"
	is_waiting mend
	finish
	is "$(cat "$BATS_TEST_TMPDIR"/{import,copy,mend})" '1|1'
	is "$(waiting)" '2|502|
3|503|'
	is "$(db 'SELECT subscription_id FROM perennial.subscription')" 501
	is "$(db 'SELECT subscription_id, kind FROM perennial.event')" '501|imported'
	is "$(import)" '2|0'
	is "$(db 'SELECT string_agg(subscription_id::text, $$ $$ ORDER BY subscription_id) FROM perennial.subscription')" '501 502 503'
	is "$(db 'SELECT * FROM perennial.broken_history')" ''
}

@test "an import that does not come to its end has done nothing" {
	db "$(insert_row 501); $(insert_row 502 10)"
	keep_open 'LOCK TABLE perennial.event IN EXCLUSIVE MODE'
	in_session import "SELECT * FROM perennial.import_subscriptions()"
	is_waiting import
	db "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '${OWN}import'" >/dev/null
	finish
	is "$(waiting)" '1|501|
2|502|'
	is "$(db 'SELECT count(*) FROM perennial.subscription')" 0
	is "$(import)" '1|1'
}

@test "an import waits for a subscribe in progress, and one that begins meanwhile waits for it: no id is given twice" {
	keep_open 'SELECT pg_advisory_lock(4711)'
	in_session first "BEGIN; SELECT perennial.subscribe(7, 1, 1, 'UTC'); SELECT pg_advisory_lock(4711); COMMIT"
	is_waiting first
	# The id that it was given, in another bucket; the one that would come next; a lower one, for later.
	db "$(insert_row 1 8); $(insert_row 2 8); $(insert_row 6 9)"
	in_session import "SELECT * FROM perennial.import_subscriptions('2024-02-10Z')"
	is_waiting import
	in_session second "SELECT perennial.subscribe(9, 1, 1, 'UTC')"
	is_waiting second
	finish
	is "$(head -n 1 "$BATS_TEST_TMPDIR/first")" 1
	is "$(cat "$BATS_TEST_TMPDIR/import")" '2|1'
	is "$(waiting)" '1|1|there is a subscription with this id'
	is "$(cat "$BATS_TEST_TMPDIR/second")" 7
	is "$(db 'SELECT subscription_id, account_id FROM perennial.subscription ORDER BY 1')" '1|7
2|8
6|9
7|9'
	is "$(db 'SELECT * FROM perennial.broken_history')" ''
}

@test "a subscribe that is taken back leaves its id to an import" {
	keep_open "SELECT perennial.subscribe(7, 1, 1, 'UTC')"
	db "$(insert_row 1 8)"
	in_session import "SELECT * FROM perennial.import_subscriptions('2024-02-10Z')"
	is_waiting import
	finish
	is "$(cat "$BATS_TEST_TMPDIR/import")" '1|0'
	is "$(db "SELECT perennial.subscribe(7, 1, 1, 'UTC')")" 2
}

@test "two imports at once import every row once" {
	db "$(insert_row 501); $(insert_row 502 10)"
	keep_open 'LOCK TABLE perennial.event IN EXCLUSIVE MODE'
	in_session one "SELECT * FROM perennial.import_subscriptions('2024-02-10Z')"
	is_waiting one
	in_session other "SELECT * FROM perennial.import_subscriptions('2024-02-10Z')"
	is_waiting other
	finish
	is "$(cat "$BATS_TEST_TMPDIR"/{one,other})" '1|1
0|1'
	is "$(db 'SELECT subscription_id, kind FROM perennial.event')" '501|imported'
}

@test "a run that meets an import is 75, and the next one goes on; readers do not wait" {
	db "SELECT test.add(1, 'active', '2024-02-29'); $(insert_row 501)" >/dev/null
	keep_open 'LOCK TABLE perennial.event IN EXCLUSIVE MODE'
	in_session import "SELECT * FROM perennial.import_subscriptions('2024-02-10Z')"
	is_waiting import
	printf 'run: { lock_timeout = "300ms"; retry_for = "1ms"; };\n' >"$BATS_TEST_TMPDIR/perennial.conf"
	exits 75 timeout 20 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" run --as-of "$AS_OF"
	has "$stderr" 'lock timeout'
	is "$(PGOPTIONS='-c lock_timeout=5s' db 'SELECT subscription_id FROM perennial.subscription')" 1
	is "$(PGOPTIONS='-c lock_timeout=5s' db 'SELECT line, refused FROM perennial.import_finding')" '1|'
	finish
	is "$(cat "$BATS_TEST_TMPDIR/import")" '1|0'
	exits 0 perennial run --as-of "$AS_OF"
	is "$(db 'SELECT subscription_id, kind FROM perennial.outcome ORDER BY 1')" '1|renewed
501|renewed'
	is "$(db 'SELECT * FROM perennial.broken_history')" ''
}

@test "an import under an older snapshot is refused" {
	run --separate-stderr env PGOPTIONS='-c default_transaction_isolation=repeatable\ read' \
		psql -XqAt -v VERBOSITY=verbose -c 'SELECT perennial.import_subscriptions()'
	has "$stderr" 'ERROR:  25000: an import is not possible in a transaction that is repeatable read'
}
