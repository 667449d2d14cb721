# report: the finance reports through the front door: options, forms, files, exit codes, and what they leave behind.
# shellcheck shell=bats disable=SC1003,SC2012,SC2013,SC2016,SC2030,SC2031,SC2154,SC2314

load helper

setup_file() {
	own_database
	role reader 'IN ROLE perennial_reader'
	role nobody
	export EMPTY_ONE=$PGDATABASE CLOSED=${OWN}closed TAMPERED=${OWN}tampered STUCK=${OWN}stuck CODES=${OWN}codes
	export NAMES PRINTED=$BATS_FILE_TMPDIR

	NAMES=$(perennial report --help | sed -nE '/^reports$/,/^$/ s/^  ([a-z]+) .*/\1/p')
	closed_database
	tampered_database
	stuck_database
	codes_database
	print_all
}

teardown_file() {
	drop_own
}

# Most tests only read: a company that has closed its March.
setup() {
	export PGDATABASE=$CLOSED
	folder=$BATS_TEST_TMPDIR/out
	file=$folder/report.csv
	mkdir "$folder"
}

teardown() {
	[[ $PGDATABASE != "$STUCK" ]] || let_go
	! mountpoint -q "$folder" || umount "$folder"
}

# The runs and the customers of the end of the demo's month.
closed_database() {
	unset INVOCATION_ID
	load_demo "$CLOSED"
	export PGDATABASE=$CLOSED
	perennial -q run --as-of "$DEMO_AS_OF" >/dev/null || (($? == 10))
	db <"$SOURCE/tests/demo/month_end.sql" >/dev/null
	perennial -q run --as-of 2024-04-01 >/dev/null
	db 'VACUUM ANALYZE'
}

# The same after somebody added a cent to what one customer was billed.
tampered_database() {
	createdb -T "$CLOSED" "$TAMPERED"
	PGDATABASE=$TAMPERED db "
		UPDATE perennial.outcome SET amount = amount + 1 WHERE subscription_id = 3 AND kind = 'renewed';
		UPDATE perennial.event SET reason = 'FAIL' WHERE kind = 'held'"
}

# An audit of March, as a table, gets stuck in the middle of its rows as long as somebody holds the lock 4711.
stuck_database() {
	createdb -T "$CLOSED" "$STUCK"
	PGDATABASE=$STUCK db <<-'SQL'
		CREATE SCHEMA test;
		CREATE TABLE test.stop AS SELECT date_trunc('second', at) AS at
			FROM perennial.report_audit('2024-03-01', '2024-04-01')
			ORDER BY at, subscription_id, revision OFFSET 1200 LIMIT 1;
		CREATE OR REPLACE FUNCTION perennial.utc_text(instant timestamptz) RETURNS text LANGUAGE plpgsql STRICT AS $$
		BEGIN
			IF instant = (SELECT at FROM test.stop) THEN
				PERFORM pg_advisory_xact_lock_shared(4711);
			END IF;
			RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
		END $$;
	SQL
}

# Plans with codes as others may choose them, and one renewal of each on 29 February.
codes_database() {
	createdb -T "$EMPTY_ONE" "$CODES"
	export PGDATABASE=$CODES
	db <<-'SQL' >/dev/null
		INSERT INTO perennial.plan (plan_id, code, name)
		SELECT 100 + n, code, 'Plan ' || n
		FROM unnest(ARRAY[
			'=1+1', '+x', '@x', '-x', '=cmd|'' /C calc''!A0', E'\tx', E'\rx', '-5',
			'x=1', 'a"b', 'a,b', E'a\nb', E'a\r\nb', 'grün', 'größter Tarif', '料金', '''quoted', 'it''s', 'x''y', ':''to''',
			'a\b', '\.', '\', ' ', 'null', 'total',
			E'esc\x1b[31mred', E'bell\x07', E'del\x7f', E'back\b\b\b', E'\u009b31m']) WITH ORDINALITY AS c (code, n);
		INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
		SELECT plan_id, plan_id, CASE WHEN plan_id % 2 = 0 THEN 'EUR' ELSE 'JPY' END, 1000000 + plan_id, 1
		FROM perennial.plan WHERE plan_id > 100;
		SELECT test.add(plan_id, 'active', '2024-02-29', price => plan_id) FROM perennial.plan WHERE plan_id > 100;
	SQL
	perennial -q run --as-of "$AS_OF" >/dev/null
}

# Every report of March as csv, for tests to compare with.
print_all() {
	local name

	export PGDATABASE=$CLOSED
	for name in $NAMES; do
		report "$name" --format csv >"$PRINTED/$name.csv"
	done
	report billed --detail --format csv >"$PRINTED/billed--detail.csv"
}

# What a report is asked for here.
when() {
	case $1 in
	overdue | holds) echo --as-of 2024-04-01 ;;
	*) echo --period 2024-03 ;;
	esac
}

# report NAME OPTION...: about March, or its end.
report() {
	# shellcheck disable=SC2046 # two words
	perennial report "$1" $(when "$1") "${@:2}"
}

wrong() {
	refuses 64 "$1" report "${@:2}" && has "$stderr" 'hint: '
}

# with_config TEXT ARGUMENT...
with_config() {
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/perennial.conf"
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" "${@:2}"
}

# The period that the last json covers.
covers() {
	is "$(json "$output" "format('%s %s', j->>'from', j->>'to')")" "$1"
}

python() {
	/usr/bin/python3 -I - "$@"
}

# use DATABASE: for the rest of the test.
use() {
	export PGDATABASE=$1
}


# The period.

@test "--period takes a month, a quarter or a year" {
	local pair

	for pair in '2024-03 2024-03-01 2024-04-01' '2024-12 2024-12-01 2025-01-01' '2024-Q1 2024-01-01 2024-04-01' \
		'2024-Q4 2024-10-01 2025-01-01' '2024 2024-01-01 2025-01-01' '1900-01 1900-01-01 1900-02-01'; do
		exits 0 perennial report billed --format json --period "${pair%% *}"
		covers "${pair#* }"
	done
}

@test "--period takes nothing else" {
	local value

	for value in 2024-13 2024-00 2024-Q5 2024-Q0 2024-q1 2024Q1 24-10 2024-1 2024-1- 202403 '' ' ' '2024-03 ' ' 2024-03' \
		'2024 03' 2024-03-01 2024- -2024 02024 march 2024-03x '2024-03;' $'2024-03\n' '٢٠٢٤-03'; do
		wrong "--period: \"$value\" is not a period" billed --period "$value"
		has "$stderr" 'hint: write it like 2026-10, 2026-Q4 or 2026'
	done
}

@test "--period stays within the years 1900 to 2999" {
	local value

	for value in 0000 0000-01 1899 1899-12 1899-Q4 3000 3000-01 9999-Q4; do
		wrong "$value is not within the years 1900 to 2999" billed --period "$value"
	done
}

@test "--from and --to are a period, too: the first day belongs to it, the last one does not" {
	is "$(perennial report audit --format csv --from 2024-03-01 --to 2024-04-01)" "$(report audit --format csv)"
	exits 0 perennial report billed --format json --from 2024-02-29 --to 2024-03-31
	covers '2024-02-29 2024-03-31'
	exits 0 perennial report audit --format csv --from 2024-03-30 --to 2024-03-31
	is "$(python <(echo "$output") <<-'END'
		import csv, sys
		print(*sorted({row['at'][:10] for row in csv.DictReader(open(sys.argv[1]))}))
	END
	)" 2024-03-30
}

