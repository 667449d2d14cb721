# status: whether runs happen and keep up, for a person, a program and Nagios.
#
# Where the text is meant to change: PERENNIAL_GOLDEN=renew make check T=tests/cli/status.bats
# writes tests/cli/status_golden anew, for a person to read the difference.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
	unset INVOCATION_ID
}

teardown_file() {
	drop_own
}

# run_row ID AGE [RESULT CODE [SUBSCRIPTION]]: a run that started so long ago, as '2 hours', and took 90 seconds; without
# a result it has no end.
run_row() {
	db "INSERT INTO perennial.run (run_id, as_of, started_at, finished_at, result, exit_code, host, failed, left_due, left_held,
		subscription_id)
	    SELECT $1, at, at, CASE WHEN '${3-}' <> '' THEN at + interval '90 seconds' END, nullif('${3-}', ''),
	    	nullif('${4-}', '')::int, 'db1', zero, zero, zero, nullif('${5-}', '')::bigint
	    FROM (SELECT now() - interval '$2' AS at, CASE WHEN '${3-}' <> '' THEN 0 END AS zero) AS t"
}

# jobs STATE [COLUMN VALUE]
jobs() {
	db "INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, state${2+, $2})
	    SELECT 1, 1 + count(*), 1, 'renewed', '2024-01-01', '$1'${3+, $3} FROM perennial.notification_job"
}

# due_since AGE [ID]: a subscription that has been due for so long.
due_since() {
	db "SELECT test.add(${2-1}, 'active', now() - interval '$1')" >/dev/null
}

status_json() {
	exits 0 perennial status --json
	json "$output" "$1"
}

# nagios CODE STATE TEXT [OPTION...]: what the check says and exits with.
nagios() {
	exits "$1" perennial status --nagios "${@:4}"
	is "$stderr" ''
	is "${#lines[@]}" 1
	has "$output" "PERENNIAL $2 - "
	has "${output%%|*}" "$3"
}

# What differs from day to day.
normal() {
	sed -E 's/PostgreSQL .*; schema version [0-9]+/PostgreSQL …; schema version …/; s/database [^ ]+ at/database … at/
		s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/YYYY-MM-DDThh:mm:ssZ/g'
}

# golden FILE: the text of the status is as in status_golden.
golden() {
	local wanted=$BATS_TEST_DIRNAME/status_golden/$1

	exits 0 perennial status
	is "$stderr" ''
	normal <<<"$output" >"$BATS_TEST_TMPDIR/$1"
	[[ ${PERENNIAL_GOLDEN-} != renew ]] || cp "$BATS_TEST_TMPDIR/$1" "$wanted"
	diff -u "$wanted" "$BATS_TEST_TMPDIR/$1"
}

@test "an empty database has nothing to say" {
	given
	golden empty.text
}

@test "everything there is to say" {
	given "add(1, 'active', now() - interval '2 hours 5 minutes 30 seconds')" \
		"add(2, 'active', now() - interval '40 minutes')" \
		"add(3, 'active', now() - interval '2 days', hold => 'payment_dispute')" \
		"add(4, 'active', now() + interval '1 day 30 minutes', hold => 'payment_dispute')" \
		"add(5, 'active', now() + interval '3 hours 30 seconds')" \
		"add(6, 'trialing', now() + interval '4 hours')" \
		"add(7, 'expired', '2024-01-15')"
	db "UPDATE perennial.subscription SET held_at = now() - interval '3 days 4 hours 5 minutes' WHERE subscription_id = 3;
	    UPDATE perennial.subscription SET held_at = now() - interval '1 day' WHERE subscription_id = 4"
	run_row 5 '9 hours' 'done' 0
	run_row 6 '8 hours' held 10
	run_row 7 '7 hours' left 11
	run_row 8 '6 hours 5 minutes' 'done' 0 2
	run_row 9 '5 hours'
	run_row 10 '4 hours' failed 75
	run_row 11 '2 minutes 30 seconds'
	db "UPDATE perennial.run SET left_due = NULL, left_held = NULL WHERE run_id = 10;
	    UPDATE perennial.run SET left_due = 12345 WHERE run_id = 7;
	    INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held, committed_at) VALUES
	    	(1, 1, 7, 10, 0, now() - interval '7 hours'), (2, 2, 11, 3, 2, now() - interval '1 minute');
	    INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount) VALUES
	    	(1, 1, 7, 'renewed', 'EUR', 1200, 5), (1, 1, 7, 'expired', 'JPY', 34, 0), (2, 2, 11, 'renewed', 'EUR', 1, 5)"
	jobs ready
	jobs ready available_at "now() + interval '2 minutes'"
	jobs taken taken_until "now() + interval '2 minutes'"
	jobs taken taken_until "now() - interval '2 minutes'"
	jobs 'done'
	jobs dead
	golden all.text
}

