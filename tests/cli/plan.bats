# plan: what it says in each of its forms, that it is what the run then does, and that nothing is written.
# shellcheck shell=bats disable=SC2016,SC2030,SC2031,SC2094,SC2154

load helper

setup_file() {
	own_database
	load_demo "${OWN}demo"
	export DEMO=${OWN}demo
}

teardown_file() {
	drop_own
}

# The columns of a row of jsonl and csv, in their order.
COLUMNS='subscription_id, account_id, revision, kind, rule, from_status, to_status, period_start, period_end,
	next_period_start, next_period_end, price_id, quantity, unit_amount, amount, currency, reason'

# rows_from FORMAT FILE TABLE: makes a plan's rows a table, n being the number of the line, from 1 on.
rows_from() {
	db "CREATE TABLE IF NOT EXISTS test.$3 (n int GENERATED ALWAYS AS IDENTITY, subscription_id bigint, account_id bigint,
		revision int, kind text, rule text, from_status perennial.status, to_status perennial.status,
		period_start timestamptz, period_end timestamptz, next_period_start timestamptz, next_period_end timestamptz,
		price_id int, quantity int, unit_amount bigint, amount bigint, currency char(3), reason text);
	    TRUNCATE test.$3 RESTART IDENTITY"
	if [[ $1 == csv ]]; then
		db "\\copy test.$3 (${COLUMNS//$'\n'/ }) FROM '$2' (FORMAT csv, HEADER match)"
	else
		# Quote and delimiter do not occur: each line is one value.
		db <<-SQL
			CREATE TEMPORARY TABLE line (n int GENERATED ALWAYS AS IDENTITY, j json);
			\\copy line (j) FROM '$2' (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')
			INSERT INTO test.$3 ($COLUMNS)
			SELECT ${COLUMNS//subscription_id/r.subscription_id}
			FROM line, json_populate_record(NULL::test.$3, line.j) r ORDER BY line.n;
		SQL
	fi
}

# What one table of rows has and the other has not, either way.
difference() {
	db "(SELECT $3 FROM $1 EXCEPT ALL SELECT $3 FROM $2) UNION ALL (SELECT $3 FROM $2 EXCEPT ALL SELECT $3 FROM $1)"
}

plan_file() {
	perennial plan --as-of "$DEMO_AS_OF" --format "$1" >"$BATS_TEST_TMPDIR/plan.$1"
}

use_demo() {
	use_copy "$DEMO" "$1"
	db 'CREATE SCHEMA test'
}


# What it says.

@test "with nothing due the text is one line with what is due next" {
	given "add(7, 'active', '2024-03-01 00:00:01')" "add(8, 'active', '2024-03-01', hold => 'x')" \
		"add(9, 'expired', '2024-03-01')" "add(10, 'active', '2024-03-02')" "add(11, 'active', '2024-03-01 00:00:01')"
	exits 0 perennial plan --as-of 2024-02-01T00:00:00Z
	is "$output" 'nothing is due as of 2024-02-01T00:00:00Z; next due 2024-03-01T00:00:01Z (subscription 7)'
	is "$stderr" ''
	exits 0 perennial plan --as-of 2024-02-01 --subscription 10
	is "$output" 'nothing is due of subscription 10 as of 2024-02-01T00:00:00Z; perennial explain 10 says why'
	given "add(1, 'active', '2999-01-01', hold => 'x')"
	exits 0 perennial plan --as-of "$AS_OF"
	is "$output" "nothing is due as of $AS_OF, and nothing that is not on hold will be"
}

@test "what is free is none of the largest amounts" {
	given "add(1, 'active', '2024-02-29', price => 6)"
	exits 0 perennial plan --as-of "$AS_OF"
	has "$output" 'would bill'
	lacks "$output" 'largest amounts'
	given "add(1, 'active', '2024-02-29')"
	exits 0 perennial plan --as-of "$AS_OF"
	has "$output" 'largest amounts'
}

@test "how long a run takes is told in units that fit" {
	given "add(1, 'active', '2024-02-29')"
	db "INSERT INTO perennial.run (run_id, as_of, started_at, finished_at, result, exit_code)
	    OVERRIDING SYSTEM VALUE VALUES (1, '2024-02-01', '2024-02-01 00:00', '2024-02-01 02:02:22', 'done', 0);
	    INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held) VALUES (1, 1, 1, 1, 0)"
	exits 0 perennial plan --as-of "$AS_OF"
	has "$output" 'a run takes 1 batch, about 2 h 2 min at the pace of the last runs'
}