@test "--from or --to alone is a usage error" {
	wrong '--from and --to are given together' billed --from 2024-03-01
	wrong '--from and --to are given together' billed --to 2024-03-01
}

@test "--from that is not before --to is a usage error" {
	wrong '--from 2024-03-02 is not before --to 2024-03-01' billed --from 2024-03-02 --to 2024-03-01
	wrong '--from 2024-03-01 is not before --to 2024-03-01' billed --from 2024-03-01 --to 2024-03-01
}

@test "--from and --to take nothing but dates that exist" {
	local value

	for value in 2024-02-30 2023-02-29 2024-13-01 2024-01-00 24-01-01 2024-1-1 2024-03 20240301 '' '2024-03-01 ' \
		2024-03-01T00:00:00Z today; do
		wrong "--from: \"$value\" is not a date" billed --from "$value" --to 2024-04-01
	done
	for value in 2024-02-30 2024-03 ''; do
		wrong "--to: \"$value\" is not a date" billed --from 2024-01-01 --to "$value"
	done
	wrong '--from and --to are not within the years 1900 to 2999' billed --from 1899-12-31 --to 2024-01-01
	wrong '--from and --to are not within the years 1900 to 2999' billed --from 2024-01-01 --to 3001-01-01
}

@test "--period together with --from or --to is a usage error" {
	wrong '--period is given, or --from and --to, not both' billed --period 2024-03 --from 2024-03-01 --to 2024-04-01
	wrong '--period is given, or --from and --to, not both' billed --period 2024-03 --from 2024-03-01
	wrong '--period is given, or --from and --to, not both' billed --period 2024-03 --to 2024-04-01
}

@test "a period that lies in the future is a usage error" {
	wrong 'the period lies in the future: it begins on 2999-01-01, and today is ' billed --period 2999
	wrong 'the period lies in the future: it begins on 2999-10-01, and today is ' billed --period 2999-Q4
	wrong 'the period lies in the future: it begins on 2999-12-31, and today is ' billed --from 2999-12-31 --to 3000-01-01
	wrong 'the period lies in the future' billed --to 2999-12-31 \
		--from "$(db "SELECT (now() AT TIME ZONE 'UTC')::date + 2")"
}

@test "whether a period has begun is a matter of the report's zone" {
	local there

	# There it is always another day, and a later one.
	there=$(db "SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date")
	exits 0 with_config 'report: { time_zone = "Pacific/Kiritimati"; };' report billed --from "$there" --to 2999-12-31
	has "$output" 'days in Pacific/Kiritimati'
	exits 64 with_config 'report: { time_zone = "Etc/GMT+12"; };' report billed --from "$there" --to 2999-12-31
	has "$stderr" "the period lies in the future: it begins on $there, and today is "
	has "$stderr" 'in Etc/GMT+12'
}

@test "a period that has begun and is not over says so" {
	local today

	exits 0 perennial report billed --from 2024-03-01 --to 2999-12-31
	has "$output" 'billed: from 2024-03-01 until before 2999-12-31, days in UTC, which are not over yet'
	exits 0 perennial report billed --from 2024-03-01 --to 2999-12-31 --format json
	is "$(json "$output" "j->>'is_over'")" false
	today=$(db "SELECT (now() AT TIME ZONE 'UTC')::date")
	exits 0 perennial report billed --format json --from 2024-03-01 --to "$today"
	is "$(json "$output" "j->>'is_over'")" true
	exits 0 report billed
	lacks "$output" 'not over yet'
	exits 0 report billed --format json
	is "$(json "$output" "j->>'is_over'")" true
}

@test "the default is the last month that has ended, in the report's zone" {
	local zone month

	for zone in UTC Pacific/Kiritimati Etc/GMT+12; do
		month="date_trunc('month', now() AT TIME ZONE '$zone')"
		# A month that ends meanwhile makes it the next one.
		exits 0 with_config "report: { time_zone = \"$zone\"; };" report billed --format json
		is "$(json "$output" "(j->>'from')::date IN (($month - interval '1 month')::date,
			(date_trunc('month', now() AT TIME ZONE '$zone' - interval '1 minute') - interval '1 month')::date)
			AND (j->>'to')::date = ((j->>'from')::date + interval '1 month')::date
			AND (j->>'is_over')::boolean AND j->>'time_zone' = '$zone'")" t
	done
}

@test "the days are those of the report's zone" {
	local zone

	for zone in Pacific/Kiritimati Etc/GMT+12; do
		with_config "report: { time_zone = \"$zone\"; };" report audit --format csv --period 2024-03 >"$folder/rows"
		is "$(($(wc -l <"$folder/rows") - 1))" "$(db "SELECT count(*) FROM (
			SELECT period_end AS at FROM perennial.outcome UNION ALL SELECT at FROM perennial.event) AS entry
			WHERE date_trunc('month', at AT TIME ZONE '$zone') = '2024-03-01'")"
		differs "$(<"$folder/rows")" "$(<"$PRINTED/audit.csv")"
	done
}


# The instant.

@test "overdue and holds are as of an instant, by default now" {
	local name

	for name in overdue holds; do
		exits 0 perennial report $name
		is "$(json "$(perennial report $name --format json)" "now() - (j->>'as_of')::timestamptz < interval '10 minutes'
			AND j->'from' IS NULL AND j->'time_zone' IS NULL")" t
		exits 0 perennial report $name --as-of 2024-04-01T02:00+02:00
		has "$output" "$name: as of 2024-04-01T00:00:00Z"
	done
}

@test "an instant that lies in the future is a usage error" {
	wrong '--as-of 2999-01-01T00:00:00Z lies in the future: the server' overdue --as-of 2999-01-01
	has "$stderr" 'hint: plan --as-of shows'
	wrong 'lies in the future' holds \
		--as-of "$(db "SELECT perennial.utc_text(date_trunc('second', now() + interval '1 hour'))")"
}

@test "an instant that is none is a usage error" {
	local value

	for value in yesterday '' 2024-02-30 2024-03; do
		wrong "--as-of: \"$value\" is not a time" overdue --as-of "$value"
	done
	wrong 'is not within the years' overdue --as-of 1999-12-31
}

@test "what was held and released is on hold in between" {
	use_copy "$CLOSED" held
	db "INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor,
		from_status, to_status, period_start, period_end, price_id, quantity, reason)
	    SELECT bucket, subscription_id, account_id, revision + n, kind, at, 'clerk',
	    	status, status, period_start, period_end, price_id, quantity, 'disputed'
	    FROM perennial.subscription,
	    	(VALUES (1, 'held', timestamptz '2024-04-01 10:00Z'), (2, 'released', '2024-04-01 12:00Z')) AS e (n, kind, at)
	    WHERE subscription_id = 3"
	lacks "$(perennial report holds --format csv --as-of 2024-04-01T09:59:59Z)" disputed
	has "$(perennial report holds --format csv --as-of 2024-04-01T10:00:00Z)" disputed
	has "$(perennial report holds --format csv --as-of 2024-04-01T11:59:59Z)" 2024-04-01T12:00:00Z,clerk
	lacks "$(perennial report holds --format csv --as-of 2024-04-01T12:00:00Z)" disputed
}


# Names and options.