@test "the document has what the tables have" {
	given_all
	jobs ready
	jobs ready available_at "now() + interval '2 minutes'"
	jobs ready available_at "now() + interval '2 minutes'"
	jobs taken taken_until "now() + interval '2 minutes'"
	jobs taken taken_until "now() - interval '2 minutes'"
	jobs dead
	db "UPDATE perennial.subscription SET period_end = now() + interval '90 minutes' WHERE subscription_id = 7"
	exits 0 perennial status --json
	is "$(json "$output" "concat_ws(' ', j->>'schema', j->>'database', j->>'standby', j->>'schema_version')")" \
		"perennial.status/1 $PGDATABASE false $(db 'SELECT max(version) FROM perennial.schema_version')"
	is "$(json "$output" "j->>'due'")" 5
	is "$(json "$output" "j->'oldest_due'->>'subscription_id'")" 2
	is "$(json "$output" "(j->'oldest_due'->>'period_end')::timestamptz")" '2024-02-10 12:30:00+00'
	is "$(json "$output" "(j->'oldest_due'->>'age')::int = floor(extract(epoch FROM (j->>'clock')::timestamptz - '2024-02-10 12:30Z'))")" t
	is "$(json "$output" "j->'next_due'->>'subscription_id'")" 7
	is "$(json "$output" "(j->'next_due'->>'in')::int BETWEEN 5300 AND 5400")" t
	is "$(json "$output" "j->'held'->>'subscriptions'")" 1
	is "$(json "$output" "j->'held'->>'due'")" 1
	is "$(json "$output" "(j->'held'->>'oldest')::timestamptz")" '2024-02-27 00:00:00+00'
	is "$(json "$output" "j->>'jobs'")" '{"waiting":5,"ready":1,"later":2,"taken":1,"lapsed":1,"dead":1}'
	is "$(json "$output" "j->>'runs'")" '[]'
	is "$(json "$output" "coalesce(j->>'last_run', j->>'last_success', 'null')")" null
}

@test "of several that are oldest or next, it is the one with the lowest id, whatever its bucket" {
	given "add(9, 'active', '2024-01-01')" "add(8, 'active', '2024-01-01')" "add(300, 'active', '2024-01-02')" \
		"add(5, 'active', now() + interval '2 hours')" "add(6, 'active', now() + interval '1 hour')"
	is "$(status_json "j->'oldest_due'->>'subscription_id'")" 8
	is "$(status_json "j->'next_due'->>'subscription_id'")" 6
}

@test "what a run did is what its batches say, and the numbers of its row" {
	given_all
	exits 10 perennial run --as-of 2024-06-10
	local run
	run=$(db 'SELECT run_id FROM perennial.run')
	exits 0 perennial status --json
	is "$(json "$output" "j->'runs'->0->>'run_id'")" "$run"
	is "$(json "$output" "concat_ws(' ', j->'runs'->0->>'state', j->'runs'->0->>'result', j->'runs'->0->>'exit_code')")" \
		'finished held 10'
	is "$(json "$output" "j->'runs'->0->>'outcomes'")" "$(db 'SELECT count(*) FROM perennial.outcome')"
	is "$(json "$output" "j->'runs'->0->>'newly_held'")" "$(db "SELECT count(*) FROM perennial.event WHERE kind = 'held'")"
	is "$(json "$output" "j->'runs'->0->>'left'")" "$(db 'SELECT left_due FROM perennial.run')"
	is "$(json "$output" "j->'runs'->0->>'held'")" "$(db 'SELECT left_held FROM perennial.run')"
	is "$(json "$output" "j->'last_run'->>'run_id'")" "$run"
	is "$(json "$output" "j->>'last_success'")" ''
}