@test "with nothing due jsonl is empty, csv a header, and json valid" {
	given
	exits 0 perennial plan --as-of "$AS_OF" --format jsonl
	is "$output" ''
	exits 0 perennial plan --as-of "$AS_OF" --format csv
	is "$output" "${COLUMNS//[$' \t\n']/}"
	exits 0 perennial plan --as-of "$AS_OF" --format json
	is "$(json "$output" "format('%s %s %s', j->>'subscriptions', j->>'rules', j->>'totals')")" '0 [] []'
}

@test "the text names instant and database, counts by rule, sums by currency, and checks that the parts add up" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 0 perennial plan --as-of "$AS_OF"
	has "$output" "as of $AS_OF on database $PGDATABASE"
	has "$output" 'nothing is written'
	has "$output" 'not exercised: locks, constraints and triggers, notifications'
	grep -E '^ +renews +2 +2 ' <<<"$output"
	grep -E '^ +renews +1 +0 .*amount_overflow' <<<"$output"
	grep -E '^ +trial-converts +1 +1 ' <<<"$output"
	grep -E '^ +trial-unbilled +1 +1 ' <<<"$output"
	grep -E '^ +cancelled +1 +1 ' <<<"$output"
	grep -E '^ +held +1 +0 .*payment_dispute' <<<"$output"
	grep -E '^  EUR +1 +10\.00$' <<<"$output"
	grep -E '^  JPY +1 +4 500$' <<<"$output"
	grep -E '^  KWD +1 +4\.500$' <<<"$output"
	grep -E '^  basic +2 +1 +2 +1$' <<<"$output"
	grep -E '^ +6  due$' <<<"$output"
	grep -E '^ +check: .*: ok$' <<<"$output"
	is "$stderr" ''
}

@test "the text shows at most three samples a rule" {
	given "add("{1..9}", 'active', '2024-02-29')"
	exits 0 perennial plan --as-of "$AS_OF"
	is "$(grep -cE '^ +renews .*2024-02-29T00:00:00Z +2024-03-29T00:00:00Z +10\.00 EUR$' <<<"$output")" 3
}

@test "amounts of any size stand apart from what is beside them" {
	given "add(1234567, 'active', '2024-02-29', price => 5)"
	exits 0 perennial plan --as-of "$AS_OF"
	grep -E '^ +renewed +1234567 6 000 000 000 000\.00 EUR ' <<<"$output"
}

@test "the totals of text and json agree with jsonl on the demo's data" {
	use_demo totals
	plan_file jsonl
	rows_from jsonl "$BATS_TEST_TMPDIR/plan.jsonl" j
	exits 0 perennial plan --as-of "$DEMO_AS_OF"
	grep -E '^ +check: .*: ok$' <<<"$output"

	exits 0 perennial plan --as-of "$DEMO_AS_OF" --format json
	is "$(json "$output" "format('%s %s', j->>'schema', j->>'as_of')")" "perennial.plan/1 $DEMO_AS_OF"
	is "$(json "$output" "(SELECT (count(DISTINCT subscription_id), count(kind), count(kind)) =
		((j->>'subscriptions')::bigint, (j->>'outcomes')::bigint, (j->>'notification_jobs')::bigint) FROM test.j)")" t
	is "$(json "$output" "(SELECT bool_and((c->>'ok')::boolean) FROM json_array_elements(j->'checks') c)")" t
	is "$(json "$output" "(SELECT count(*) FROM (
		SELECT kind, currency, outcomes, amount FROM json_to_recordset(j->'totals') t (kind text, currency text, outcomes bigint, amount numeric)
		EXCEPT SELECT kind, currency, count(*), sum(amount) FROM test.j WHERE kind IS NOT NULL GROUP BY kind, currency) d)")" 0
	is "$(json "$output" "json_array_length(j->'totals') = (SELECT count(DISTINCT (kind, currency)) FROM test.j WHERE kind IS NOT NULL)")" t
	is "$(json "$output" "(SELECT sum(outcomes) FROM json_to_recordset(j->'rules') r (outcomes bigint)) = (j->>'outcomes')::bigint")" t
}