@test "there are twelve reports" {
	is "$(sort <<<"$NAMES" | tr '\n' ' ')" \
		'audit billed deferred holds journal mrr overdue runs schedule subscriptions tieout waterfall '
}

@test "a report that is not there is a usage error, which names all there are" {
	local list

	list=$(paste -sd, <<<"$NAMES" | sed 's/,/, /g')
	wrong 'there is no report "profit"' profit
	has "$stderr" "hint: one of $list"
	wrong 'there is no report ""' ''
	wrong 'there is no report "BILLED"' BILLED
	has "$stderr" 'hint: did you mean billed?'
	wrong 'there is no report "tie-out"' tie-out
	has "$stderr" 'hint: did you mean tieout?'
	wrong 'report needs the name of one'
	has "$stderr" "hint: one of $list"
}

@test "two names are a usage error" {
	wrong 'report takes no argument "mrr"' billed mrr
	wrong 'report takes no argument "2024-03"' billed 2024-03
}

@test "the name may stand before or after the options" {
	is "$(perennial report --period 2024-03 --format csv billed)" "$(<"$PRINTED/billed.csv")"
}

@test "a period for an instant, and an instant for a period, is a usage error" {
	local name

	for name in overdue holds; do
		wrong "report $name does not take a period" $name --period 2024-03
		wrong "report $name does not take a period" $name --from 2024-03-01 --to 2024-04-01
		has "$stderr" 'hint: it is about an instant'
	done
	for name in $(grep -vE 'overdue|holds' <<<"$NAMES"); do
		wrong "report $name does not take --as-of" "$name" --as-of 2024-03-01
		has "$stderr" 'hint: it is about a period'
	done
}

@test "an option that a report does not take is a usage error" {
	local name

	for name in $NAMES; do
		[[ $name == billed || $name == tieout ]] || wrong "report $name does not take --detail" "$name" --detail
		[[ $name == journal ]] || wrong "report $name does not take --format hledger" "$name" --format hledger
	done
	for name in runs overdue waterfall journal tieout; do
		wrong "report $name does not take --plan" $name --plan starter
	done
	for name in runs tieout; do
		wrong "report $name does not take --currency" $name --currency EUR
	done
	wrong --limit billed --limit 5
	wrong --workers billed --workers 2
}

@test "an option without its value is a usage error" {
	local option

	for option in --period --from --to --as-of --format --currency --plan --output; do
		wrong "$option needs a value" billed $option
	done
	wrong option billed --detail=yes
}

@test "a format that is not there is a usage error" {
	local format

	for format in text xml CSV html tab ''; do
		wrong "--format takes table, json, jsonl, csv or hledger, not \"$format\"" billed --format "$format"
	done
}

@test "--manifest without --output is a usage error" {
	wrong '--manifest needs --output' billed --manifest
}

@test "usage is looked at before the server is" {
	export PGHOST=127.0.0.1 PGPORT=1
	wrong 'there is no report' profit
	wrong 'is not a period' billed --period 2024-13
	wrong '--manifest needs --output' billed --manifest
	refuses 69 'cannot connect' report billed
}

@test "a currency or plan that is not there is exit code 65" {
	local value

	for value in XYZ eur '' 'EUR ' '%'; do
		refuses 65 "there is no currency \"$value\"" report billed --currency "$value"
		has "$stderr" 'hint: write its ISO 4217 code'
	done
	for value in gold '' 'starter ' STARTER '%' "x'y" ":'to'" '\' "' OR ''='"; do
		refuses 65 "there is no plan \"$value\"" report billed --plan "$value"
		has "$stderr" 'hint: write its code'
	done
}

@test "a plan that is no text is one that is not there" {
	refuses 65 'there is no such currency or plan: it is not text' report billed --plan $'\xff\xfe'
	refuses 65 'there is no such currency or plan: it is not text' report billed --currency $'\xff'
}


# The configuration.

@test "a time zone that the server does not know is exit code 78" {
	local zone

	for zone in Mars/Olympus '' utc 'UTC ' ../../etc/passwd "x'y" EST5EDT4; do
		exits 78 with_config "report: { time_zone = \"$zone\"; };" report billed
		is "$output" ''
		has "$stderr" "report.time_zone: there is no time zone \"$zone\""
	done
}

# no_account KEY ACCOUNT
no_account() {
	exits 78 with_config $'report: {\n'"$1 = \"$2\"; };" report journal
	is "$output" ''
	has "$stderr" "perennial.conf:2: report.$1: not the name of an account"
}

@test "an account that no journal can have is exit code 78, with file and line" {
	local key account

	for key in receivable deferred revenue opening; do
		for account in '' 'a;b'; do
			no_account "$key" "$account"
		done
	done
	for account in ' ' ' a' 'a ' 'a  b' 'a\tb' 'a\nb' '(a)' '[a]' '*' '! a' '=a'; do
		no_account receivable "$account"
	done
}

@test "two of the accounts may be the same one" {
	local key

	for key in receivable deferred revenue; do
		exits 0 with_config "report: { opening = \"one\"; $key = \"one\"; };" report journal --format hledger --period 2024-03
		hledger -f - check --strict <<<"$output"
		is "$(grep -c '^account ' <<<"$output")" 3
	done
}


# Nothing there.