@test "a success is a run for all subscriptions with exit code 0 or 11" {
	local code

	for code in 0 11; do
		given
		run_row 1 '3 hours' left $code
		is "$(status_json "j->'last_success'->>'run_id'")" 1
	done
	for code in 10 12 70 75; do
		given
		run_row 1 '3 hours' failed $code
		is "$(status_json "j->>'last_success'")" ''
		is "$(status_json "j->'last_run'->>'run_id'")" 1
	done
	given
	run_row 1 '3 hours' 'done' 0 4711
	is "$(status_json "coalesce(j->>'last_success', j->>'last_run', 'null')")" null
	is "$(status_json "j->'runs'->0->>'subscription_id'")" 4711
}

@test "the last five runs are listed, and an older success is found" {
	local i

	given
	run_row 1 '9 hours' 'done' 0
	for i in {2..7}; do
		run_row "$i" "$((9 - i)) hours" failed 75
	done
	is "$(status_json "(SELECT string_agg(r->>'run_id', ' ') FROM json_array_elements(j->'runs') AS r)")" '7 6 5 4 3'
	is "$(status_json "j->'last_success'->>'run_id'")" 1
	is "$(status_json "j->'last_run'->>'run_id'")" 7
}

@test "a run that has no end is in progress while it gives signs of life, and died afterwards" {
	given
	run_row 1 '1 hour'
	is "$(status_json "j->'runs'->0->>'state'")" died
	is "$(status_json "j->>'died'")" 1
	db "INSERT INTO perennial.batch (bucket, run_id, claimed, held) VALUES (1, 1, 1, 0)"
	is "$(status_json "j->'runs'->0->>'state'")" running
	is "$(status_json "j->>'died'")" 0
	exits 0 perennial status
	has "$output" 'in progress   run 1, for 1 h, on db1'
	db "UPDATE perennial.batch SET committed_at = now() - interval '6 minutes'"
	is "$(status_json "j->'runs'->0->>'state'")" died
}

@test "nothing is written" {
	local before

	given_all
	before=$(md5_of physical)
	perennial status >/dev/null
	perennial status --json >/dev/null
	perennial status --nagios >/dev/null || :
	is "$(md5_of physical)" "$before"
}

@test "a reader and an operator may look, applications may not" {
	given_all
	role reader 'IN ROLE perennial_reader'
	role operator 'IN ROLE perennial_operator'
	role app 'IN ROLE perennial_app'
	exits 0 as_role reader perennial status
	exits 0 as_role operator perennial status --json
	exits 77 as_role app perennial status
	is "$output" ''
	has "$stderr" 'permission denied'
	exits 3 as_role app perennial status --nagios
	has "$output" 'PERENNIAL UNKNOWN - '
	has "$output" 'permission denied'
}

@test "all is well: the last success, and what is due and on hold" {
	given "add(1, 'active', now() - interval '10 minutes')"
	run_row 1 '1 hour' 'done' 0
	nagios 0 OK 'last success 58 min ago; 1 due, 0 on hold'
	[[ $output =~ \|due=1\;\;\;0\ oldest_due_age=6[0-9][0-9]s\;7200\;21600\;0\ last_success_age=35[0-9][0-9]s\;7200\;21600\;0\ held=0\;1\;100\;0\ jobs_waiting=0\;\;\;0\ jobs_dead=0\;1\;\;0$ ]]
}

@test "the oldest that is due counts from its thresholds on" {
	given
	run_row 1 '1 minute' 'done' 0
	due_since '1 hour 59 minutes'
	nagios 0 OK 'last success'
	given
	run_row 1 '1 minute' 'done' 0
	due_since '2 hours' 4711
	nagios 1 WARNING 'subscription 4711 has been due for 2 h'
	db "UPDATE perennial.subscription SET period_end = now() - interval '5 hours 59 minutes'"
	nagios 1 WARNING 'due for 5 h 59 min'
	db "UPDATE perennial.subscription SET period_end = now() - interval '6 hours'"
	nagios 2 CRITICAL 'due for 6 h'
	nagios 1 WARNING 'due for 6 h' --critical 361min
	nagios 0 OK 'last success' --warning 361min --critical 1d
	nagios 2 CRITICAL 'due for 6 h' --critical 6h --warning 6h
}