@test "jsonl is one valid object a line, with the columns of outcome and the reason" {
	use_demo lines
	plan_file jsonl
	rows_from jsonl "$BATS_TEST_TMPDIR/plan.jsonl" j
	is "$(db "SELECT count(*) > 2000 FROM test.j")" t
	is "$(db "SELECT count(*) FROM test.j")" "$(wc -l <"$BATS_TEST_TMPDIR/plan.jsonl")"
	is "$(head -n 1 "$BATS_TEST_TMPDIR/plan.jsonl" | grep -o '"[a-z_]*":' | tr -d '":' | paste -sd,)" "${COLUMNS//[$' \t\n']/}"
	is "$(db "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'perennial.outcome'::regclass
		AND attnum BETWEEN (SELECT attnum FROM pg_attribute WHERE attrelid = 'perennial.outcome'::regclass AND attname = 'subscription_id')
		AND (SELECT attnum FROM pg_attribute WHERE attrelid = 'perennial.outcome'::regclass AND attname = 'currency')"),reason" \
		"${COLUMNS//[$' \t\n']/}"
}

@test "jsonl goes by bucket, period end, subscription and step" {
	use_demo order
	plan_file jsonl
	rows_from jsonl "$BATS_TEST_TMPDIR/plan.jsonl" j
	is "$(db "SELECT count(*) FROM (
		SELECT n, row_number() OVER (ORDER BY perennial.bucket_of(account_id), first_end, subscription_id, period_end) AS place
		FROM (SELECT *, min(period_end) OVER (PARTITION BY subscription_id) AS first_end FROM test.j) r) t
		WHERE n <> place")" 0
}

@test "csv can be loaded by COPY and equals jsonl" {
	use_demo csv
	plan_file jsonl
	plan_file csv
	rows_from jsonl "$BATS_TEST_TMPDIR/plan.jsonl" j
	rows_from csv "$BATS_TEST_TMPDIR/plan.csv" c
	is "$(db "SELECT count(*) > 2000 FROM test.c")" t
	is "$(difference test.j test.c "n, $COLUMNS")" ''
}

@test "a due row that is left alone has rule and reason, and neither kind nor amount" {
	given "add(6, 'active', '2024-02-28', hold => 'odd \"reason\", with\\tbackslash')"
	exits 0 perennial plan --as-of "$AS_OF" --format jsonl
	is "$(json "$output" "format('%s|%s|%s|%s', j->>'rule', j->>'reason', j->>'kind', j->>'amount')")" \
		'held|odd "reason", with\tbackslash||'
	exits 0 perennial plan --as-of "$AS_OF" --format csv
	is "${lines[1]}" '6,6,0,,held,active,active,2024-01-28T00:00:00Z,2024-02-28T00:00:00Z,,,1,1,1000,,EUR,"odd ""reason"", with\tbackslash"'
	exits 0 perennial plan --as-of "$AS_OF" --format json
	is "$(json "$output" "j->'rules'->0->>'reason'")" 'odd "reason", with\tbackslash'
}

@test "a hold reason of several lines stays one value in every form" {
	given "add(6, 'active', '2024-02-28', hold => E'first\\nsecond\\r\\x01\\u20ac')"
	exits 0 perennial plan --as-of "$AS_OF" --format jsonl
	is "$(json "$output" "j->>'reason' = E'first\\nsecond\\r\\x01\\u20ac'")" t
	exits 0 perennial plan --as-of "$AS_OF" --format json
	is "$(json "$output" "j->'rules'->0->>'reason' = E'first\\nsecond\\r\\x01\\u20ac'")" t
	perennial plan --as-of "$AS_OF" --format csv >"$BATS_TEST_TMPDIR/plan.csv"
	rows_from csv "$BATS_TEST_TMPDIR/plan.csv" odd
	is "$(db "SELECT reason = E'first\\nsecond\\r\\x01\\u20ac' FROM test.odd")" t
}