@test "an empty database has empty reports: a header, no row, exit code 0" {
	local name

	use "$EMPTY_ONE"
	for name in $(grep -v tieout <<<"$NAMES"); do
		exits 0 report "$name" --format csv
		is "${#lines[@]}" 1
		has "$output" ,
		is "$stderr" ''
		exits 0 report "$name" --format jsonl
		is "$output" ''
		report "$name" --format json >"$folder/$name"
		exits 0 report "$name"
		has "${lines[0]}" "$name: "
		((${#lines[@]} > 1 && ${#lines[@]} <= 5))
		lacks "$output" total
	done
	python "$folder" <<-'END'
		import json, pathlib, sys
		for path in pathlib.Path(sys.argv[1]).iterdir():
		    document = json.loads(path.read_text(encoding='utf-8'))
		    assert document['rows'] == [] and document['report'] == path.name, document
	END
}

@test "what a report has nothing of is no error either" {
	exits 0 report billed --currency XXX --format csv
	is "${#lines[@]}" 1
	exits 0 perennial report billed --period 1950 --format csv
	is "${#lines[@]}" 1
	exits 0 perennial report tieout --period 1950
	lacks "$output" FAIL
}

@test "an empty database ties out" {
	local format

	use "$EMPTY_ONE"
	for format in table csv json jsonl; do
		exits 0 report tieout --format $format
		has "$output" PASS
		lacks "$output" FAIL
	done
	exits 0 report tieout --format csv --detail
	is "${#lines[@]}" 1
}

@test "an empty database has an empty journal that hledger takes" {
	use "$EMPTY_ONE"
	exits 0 report journal --format hledger
	is "$(hledger -f - print <<<"$output")" ''
	hledger -f - check --strict <<<"$output"
}


# The forms.

@test "json, jsonl and csv have the same rows, and the columns in the same order" {
	local name

	for name in $NAMES 'billed --detail'; do
		# shellcheck disable=SC2086 # two words
		report $name --format jsonl >"$folder/${name// /}.jsonl"
	done
	for name in billed holds audit tieout; do
		report $name --format json >"$folder/$name.json"
	done
	cp "$PRINTED"/*.csv "$folder"
	python "$folder" <<-'END'
		import csv, json, pathlib, sys
		read = dict(parse_int=str, parse_float=str)
		rows = 0
		for path in sorted(pathlib.Path(sys.argv[1]).glob('*.csv')):
		    with path.open(newline='', encoding='utf-8') as file:
		        header, *cells = csv.reader(file)
		    lines = [json.loads(line, **read) for line in path.with_suffix('.jsonl').read_text(encoding='utf-8').splitlines()]
		    if (whole := path.with_suffix('.json')).exists():
		        assert json.loads(whole.read_text(encoding='utf-8'), **read)['rows'] == lines, path
		    assert all(list(line) == header for line in lines), path
		    assert [['' if value is None else value for value in line.values()] for line in lines] == cells, path
		    rows += len(cells)
		assert rows > 10000, rows
	END
}

@test "csv has dates by ISO 8601, instants in UTC, and each amount in minor units and as a decimal" {
	python "$PRINTED" <<-'END'
		import csv, decimal, pathlib, re, sys
		digits = {'EUR': 2, 'GBP': 2, 'USD': 2, 'JPY': 0, 'KWD': 3}
		amounts = 0
		for name in 'audit', 'schedule', 'billed--detail':
		    path = pathlib.Path(sys.argv[1], f'{name}.csv')
		    raw = path.read_bytes()
		    assert raw.endswith(b'\n') and b'\r' not in raw, path
		    for row in csv.DictReader(raw.decode().splitlines()):
		        for name, value in row.items():
		            if name in ('at', 'recorded_at', 'billed_at') or name.startswith(('closed_', 'period_')):
		                assert not value or re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z', value), (name, value)
		            if name == 'billed_on' or name.startswith('service_'):
		                assert re.fullmatch(r'\d{4}-\d\d-\d\d', value), (name, value)
		            if name.endswith('_minor') and value:
		                decimals = digits[row['currency']]
		                amount = decimal.Decimal(value).scaleb(-decimals)
		                assert row[name.removesuffix('_minor')] == f'{amount:.{decimals}f}', row
		                amounts += 1
		assert amounts > 10000, amounts
	END
}

@test "csv keeps text from being a formula, and any csv reader finds it again" {
	use "$CODES"
	perennial report billed --period 2024-02 --format csv >"$file"
	perennial report billed --period 2024-02 --format jsonl >"$folder/report.jsonl"
	db 'SELECT json_agg(code) FROM perennial.plan WHERE plan_id > 100' >"$folder/codes.json"
	python "$folder" <<-'END'
		import csv, json, pathlib, sys
		folder = pathlib.Path(sys.argv[1])
		codes = json.loads((folder / 'codes.json').read_text(encoding='utf-8'))
		with (folder / 'report.csv').open(newline='', encoding='utf-8') as file:
		    rows = list(csv.DictReader(file))
		guarded = ["'" + code if code[0] in '=+-@\t\r' else code for code in codes]
		assert sorted(row['plan_code'] for row in rows) == sorted(guarded), rows
		assert sum(code != safe for code, safe in zip(codes, guarded)) == 8
		assert all(row['amount_minor'] == row['renewed_minor'] and int(row['amount_minor']) > 1000000 for row in rows)
		lines = [json.loads(line) for line in (folder / 'report.jsonl').read_text(encoding='utf-8').split('\n')[:-1]]
		assert sorted(line['plan_code'] for line in lines) == sorted(codes), lines
	END
}

@test "a table shows text of others without its control characters" {
	use "$CODES"
	exits 0 perennial report billed --period 2024-02
	has "$output" ' esc [31mred '
	LC_ALL=C grep -cP '[\x00-\x09\x0b-\x1f\x7f]' <<<"$output" && false
	LC_ALL=C grep -cP '\xc2[\x80-\x9f]' <<<"$output" && false
	is "$(grep -cE ' 1 00[01] [0-9]{3}$| 10 00[01]\.[0-9]{2}$' <<<"$output")" 31
}

@test "a table's title shows text of others without its control characters" {
	use "$CODES"
	exits 0 perennial report billed --period 2024-02 --plan $'esc\e[31mred'
	LC_ALL=C grep -cP '[\x00-\x09\x0b-\x1f\x7f]' <<<"$output" && false
	is "$(grep -c 'esc \[31mred' <<<"$output")" 2
}

@test "a table shows text that is empty as nothing" {
	use_copy "$EMPTY_ONE" blank
	given "add(1, 'active', '2024-02-29')"
	given_events 1
	db "UPDATE perennial.event SET detail = '', reason = 'why'"
	exits 0 perennial report audit --period 2024-01
	is "$(tail -n 1 <<<"$output" | tr -d '[:print:]')" ''
	[[ $output == *why ]]
}

# Whether the cells of each row of the table in this file stand one below the other: numbers end, and texts begin where
# those of other rows do.
is_aligned() {
	python "$1" <<-'END'
		import re, sys
		rows = [line for line in open(sys.argv[1], encoding='utf-8').read().split('\n')[2:] if re.search(r'\d', line)]
		cells = [list(re.finditer(r'\S+(?: \S+)*', row)) for row in rows]
		assert len(rows) > 1 and len({len(row) for row in cells}) == 1, rows
		for column in zip(*cells):
		    numbers = all(re.fullmatch(r'-?[\d ]+(\.\d+)?', cell[0]) for cell in column)
		    edges = {cell.end() if numbers else cell.start() for cell in column}
		    assert len(edges) == 1, column
	END
}

@test "a table is aligned, also where text is not ASCII" {
	use "$CODES"
	perennial report billed --period 2024-02 | sed -nE '1,2p; /größter Tarif|grün|料金|null|a"b/p' >"$file"
	is "$(wc -l <"$file")" 7
	is_aligned "$file"
	use "$CLOSED"
	report subscriptions --currency EUR | sed '/total/d' >"$file"
	is_aligned "$file"
	report schedule --plan pro --currency KWD >"$file"
	is_aligned "$file"
}

@test "a table has the rows of csv, amounts as decimals with their thousands apart, and totals by currency" {
	local name

	for name in billed mrr deferred subscriptions; do
		report $name >"$folder/$name"
		cp "$PRINTED/$name.csv" "$folder"
	done
	python "$folder" <<-'END'
		import collections, csv, decimal, pathlib, re, sys
		for path in pathlib.Path(sys.argv[1]).glob('*.csv'):
		    lines = path.with_suffix('').read_text().split('\n\n', 1)[1].splitlines()
		    shown = [re.split(r'  +', line.strip()) for line in lines]
		    shown = [row for row in shown if re.search(r'\d', row[-1])]
		    totals = [row for row in shown if 'total' in row]
		    shown = [row for row in shown if 'total' not in row]
		    rows, sums, count = [], collections.defaultdict(decimal.Decimal), collections.Counter()
		    for row in csv.DictReader(path.open()):
		        group = (row['segment'], row['currency']) if 'segment' in row else (row['currency'],)
		        labels = group + (row['plan_code'],) + ((row['interval_months'],) if 'interval_months' in row else ())
		        values = [(name, value) for name, value in row.items() if not name.endswith('_minor')
		                  and name not in ('period', 'segment', 'currency', 'plan_code', 'interval_months')]
		        rows.append([*labels, *(f'{decimal.Decimal(value):,}'.replace(',', ' ') for _, value in values)])
		        count[group] += 1
		        for name, value in values:
		            sums[group, name] += decimal.Decimal(value)
		    assert shown == rows, path
		    wanted = [[*group, 'total', *(f'{sums[group, name]:,}'.replace(',', ' ') for name, _ in values)]
		              for group in sorted(count) if count[group] > 1]
		    assert sorted(totals) == sorted(wanted), (path, totals, wanted)
	END
}

# given_events N: a row each of the audit of January, for subscription 1.
given_events() {
	db "INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor,
		from_status, to_status, period_start, period_end, price_id, quantity, unit_amount, amount, currency)
	    SELECT s.bucket, s.subscription_id, s.account_id, i, 'reactivated',
	    	timestamptz '2024-01-01 00:00Z' + make_interval(secs => i), 'application',
	    	'expired', 'active', s.period_start, s.period_end, s.price_id, s.quantity, 1000, 1000, 'EUR'
	    FROM perennial.subscription s, generate_series(1, $1) i WHERE s.subscription_id = 1;
	    ANALYZE perennial.event"
}

@test "a table shows wide text as it is, among its first rows and long after them" {
	use_copy "$EMPTY_ONE" wide
	given "add(1, 'active', '2024-02-29')"
	given_events 1500
	db "UPDATE perennial.event SET actor = 'somebody with a long name' WHERE revision = 700"
	perennial report audit --period 2024-01 >"$file"
	is "$(grep -c ' EUR\|^EUR' "$file")" 1500
	is_aligned "$file"
	db "UPDATE perennial.event SET actor = repeat('a much longer name ', 20) || 'and its end' WHERE revision = 1400"
	perennial report audit --period 2024-01 >"$folder/late"
	is "$(grep -c 'and its end' "$folder/late")" 1
	has "$(grep 'and its end' "$folder/late")" "$(printf 'a much longer name %.0s' {1..20})and its end  "
	is "$(grep -v 'and its end' "$folder/late")" "$(sed -E '/00:23:20Z/d' "$file")"
}

@test "the environment of the session does not change what is printed" {
	local format

	for format in table csv jsonl; do
		is "$(PGTZ=Asia/Tokyo PGDATESTYLE='German, DMY' PGCLIENTENCODING=LATIN1 \
			PGOPTIONS='-c intervalstyle=iso_8601 -c bytea_output=escape -c lc_numeric=C -c search_path=pg_temp -c jit=on' \
			report billed --detail --format $format)" "$(report billed --detail --format $format)"
	done
	use "$CODES"
	is "$(PGCLIENTENCODING=LATIN1 perennial report billed --period 2024-02 --format csv)" \
		"$(perennial report billed --period 2024-02 --format csv)"
}


# What is asked for.

@test "--currency and --plan leave the rows of these, as they are" {
	local name

	for name in $(grep -vE 'runs|tieout' <<<"$NAMES"); do
		cp "$PRINTED/$name.csv" "$folder/$name.all"
		report "$name" --format csv --currency KWD >"$folder/$name.currency"
		case $name in
		overdue | waterfall | journal) continue ;;
		esac
		report "$name" --format csv --plan starter >"$folder/$name.plan"
		report "$name" --format csv --plan starter --currency KWD >"$folder/$name.both"
	done
	python "$folder" <<-'END'
		import csv, pathlib, sys
		kept = 0
		for path in pathlib.Path(sys.argv[1]).iterdir():
		    if path.suffix == '.all':
		        continue
		    everything = list(csv.DictReader(path.with_suffix('.all').open()))
		    rows = list(csv.DictReader(path.open()))
		    wanted = [row for row in everything if (path.suffix == '.plan' or row['currency'] == 'KWD')
		              and (path.suffix == '.currency' or row['plan_code'] == 'starter')]
		    assert rows == wanted, path
		    # Entries, places and the first row of a run are those of what was asked for.
		    assert 0 < len(rows) < len(everything), path
		    kept += len(rows)
		assert kept > 1000, kept
	END
}

@test "what was asked for stands in the title and in json" {
	exits 0 report billed --currency EUR --plan pro
	has "${lines[0]}" 'billed: from 2024-03-01 until before 2024-04-01, days in UTC; only EUR; only plan pro'
	exits 0 report billed --currency EUR --plan pro --format json
	is "$(json "$output" "concat_ws(' ', j->>'report', j->>'detail', j->>'currency', j->>'plan')")" 'billed false EUR pro'
	exits 0 report billed --detail --currency EUR --plan pro
	has "${lines[0]}" 'billed in detail: from'
	exits 0 report billed --detail --format json
	is "$(json "$output" "format('%s %s', j->>'detail', j->'currency')")" 'true null'
}

@test "a plan's code is data, whatever it looks like" {
	local code

	use "$CODES"
	for code in "x'y" ":'to'" 'a\b' '\.' '\' ' ' 'a"b' '=1+1' $'a\nb' 'größter Tarif' 'null'; do
		perennial report billed --detail --period 2024-02 --plan "$code" --format json >"$file"
		python "$file" "$code" <<-'END'
			import json, sys
			document = json.load(open(sys.argv[1], encoding='utf-8'))
			assert [row['plan_code'] for row in document['rows']] == [document['plan']] == [sys.argv[2]], document
		END
	done
}

@test "--detail shows what billed adds up" {
	python "$PRINTED" <<-'END'
		import collections, csv, sys
		sums, count = collections.Counter(), collections.Counter()
		for row in csv.DictReader(open(sys.argv[1] + '/billed--detail.csv')):
		    key = row['currency'], row['plan_code'], row['interval_months']
		    sums[key] += int(row['amount_minor'])
		    count[key] += 1
		    assert int(row['quantity']) * int(row['unit_amount_minor']) == int(row['amount_minor']), row
		    assert '2024-03-01T' <= row['billed_at'] < '2024-04-01T', row
		rows = {(row['currency'], row['plan_code'], row['interval_months']): (int(row['periods']), int(row['amount_minor']))
		        for row in csv.DictReader(open(sys.argv[1] + '/billed.csv'))}
		assert rows == {key: (count[key], sums[key]) for key in sums} and len(rows) > 30, rows
	END
}


# hledger.

@test "hledger takes the journal of any period, strictly" {
	local period

	for period in 2023 2024-02 2024-03 2024-04 2024-Q1 2024; do
		exits 0 perennial report journal --format hledger --period $period
		hledger -f - check --strict <<<"$output"
		has "$output" '* balances'
	done
	for period in '2024-03-31 2024-04-01' '2024-02-29 2024-03-02'; do
		exits 0 perennial report journal --format hledger --from "${period% *}" --to "${period#* }"
		hledger -f - check --strict <<<"$output"
	done
	exits 0 with_config 'report: { time_zone = "Pacific/Kiritimati"; };' report journal --format hledger --period 2024-03
	hledger -f - check --strict <<<"$output"
	exits 0 report journal --format hledger --currency KWD
	hledger -f - check --strict <<<"$output"
	is "$(hledger -f - commodities <<<"$output")" KWD
}

@test "hledger refuses the journal once an amount is changed by a cent, and names the line" {
	local journal line

	journal=$folder/report.journal
	report journal --format hledger >"$journal"
	line=$(grep -nE '^    assets:receivable  [0-9]+\.[0-9]{2} EUR$' "$journal" | sed -n '2s/:.*//p')
	awk -v line="$line" 'NR == line { sub(/[0-9.]+ EUR$/, sprintf("%.2f EUR", $2 + 0.01)) } { print }' \
		"$journal" >"$journal.new"
	is "$(diff "$journal" "$journal.new" | grep -c '^[<>]')" 2
	exits 1 hledger -f "$journal.new" check --strict
	has "$stderr" "\"$journal.new\" (lines $((line - 1))-$((line + 1)))"

	# On both sides: its entry is balanced, and the balances at the end are not those.
	awk -v line="$line" 'NR == line { sub(/[0-9.]+ EUR$/, sprintf("%.2f EUR", $2 + 0.01)) }
		NR == line + 1 { sub(/-[0-9.]+ EUR$/, sprintf("%.2f EUR", $(NF - 1) - 0.01)) } { print }' "$journal" >"$journal.new"
	is "$(diff "$journal" "$journal.new" | grep -c '^[<>]')" 4
	exits 1 hledger -f "$journal.new" check --strict
	has "$stderr" 'balance assertion'
	has "$stderr" "\"$journal.new\" (line $(grep -nE '^    assets:receivable  0 EUR = ' "$journal" | sed 's/:.*//')"
}

@test "hledger's balances are those of the other reports" {
	report journal --format hledger >"$folder/report.journal"
	cp "$PRINTED"/billed.csv "$PRINTED"/deferred.csv "$folder"
	hledger -f "$folder/report.journal" balance --output-format csv --layout tidy --no-total >"$folder/balance"
	python "$folder" <<-'END'
		import collections, csv, decimal, sys
		balance = collections.defaultdict(decimal.Decimal)
		for row in csv.DictReader(open(sys.argv[1] + '/balance')):
		    balance[row['account'], row['commodity']] = decimal.Decimal(row['value'].replace(',', ''))
		wanted = collections.defaultdict(decimal.Decimal)
		for row in csv.DictReader(open(sys.argv[1] + '/billed.csv')):
		    wanted['assets:receivable', row['currency']] += decimal.Decimal(row['amount'])
		for row in csv.DictReader(open(sys.argv[1] + '/deferred.csv')):
		    wanted['liabilities:deferred revenue', row['currency']] -= decimal.Decimal(row['closing'])
		    wanted['income:subscriptions', row['currency']] -= decimal.Decimal(row['recognised'])
		    for name in 'opening', 'imported':
		        wanted['equity:opening balances', row['currency']] += decimal.Decimal(row[name])
		assert balance == {key: value for key, value in wanted.items() if value}, (balance, wanted)
		assert len(wanted) == 20
	END
}

@test "the journal's accounts are those of the configuration" {
	local -r accounts='receivable = "1200 Debtors"; deferred = "3700:Größe \"x\""; revenue = "it'\''s:income"'

	exits 0 with_config "report: { $accounts; opening = \"9000\"; };" report journal --format hledger --period 2024-03
	hledger -f - check --strict <<<"$output"
	is "$(hledger -f - accounts --used <<<"$output" | sort | paste -sd'|')" \
		"1200 Debtors|3700:Größe \"x\"|9000|it's:income"
	exits 0 with_config 'report: { receivable = "1200 Debtors"; };' report journal --format csv --period 2024-03
	has "$output" '1200 Debtors'
	lacks "$output" assets:receivable
}

@test "a journal is the same each time" {
	is "$(report journal --format hledger)" "$(report journal --format hledger)"
}


# tieout.

@test "a month that was closed ties out, in each form" {
	local format

	for format in table json; do
		exits 0 report tieout --format $format
		lacks "$output" FAIL
		(($(grep -o PASS <<<"$output" | wc -l) > 100))
		is "$stderr" ''
	done
	exits 0 report tieout --detail --format csv
	is "$output" 'check,bucket,subscription_id,run_id,detail,result'
}

@test "a cent that was added fails the tie-out with exit code 14, in each form" {
	use "$TAMPERED"
	exits 14 report tieout
	has "$output" PASS
	grep -E '^runs amount +EUR .* -0\.01 +FAIL$' <<<"$output"
	exits 14 report tieout --format csv
	# A number below zero is no formula.
	grep -E '^runs amount,EUR,.*,-0\.01,FAIL$' <<<"$output"
	exits 14 report tieout --format jsonl
	is "$(json "[${output//$'\n'/,}]" "(SELECT r->>'difference' FROM json_array_elements(j) r
		WHERE r->>'check' = 'runs amount' AND r->>'result' = 'FAIL')")" -0.01
	exits 14 report tieout --format json
	is "$(json "$output" "(SELECT count(*) FROM json_array_elements(j->'rows') r
		WHERE r->>'check' = 'runs amount' AND r->>'result' = 'FAIL')")" 1
}

@test "--detail of a tie-out that fails names the subscription and the ties, with exit code 14" {
	local format

	use "$TAMPERED"
	for format in table jsonl; do
		exits 14 report tieout --detail --format $format
		has "$output" FAIL
		lacks "$output" PASS
	done
	is "$(json "$(grep amount-differs <<<"$output")" "format('%s %s', j->>'subscription_id', j->>'detail' <> '')")" '3 t'
	has "$(grep '"runs amount"' <<<"$output")" 'in EUR: left '
}

@test "a tie-out that fails is written to its file all the same" {
	use "$TAMPERED"
	exits 14 report tieout --format csv --output "$file" --manifest
	is "$output" ''
	grep -E '^runs amount,EUR,.*,FAIL$' "$file"
	is "$(json "$(<"$file.manifest.json")" "j->>'sha256'")" "$(sha256sum "$file" | sed 's/ .*//')"
}

@test "other reports print what is there, tied out or not" {
	use "$TAMPERED"
	exits 0 report audit
	has "$output" FAIL
	exits 0 report billed
}


# Who may, and where.

@test "a member of perennial_reader can run every report, in a session that may only read" {
	local name

	export PGOPTIONS='-c default_transaction_read_only=on'

	for name in $NAMES; do
		as_role reader exits 0 report "$name" --format csv
		is "$output" "$(<"$PRINTED/$name.csv")"
	done
	as_role reader exits 0 report billed --detail
	as_role reader exits 0 report tieout --detail
	as_role reader exits 0 report journal --format hledger
	as_role reader exits 0 report billed --format csv --output "$file" --manifest
}

@test "a role without privileges is exit code 77, for every report, and no file is left" {
	local name

	for name in $NAMES; do
		as_role nobody exits 77 report "$name" --output "$file"
		is "$output" ''
		has "$stderr" 'permission denied'
		has "$stderr" 'hint: '
		is "$(ls -A "$folder")" ''
	done
}

@test "a schema of another version is exit code 78" {
	local name highest

	use_copy "$EMPTY_ONE" version
	highest=$(db 'SELECT max(version) FROM perennial.schema_version')
	db "DELETE FROM perennial.schema_version WHERE version = $highest"
	for name in billed overdue tieout; do
		refuses 78 "has version $((highest - 1)), this program needs $highest" report "$name"
		has "$stderr" 'perennial migrate'
	done
	db "INSERT INTO perennial.schema_version (version, name) VALUES (99, 'future')"
	refuses 78 'has version 99' report billed --output "$file"
	is "$(ls -A "$folder")" ''
}


# Files.

# contains NAME...: so much is in the folder, hidden files among it, and no more.
contains() {
	is "$(ls -A "$folder" | paste -sd' ')" "$*"
}

@test "--output writes what would be printed, and prints nothing" {
	local name=journal format

	for format in table csv json jsonl hledger; do
		exits 0 report $name --format $format --output "$folder/report.$format"
		is "$output" ''
		is "$stderr" ''
		cmp "$folder/report.$format" <(report $name --format $format)
	done
	contains report.csv report.hledger report.json report.jsonl report.table
}

@test "--output takes a name in the current folder, and one that looks like an option" {
	cd "$folder"
	exits 0 report billed --format csv --output plain.csv
	exits 0 report billed --format csv --output=-x.csv
	cmp plain.csv <(report billed --format csv)
	cmp ./-x.csv plain.csv
	contains -x.csv plain.csv
}

@test "--output without a name is refused" {
	cd "$folder"
	wrong '--output needs the name of a file' billed --output ''
	contains ''
}

@test "--output makes a file with the mode that the umask leaves" {
	(umask 027 && report billed --output "$folder/a")
	(umask 000 && report billed --output "$folder/b" --manifest)
	(umask 077 && report billed --output "$folder/c")
	is "$(cd "$folder" && stat -c '%n %a' -- * | paste -sd' ')" 'a 640 b 666 b.manifest.json 666 c 600'
}

@test "--output keeps the mode of an older file" {
	(umask 077 && report billed --output "$file")
	chmod 640 "$file"
	(umask 022 && report billed --output "$file")
	is "$(stat -c %a "$file")" 640
}

@test "--output replaces an older file, does not write into it" {
	echo old >"$file"
	ln "$file" "$folder/link"
	exits 0 report billed --format csv --output "$file"
	cmp "$file" <(report billed --format csv)
	is "$(<"$folder/link")" old
	contains link report.csv
}

@test "--output replaces a symbolic link, and leaves what it points to" {
	echo old >"$folder/target"
	ln -s target "$file"
	exits 0 report billed --format csv --output "$file"
	is "$(<"$folder/target")" old
	[[ -f $file && ! -L $file ]]
	ln -s missing "$folder/dangling"
	exits 0 report billed --format csv --output "$folder/dangling"
	contains dangling report.csv target
}

@test "--output refuses what is not a file, and leaves it as it is" {
	local what

	mkfifo "$folder/pipe"
	mkdir "$folder/folder"
	ln -s /dev/null "$folder/link"
	for what in "$folder/pipe" "$folder/folder" "$folder/link" /dev/null /dev/full /dev/stdout; do
		refuses 73 "cannot write $what: it is not a file" report billed --output "$what"
	done
	[[ -p $folder/pipe && -d $folder/folder && -c /dev/null && -c /dev/full ]]
	contains folder link pipe
	is "$(ls -A "$folder/folder")" ''
}

@test "--output into a folder that is missing, or is none, is exit code 73" {
	echo old >"$file"
	refuses 73 "cannot write $folder/none/a.csv: No such file or directory" report billed --output "$folder/none/a.csv"
	refuses 73 "cannot write $file/report.csv: Not a directory" report billed --output "$file/report.csv"
	is "$(<"$file")" old
	contains report.csv
}

# A process that may only write where it is allowed to, also as root.
bound() {
	if ((EUID == 0)); then
		setpriv --bounding-set=-dac_override --inh-caps=-dac_override "$@"
	else
		"$@"
	fi
}

@test "--output into a folder that may not be written is exit code 73" {
	echo old >"$file"
	chmod 555 "$folder"
	exits 73 bound "$PERENNIAL" -c /dev/null report billed --output "$file"
	has "$stderr" "cannot write $file: Permission denied"
	exits 73 bound "$PERENNIAL" -c /dev/null report billed --output "$folder/new"
	is "$(<"$file")" old
	contains report.csv
	chmod 755 "$folder"
}

@test "a disk that is full is exit code 73, and the older file stays" {
	((EUID == 0)) && mount -t tmpfs -o size=64k "$OWN" "$folder" || skip 'nothing can be mounted here'
	echo old >"$file"
	exits 73 report audit --format csv --output "$file" --manifest
	has "$stderr" 'No space left on device'
	is "$(<"$file")" old
	contains report.csv
}

@test "a file that may not grow is exit code 73, and the older file stays" {
	echo old >"$file"
	# In units of 1024 bytes; what is asked for has half a million.
	exits 73 bash -c 'ulimit -f 64 && exec env --ignore-signal=XFSZ "$@"' bash \
		"$PERENNIAL" -c /dev/null report audit --period 2024-03 --format csv --output "$file" --manifest
	has "$stderr" 'File too large'
	is "$(<"$file")" old
	contains report.csv
}

# The rest of the test is about a database where an audit is stuck in the middle of its rows, until let_go.
use_stuck() {
	use "$STUCK"
	keep_open 'SELECT pg_advisory_lock(4711)'
}

IS_STUCK="datname = current_database() AND wait_event = 'advisory'"

# begin COMMAND...: an audit into $file, where there is an older one; it is stuck with a part of it written, as process
# $pid.
begin() {
	local end=$((SECONDS + 30)) new

	echo old >"$file"
	env --default-signal=INT,TERM,HUP "$@" "$PERENNIAL" -c /dev/null report audit --period 2024-03 --format table \
		--output "$file" --manifest 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	pid=$!
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $IS_STUCK)"
	until new=$(compgen -G "$file.??????") && (($(stat -c %s "$new") > 65536)); do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# ended CODE: so the process ends.
ended() {
	local code=0

	wait "$pid" || code=$?
	is "$code" "$1"
}

@test "whoever looks while a report is written finds the older file, and then the new one, whole" {
	use_stuck
	begin
	is "$(<"$file")" old
	let_go
	ended 0
	contains report.csv report.csv.manifest.json
	cmp "$file" <(report audit --format table)
	is "$(json "$(<"$file.manifest.json")" "j->>'sha256'")" "$(sha256sum "$file" | sed 's/ .*//')"
}

@test "a signal ends a report, and leaves the older file and no other" {
	local signal

	use_stuck
	for signal in TERM INT HUP; do
		begin
		kill -s $signal "$pid"
		ended $((128 + $(kill -l $signal)))
		is "$(<"$file")" old
		contains report.csv
		let_go
		wait_for "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE $IS_STUCK)"
		keep_open 'SELECT pg_advisory_lock(4711)'
	done
}

@test "a hangup that was to be ignored, as nohup does, does not end a report" {
	use_stuck
	begin env --ignore-signal=HUP
	kill -s HUP "$pid"
	let_go
	ended 0
	contains report.csv report.csv.manifest.json
}

@test "kill -9 leaves the older file, and what was written of the new one" {
	use_stuck
	begin
	kill -s KILL "$pid"
	ended 137
	is "$(<"$file")" old
	is "$(ls -A "$folder" | wc -l)" 2
	# Which is in nobody's way.
	let_go
	report audit --format csv --output "$file"
	cmp "$file" <(report audit --format csv)
}

@test "a server that goes away in the middle is exit code 75, and the older file stays" {
	use_stuck
	begin
	db "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $IS_STUCK" >/dev/null
	ended 75
	is "$(<"$file")" old
	contains report.csv
	has "$(<"$BATS_TEST_TMPDIR/stderr")" 'terminating connection'
}

@test "a fault of the server in the middle of the rows leaves the older file" {
	use_stuck
	begin
	db "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE $IS_STUCK" >/dev/null
	ended 75
	is "$(<"$file")" old
	contains report.csv
}


# Manifests.

@test "a manifest says what its file is: rows, sums by currency, size and checksum" {
	local name

	for name in $NAMES 'billed --detail'; do
		# shellcheck disable=SC2086 # two words
		report $name --format csv --output "$folder/${name// /}.csv" --manifest
		cmp "$folder/${name// /}.csv" "$PRINTED/${name// /}.csv"
	done
	python "$folder" <<-'END'
		import collections, csv, hashlib, json, pathlib, re, sys
		paths = sorted(pathlib.Path(sys.argv[1]).glob('*.csv'))
		for path in paths:
		    manifest = json.loads(pathlib.Path(f'{path}.manifest.json').read_text(encoding='utf-8'))
		    raw = path.read_bytes()
		    rows = list(csv.DictReader(path.open(newline='', encoding='utf-8')))
		    sums = collections.defaultdict(collections.Counter)
		    for row in rows:
		        for name, value in row.items():
		            if name.endswith('_minor') and row['currency']:
		                sums[row['currency']][name] += int(value or 0)
		    name, _, detail = path.stem.partition('--')
		    wanted = {'report': name, 'detail': bool(detail), 'currency': None, 'plan': None,
		              'file': path.name, 'format': 'csv', 'bytes': len(raw),
		              'sha256': hashlib.sha256(raw).hexdigest(), 'rows': len(rows), 'sums': sums}
		    wanted |= {'as_of': '2024-04-01T00:00:00Z'} if name in ('overdue', 'holds') else {
		        'from': '2024-03-01', 'to': '2024-04-01', 'is_over': True, 'time_zone': 'UTC'}
		    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', manifest.pop('generated_at')), path
		    assert manifest.pop('version'), path
		    assert manifest == wanted, (path, manifest, wanted)
		assert len(paths) == 13
	END
}

@test "a manifest has the rows and sums of the report, whatever the format, and the checksum of the file" {
	local format csv

	report billed --format csv --currency EUR --plan pro --output "$file" --manifest
	csv=$(json "$(<"$file.manifest.json")" "format('%s %s', j->>'rows', j->>'sums')")
	is "${csv%% *}" 2
	for format in table json; do
		exits 0 report billed --format $format --currency EUR --plan pro --output "$folder/b.$format" --manifest
		is "$(json "$(<"$folder/b.$format.manifest.json")" "format('%s %s', j->>'rows', j->>'sums')")" "$csv"
		is "$(json "$(<"$folder/b.$format.manifest.json")" "format('%s %s %s', j->>'format', j->>'currency', j->>'plan')")" \
			"$format EUR pro"
		is "$(json "$(<"$folder/b.$format.manifest.json")" "format('%s %s', j->>'sha256', j->>'bytes')")" \
			"$(sha256sum "$folder/b.$format" | sed 's/ .*//') $(stat -c %s "$folder/b.$format")"
	done
	report journal --format hledger --output "$folder/j" --manifest
	is "$(json "$(<"$folder/j.manifest.json")" "j->>'sha256'")" "$(sha256sum "$folder/j" | sed 's/ .*//')"
}

@test "the manifest of an empty report has no rows and no sums" {
	use "$EMPTY_ONE"
	report billed --format csv --output "$file" --manifest
	is "$(json "$(<"$file.manifest.json")" "format('%s %s %s', j->>'rows', j->>'sums', j->>'file')")" '0 {} report.csv'
}

@test "the manifest of a file whose name is not plain is JSON" {
	cd "$folder"
	report billed --format csv --output $'a "b"\\ \n.csv' --manifest
	python <<-'END'
		import glob, json
		(path,) = glob.glob('*.json')
		assert json.load(open(path))['file'] + '.manifest.json' == path
	END
}

@test "a manifest that cannot be written leaves the older file and the older manifest" {
	report billed --format csv --output "$file" --manifest
	echo old >"$file"
	rm "$file.manifest.json"
	mkdir "$file.manifest.json"
	refuses 73 "cannot write $file.manifest.json: it is not a file" report billed --output "$file" --manifest
	is "$(<"$file")" old
	contains report.csv report.csv.manifest.json
	rmdir "$file.manifest.json"
	echo older >"$file.manifest.json"
	# Its name is longer than that of a file may be.
	long=$folder/$(printf 'x%.0s' {1..245})
	exits 73 report billed --output "$long" --manifest
	contains report.csv report.csv.manifest.json
	is "$(<"$file.manifest.json")" older
}


# Standard output.

# A process whose standard output nobody reads.
unread() {
	/usr/bin/python3 -I -c '
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
os.execv(sys.argv[1], sys.argv[1:])' "$PERENNIAL" -c /dev/null "$@"
}

@test "a closed pipe ends a report quietly with exit code 73, from the first row or in the middle" {
	local format code

	for format in table csv json jsonl; do
		{
			code=0
			report audit --format $format 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
			echo "$code" >"$BATS_TEST_TMPDIR/code"
		} | head -n 1 >/dev/null
		is "$(<"$BATS_TEST_TMPDIR/code")" 73
		is "$(<"$BATS_TEST_TMPDIR/stderr")" ''
		exits 73 unread report billed --format $format --period 2024-03
		is "$stderr" ''
	done
	exits 73 unread report journal --format hledger --period 2024-03
	exits 73 unread report tieout --period 2024-03
}

@test "an output that cannot be written is exit code 73" {
	local name code

	for name in billed schedule holds tieout; do
		code=0
		report "$name" >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
		is "$code" 73
		has "$(<"$BATS_TEST_TMPDIR/stderr")" 'cannot write to standard output: No space left on device'
	done
	# A tie-out that nobody can read has not failed.
	code=0
	PGDATABASE=$TAMPERED report tieout >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
	is "$code" 73
	code=0
	report billed --format csv >&- 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
	is "$code" 73
}


# Memory.

# The most memory that the program had, in KiB; that of the Python which starts it is the least that can be seen.
peak_of() {
	/usr/bin/python3 -I -S -c '
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
code = os.waitstatus_to_exitcode(status)
if code != 0:
    sys.exit(f"exit code {code}")
print(usage.ru_maxrss, file=open(sys.argv[1], "w"))' "$BATS_TEST_TMPDIR/peak" "$PERENNIAL" -c /dev/null "$@"
	cat "$BATS_TEST_TMPDIR/peak"
}

@test "a report of ${PERENNIAL_REPORT_ROWS:-200000} rows needs less than 24 MiB" {
	local many=${PERENNIAL_REPORT_ROWS:-200000} form kib rows

	if nm "$PERENNIAL" | grep -q '__[at]san_init'; then
		skip 'a build with sanitizers'
	fi
	use_copy "$EMPTY_ONE" many
	given "add(1, 'active', '2024-02-29')"
	given_events "$many"
	for form in 'billed --detail --format table' \
		"billed --detail --format csv --manifest --output $file"; do
		# shellcheck disable=SC2086 # several words
		kib=$(peak_of report --from 2024-01-01 --to 2025-01-01 $form)
		echo "# $form: $kib KiB" >&3
		((kib < 24 * 1024))
	done
	rows=$(wc -l <"$file")
	is "$rows" $((many + 1))
}