@test "one that is on hold is not overdue" {
	given "add(1, 'active', now() - interval '3 days', hold => 'payment_dispute')"
	run_row 1 '1 minute' 'done' 0
	nagios 0 OK '0 due, 1 on hold' --warning-held 2
	has "$output" 'oldest_due_age=0s;'
}

@test "the last success counts from its thresholds on, though nothing is due" {
	given
	# It takes 90 seconds.
	run_row 1 '2 hours 1 minute' 'done' 0
	nagios 0 OK 'last success 1 h 59 min ago'
	db "UPDATE perennial.run SET finished_at = now() - interval '2 hours', started_at = now() - interval '3 hours'"
	nagios 1 WARNING 'the last success was 2 h ago'
	db "UPDATE perennial.run SET finished_at = now() - interval '6 hours', started_at = now() - interval '7 hours'"
	nagios 2 CRITICAL 'the last success was 6 h ago'
	nagios 1 WARNING 'the last success was 6 h ago' --critical 7h
}

@test "without a success ever it is a warning, unless nothing is due" {
	given "add(1, 'active', now() + interval '1 hour')"
	nagios 0 OK 'no run has succeeded yet'
	has "$output" 'last_success_age=U;7200;21600;0'
	due_since '1 minute' 2
	nagios 1 WARNING 'no run has ever succeeded'
	run_row 1 '1 hour' failed 75
	nagios 1 WARNING 'no run has ever succeeded'
	run_row 2 '10 minutes' left 11
	nagios 0 OK 'last success 8 min ago'
}

@test "holds count from their thresholds on" {
	given "add(1, 'active', '2999-01-01', hold => 'payment_dispute')"
	run_row 1 '1 minute' 'done' 0
	nagios 1 WARNING '1 subscription on hold'
	nagios 0 OK '1 on hold' --warning-held 2
	nagios 2 CRITICAL '1 subscription on hold' --critical-held 1
	db "SELECT test.add(i, 'active', '2999-01-01', hold => 'x') FROM generate_series(2, 99) AS i" >/dev/null
	nagios 1 WARNING '99 subscriptions on hold'
	db "SELECT test.add(100, 'active', '2999-01-01', hold => 'x')" >/dev/null
	nagios 2 CRITICAL '100 subscriptions on hold'
	has "$output" 'held=100;1;100;0'
	nagios 2 CRITICAL '100 subscriptions on hold' --warning-held 50 --critical-held 100
	has "$output" 'held=100;50;100;0'
}

@test "a dead job is a warning, one that waits is not" {
	given
	run_row 1 '1 minute' 'done' 0
	jobs ready
	jobs taken taken_until 'now()'
	nagios 0 OK 'last success'
	has "$output" 'jobs_waiting=2;;;0 jobs_dead=0;1;;0'
	jobs dead
	nagios 1 WARNING '1 dead job'
	jobs dead
	nagios 1 WARNING '2 dead jobs'
	has "$output" 'jobs_waiting=2;;;0 jobs_dead=2;1;;0'
}

@test "a run that died since the last success is a warning" {
	given
	run_row 1 '50 minutes'
	run_row 2 '40 minutes' 'done' 0
	nagios 0 OK 'last success'
	run_row 3 '30 minutes'
	nagios 1 WARNING '1 run died since the last success'
	run_row 4 '20 minutes' failed 75
	nagios 1 WARNING '1 run died since the last success'
	run_row 5 '10 minutes' left 11
	nagios 0 OK 'last success'
}

@test "the worst decides, and everything is told" {
	given "add(1, 'active', now() - interval '7 hours')" "add(2, 'active', '2999-01-01', hold => 'x')"
	run_row 1 '3 hours' 'done' 0
	jobs dead
	nagios 2 CRITICAL 'subscription 1 has been due for 7 h; the last success was 2 h 58 min ago; 1 subscription on hold; 1 dead job'
}