@test "a row that a run would put on hold is shown with its rule and reason" {
	given "add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 0 perennial plan --as-of "$AS_OF" --format jsonl
	is "$(json "$output" "format('%s|%s|%s|%s', j->>'rule', j->>'reason', j->>'kind', j->>'revision')")" \
		'renews|amount_overflow||1'
}

@test "an unknown time zone is shown as a reason, and the others are planned" {
	given_all
	db "SELECT test.lose_zone(1)"
	exits 0 perennial plan --as-of "$AS_OF" --format json
	is "$(json "$output" "j->>'outcomes'")" 4
	is "$(json "$output" "(SELECT r->>'subscriptions' FROM json_array_elements(j->'rules') r WHERE r->>'reason' = 'unknown_time_zone')")" 1
}


# It is what the run does.

@test "jsonl before a run equals the outcomes after it, row by row" {
	use_demo truth
	plan_file jsonl
	rows_from jsonl "$BATS_TEST_TMPDIR/plan.jsonl" j
	exits 10 perennial run --as-of "$DEMO_AS_OF"
	db "CREATE VIEW test.planned AS SELECT * FROM test.j WHERE kind IS NOT NULL"
	is "$(db "SELECT count(*) > 2000 FROM test.planned")" t
	is "$(difference test.planned perennial.outcome "${COLUMNS%, reason}")" ''
	# What was shown with a reason and a new revision is what was put on hold.
	db "CREATE VIEW test.to_hold AS SELECT j.* FROM test.j LEFT JOIN (
		SELECT subscription_id, min(revision) AS first FROM test.j GROUP BY subscription_id) f USING (subscription_id)
		WHERE kind IS NULL AND rule <> 'held'"
	is "$(db "SELECT count(*) > 0 FROM test.to_hold")" t
	is "$(difference test.to_hold "(SELECT * FROM perennial.event WHERE kind = 'held') e" \
		'subscription_id, account_id, revision, period_start, period_end, reason')" ''
}

@test "the totals of a run are those that were planned" {
	local planned

	use_demo sums
	planned=$(perennial plan --as-of "$DEMO_AS_OF" --format json)
	exits 10 perennial run --as-of "$DEMO_AS_OF" --format json
	is "$(json "$output" "j->>'totals'")" "$(json "$planned" "j->>'totals'")"
}

@test "after a run nothing is left to plan but what is held" {
	use_demo after
	exits 10 perennial run --as-of "$DEMO_AS_OF"
	exits 0 perennial plan --as-of "$DEMO_AS_OF" --format json --detailed-exitcode
	is "$(json "$output" "(SELECT string_agg(DISTINCT r->>'rule', ',') FROM json_array_elements(j->'rules') r)")" held
	is "$(json "$output" "j->>'subscriptions'")" \
		"$(db "SELECT count(*) FROM perennial.subscription WHERE hold_reason IS NOT NULL AND period_end <= '$DEMO_AS_OF'")"
}

@test "rows that another session has locked are planned" {
	given_all
	keep_open 'SELECT FROM perennial.subscription FOR UPDATE'
	exits 0 perennial plan --as-of "$AS_OF" --format jsonl
	let_go
	is "${#lines[@]}" 6
}


# It writes nothing.

@test "plan writes nothing, in any form" {
	local before format

	given_all
	before=$(md5_of physical)
	for format in text json jsonl csv; do
		exits 0 perennial plan --as-of "$AS_OF" --format $format
		exits 0 perennial plan --as-of "$AS_OF" --format $format --subscription 1
	done
	is "$(md5_of physical)" "$before"
}

@test "plan takes no lock on a row, a sequence or anything it could write" {
	given_all
	keep_open 'LOCK TABLE perennial.outcome, perennial.event, perennial.notification_job IN ACCESS EXCLUSIVE MODE;
		LOCK TABLE perennial.subscription, perennial.run, perennial.batch, perennial.batch_total IN EXCLUSIVE MODE'
	exits 0 timeout 20 "$PERENNIAL" -c /dev/null plan --as-of "$AS_OF"
	let_go
}


# What it is asked.

@test "--detailed-exitcode is 2 when there is work" {
	given_all
	exits 2 perennial plan --as-of "$AS_OF" --detailed-exitcode
}

@test "--detailed-exitcode is 2 when a row would be put on hold" {
	given "add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	exits 2 perennial plan --as-of "$AS_OF" --detailed-exitcode
}

@test "--detailed-exitcode is 0 when nothing is due" {
	given "add(7, 'active', '2024-03-01 00:00:01')"
	exits 0 perennial plan --as-of "$AS_OF" --detailed-exitcode
}

@test "--detailed-exitcode is 0 when all that is due is on hold" {
	given "add(6, 'active', '2024-02-28', hold => 'payment_dispute')"
	exits 0 perennial plan --as-of "$AS_OF" --detailed-exitcode
}

@test "--subscription plans that one only" {
	given_all
	exits 0 perennial plan --as-of "$AS_OF" --subscription 2 --format jsonl
	is "${#lines[@]}" 1
	is "$(json "$output" "format('%s %s', j->>'subscription_id', j->>'kind')")" '2 renewed'
	exits 0 perennial plan --as-of "$AS_OF" --subscription 2
	grep -E '^ +check: .*: ok$' <<<"$output"
	exits 0 perennial plan --as-of "$AS_OF" --subscription 7 --detailed-exitcode
	exits 2 perennial plan --as-of "$AS_OF" --subscription 1 --detailed-exitcode
}

@test "--subscription that does not exist is exit code 65" {
	given_all
	refuses 65 'there is no subscription 4711' plan --as-of "$AS_OF" --subscription 4711
	refuses 65 'there is no subscription 4711' plan --as-of "$AS_OF" --subscription 4711 --format csv
}

@test "--as-of in the future is accepted" {
	given "add(1, 'pending_cancellation', '2024-02-29')"
	exits 2 perennial plan --as-of 2999-12-31T23:59:59.999999Z --detailed-exitcode
}

@test "a row very far behind is planned to its end, once catching up is allowed" {
	given "add(1, 'active', '2014-02-28')"
	db 'UPDATE perennial.subscription SET catch_up_allowed = true'
	perennial plan --as-of "$AS_OF" --format jsonl >"$BATS_TEST_TMPDIR/plan.jsonl"
	is "$(wc -l <"$BATS_TEST_TMPDIR/plan.jsonl")" 121
	rows_from jsonl "$BATS_TEST_TMPDIR/plan.jsonl" far
	exits 0 perennial run --as-of "$AS_OF"
	is "$(difference test.far perennial.outcome "${COLUMNS%, reason}")" ''
}


# When it cannot be written.

@test "a plan that meets a full disk is exit code 73" {
	local format code

	export PGDATABASE=$DEMO
	for format in text json jsonl csv; do
		code=0
		perennial plan --as-of "$DEMO_AS_OF" --format $format >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
		is $code 73
		is "$(<"$BATS_TEST_TMPDIR/stderr")" 'perennial: cannot write to standard output: No space left on device'
	done
}

@test "a plan whose reader went away is exit code 73, quietly" {
	local format pipe=$BATS_TEST_TMPDIR/pipe code

	export PGDATABASE=$DEMO
	mkfifo "$pipe"
	for format in text json jsonl csv; do
		exec 5<>"$pipe" 6>"$pipe" 5>&-
		code=0
		perennial plan --as-of "$DEMO_AS_OF" --format $format >&6 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
		exec 6>&-
		is $code 73
		is "$(<"$BATS_TEST_TMPDIR/stderr")" ''
	done
}

@test "a plan whose reader takes the first line only is exit code 73, quietly" {
	local format

	export PGDATABASE=$DEMO
	for format in jsonl csv; do
		# shellcheck disable=SC2034
		status=$(set +o pipefail; perennial plan --as-of "$DEMO_AS_OF" --format $format 2>"$BATS_TEST_TMPDIR/stderr" | head -n 1 >/dev/null; echo "${PIPESTATUS[*]}")
		is "$status" '73 0'
		is "$(<"$BATS_TEST_TMPDIR/stderr")" ''
	done
}

@test "a plan without standard output is exit code 73" {
	local format

	export PGDATABASE=$DEMO
	for format in text json jsonl csv; do
		run --separate-stderr sh -c '"$0" -c /dev/null plan --as-of "$1" --format "$2" >&-' "$PERENNIAL" "$DEMO_AS_OF" $format
		is "$status" 73
		has "$stderr" 'cannot write to standard output'
	done
}