@test "what cannot be looked at is unknown" {
	exits 3 perennial -d 'port=1' status --nagios
	has "$output" 'PERENNIAL UNKNOWN - cannot connect'
	is "${#lines[@]}" 1
	lacks "$output" '|'
	exits 3 perennial -d "dbname=${OWN}nowhere" status --nagios
	has "$output" 'PERENNIAL UNKNOWN - '
	createdb "${OWN}bare"
	exits 3 perennial -d "dbname=${OWN}bare" status --nagios
	is "$output" 'PERENNIAL UNKNOWN - the database has no perennial schema'
	use_copy "$PERENNIAL_TEMPLATE" older
	db 'DELETE FROM perennial.schema_version WHERE version > 1'
	exits 3 perennial status --nagios
	has "$output" 'PERENNIAL UNKNOWN - the database'"'"'s schema has version 1, this program needs '
}

@test "what is unknown begins no numbers, and does not command the terminal" {
	exits 3 perennial -d $'dbname=\'no|where\t\e[31m\xc2\x9b31m\'' status --nagios
	has "$output" 'no/where  [31m 31m'
	is "$(LC_ALL=C grep -caP '[\x00-\x1f\x7f|]|\xc2[\x80-\x9f]' <<<"$output" || true)" 0
}

@test "Nagios is answered where the configuration has problems, and nobody else" {
	echo 'nonsense = 1;' >"$BATS_TEST_TMPDIR/bad.conf"
	exits 3 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/bad.conf" status --nagios
	is "$output" "PERENNIAL UNKNOWN - the configuration $BATS_TEST_TMPDIR/bad.conf has 1 problem"
	has "$stderr" 'nonsense: unknown key'
	exits 3 "$PERENNIAL" -c /no/such/file status --nagios
	has "$output" 'PERENNIAL UNKNOWN - cannot read the configuration /no/such/file'
	exits 78 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/bad.conf" status
	is "$output" ''
	has "$stderr" 'nonsense: unknown key'
}

@test "without Nagios these are errors with their codes" {
	refuses 69 'cannot connect' -d 'port=1' status
	refuses 78 'the database has no perennial schema' -d "dbname=postgres" status --json
}

@test "thresholds the wrong way round are 64" {
	refuses 64 '--warning, which is 3 h, is above --critical, which is 2 h' status --nagios --warning 3h --critical 2h
	refuses 64 '--warning, which is 7 h, is above --critical, which is 6 h' status --nagios --warning 7h
	refuses 64 '--warning, which is 2 h, is above --critical, which is 1 h 59 min' status --nagios --critical 119min
	refuses 64 '--warning-held, which is 10, is above --critical-held, which is 9' \
		status --nagios --warning-held 10 --critical-held 9
	refuses 64 '--warning-held, which is 101, is above --critical-held, which is 100' status --nagios --warning-held 101
}

@test "a threshold without --nagios is 64, and so are two forms at once" {
	local option

	for option in --warning=3h --critical=3h --warning-held=3 --critical-held=3; do
		refuses 64 "${option%=*} needs --nagios" status "$option"
		refuses 64 "${option%=*} needs --nagios" status --json "$option"
	done
	refuses 64 '--json is given, or --nagios, not both' status --json --nagios
}

@test "a threshold that makes no sense is 64" {
	local value

	for value in '' 0 0h 3 3x -3h 1.5h 99999999999d; do
		refuses 64 '--warning takes a whole number with min, h, d or w' status --nagios --warning "$value"
		refuses 64 '--critical takes a whole number with min, h, d or w' status --nagios --critical "$value"
	done
	for value in '' 0 -1 1.5 many 99999999999999999999; do
		refuses 64 '--warning-held takes a whole number from 1 on' status --nagios --warning-held "$value"
		refuses 64 '--critical-held takes a whole number from 1 on' status --nagios --critical-held "$value"
	done
	refuses 64 'takes no argument "4711"' status 4711
	refuses 64 'status has no option --format' status --format json
}

@test "what cannot be printed is 73" {
	local form

	for form in '' --json --nagios; do
		# shellcheck disable=SC2016
		run --separate-stderr sh -c '"$0" -c /dev/null status $1 >/dev/full' "$PERENNIAL" "$form"
		is "$status" 73
		has "$stderr" 'cannot write to standard output'
	done
}
