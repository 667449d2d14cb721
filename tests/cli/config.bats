# config: the configuration file.  Every mistake in it is told at once, with file and line, before anything else.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

setup() {
	file=$BATS_TEST_TMPDIR/perennial.conf
}

# write LINE...: the configuration of the test.
write() {
	printf '%s\n' "$@" >"$file"
}

with_file() {
	"$PERENNIAL" -c "$file" "$@"
}

# told CODE LINE TEXT: the file is refused with that message about that line.
told() {
	exits 78 with_file plan
	is "$output" ''
	has "$stderr" "$file:$1: $2"
}

# refused TEXT: the one problem of the file is told as being in its first line.
refused() {
	told 1 "$1"
	has "$stderr" "the configuration $file has 1 problem"
	lacks "$stderr" 'has 1 problems'
}

# The table of keys in the source: path, kind, least, most and default of each, apart by |.
table_of_keys() {
	tr '\n\t' '  ' <"$SOURCE/src/cmd/config.c" |
		grep -oE '\{ *"[a-z_]+\.[a-z_]+", *KEY_[A-Z]+, *[0-9]+, *[0-9]+, *"[^"]*"' |
		sed -E 's/\{ *"([^"]*)", *KEY_([A-Z]*), *([0-9]+), *([0-9]+), *"([^"]*)"/\1|\2|\3|\4|\5/'
}

# conf/perennial.conf with all its settings in force; the lines up to the first empty one are its head.
uncommented() {
	sed '1,/^$/ !s/^# \{0,1\}//' "$CONF"
}

# A kind's wrong value.
wrong_for() {
	case $1 in
	BOOL) echo '"true"' ;;
	INT) echo '"3"' ;;
	*) echo 60 ;;
	esac
}

@test "conf/perennial.conf as shipped is accepted" {
	exits 0 "$PERENNIAL" -c "$CONF" plan
	is "$stderr" ''
}

@test "conf/perennial.conf with every setting uncommented is accepted" {
	uncommented >"$file"
	is "$(grep -c '^[a-z_]*: {' "$file")" "$(table_of_keys | sed 's/\..*//' | sort -u | wc -l)"
	exits 0 with_file plan
	is "$stderr" ''
}

@test "conf/perennial.conf shows every key of the table with its default, and no other" {
	local shown

	shown=$(uncommented | awk '
		/^[a-z_]+: *\{/ { group = $1; sub(/:.*/, "", group) }
		/^\t[a-z_]+ = / { value = $0; sub(/^[^=]*= */, "", value); sub(/; *(#.*)?$/, "", value); gsub(/"/, "", value)
		                  print group "." $1 "=" value }')
	is "$shown" "$(table_of_keys | awk -F'|' '{ print $1 "=" $5 }')"
	(($(wc -l <<<"$shown") >= 8))
}

@test "conf/perennial.conf says the bounds of every number" {
	local path kind least most fallback

	while IFS='|' read -r path kind least most fallback; do
		[[ $kind != INT ]] || has "$(uncommented | grep -E "^	${path#*.} = $fallback;")" "$least to $most"
	done < <(table_of_keys)
}

@test "an empty file is accepted" {
	write ''
	exits 0 with_file plan
}

@test "a value of the wrong type is refused, for every key" {
	local path kind least most fallback count=0

	while IFS='|' read -r path kind least most fallback; do
		write "${path%.*}: { ${path#*.} = $(wrong_for "$kind"); };"
		refused "$path: not "
		write "${path%.*}: { ${path#*.} = { }; };"
		refused "$path: not "
		count=$((count + 1))
	done < <(table_of_keys)
	((count >= 8))
}

@test "a number is neither a fraction, nor long, nor a word" {
	local value

	for value in 10.0 1e3 10L true '"10"' '( 10 )' '[ 10 ]'; do
		write "run: { batch_size = $value; };"
		refused 'run.batch_size: not a whole number'
	done
}

@test "true and false are not said with numbers or texts" {
	local value

	for value in 0 1 '"false"' '"yes"'; do
		write "database: { prepared_statements = $value; };"
		refused 'database.prepared_statements: not true or false'
	done
}

@test "a number out of range is refused, for every key" {
	local path kind least most fallback value count=0

	while IFS='|' read -r path kind least most fallback; do
		[[ $kind == INT ]] || continue
		for value in $((least - 1)) $((most + 1)) -1 2147483647; do
			write "${path%.*}: { ${path#*.} = $value; };"
			refused "$path: $value is out of range, $least to $most"
		done
		for value in $least $most; do
			write "${path%.*}: { ${path#*.} = $value; };"
			exits 0 with_file plan
		done
		count=$((count + 1))
	done < <(table_of_keys)
	((count >= 2))
}

@test "a number too big for the machine is refused, whatever is left of it when it wraps" {
	local value

	for value in 99999999999 4294967297 -4294967295 18446744073709551617 0x100000001; do
		write "run: { batch_size = $value; };"
		told 1 'a number is too large'
	done
}

@test "a duration needs a number and a unit, from 1ms to 24h" {
	local key value

	for key in statement_timeout lock_timeout; do
		for value in '' 60 s 0s 0ms -1s +1s ' 1s' '1 s' '1s ' 1.5s 1m 1d 60S 25h 1441min 86401s 86400001ms \
			99999999999999999999s 1s1s; do
			write "run: { $key = \"$value\"; };"
			refused "run.$key: not a duration from 1ms to 24h"
		done
		for value in 1ms 86400000ms 86400s 1440min 24h; do
			write "run: { $key = \"$value\"; };"
			exits 0 with_file plan
		done
	done
}

@test "an unknown facility or level of the log is refused" {
	write 'log: { syslog_facility = "kern"; };'
	refused 'log.syslog_facility: not one of daemon, user, cron, local0 to local7'
	write 'log: { level = "INFO"; };'
	refused 'log.level: not one of error, warning, notice, info, debug'
}

@test "every facility and level that is named is accepted" {
	local value

	for value in daemon user cron local0 local1 local2 local3 local4 local5 local6 local7; do
		write "log: { syslog_facility = \"$value\"; };"
		exits 0 with_file plan
	done
	for value in error warning notice info debug; do
		write "log: { level = \"$value\"; };"
		exits 0 with_file plan
	done
}

@test "an amount is decimal text and a currency, and stands in a list" {
	local value

	for value in '"1000 EUR"' '9' 'true'; do
		write "limits: { max_amount = $value; };"
		refused 'limits.max_amount: not a list, such as ( "250000.00 EUR", "9000000 JPY" )'
	done
	for value in '1000' '"1000"' '"EUR"' '"EUR 1000"' '"1000 eur"' '"1000 EURO"' '"1000  EUR"' '"1000 EUR "' '" 1000 EUR"' \
		'"-1 EUR"' '"+1 EUR"' '"1,5 EUR"' '"1. EUR"' '".5 EUR"' '"1.00001 EUR"' '"1e3 EUR"' '"123456789012345678901234 EUR"' \
		'""' '"1000\tEUR"'; do
		write "limits: { max_amount = ( $value ); };"
		refused 'limits.max_amount: not an amount with its currency, such as "250000.00 EUR"'
	done
	write 'limits: { max_amount = ( "1 EUR", "2 JPY",' '"3 EUR" ); };'
	told 2 'limits.max_amount: a currency stands there twice'
}

@test "amounts may be none, several, or an array" {
	local value

	for value in '()' '( "0 EUR" )' '( "250000.00 EUR", "9000000 JPY", "1.234 KWD" )' '[ "1.5 EUR" ]' \
		'( "12345678901234567890.12 EUR" )'; do
		write "limits: { max_amount = $value; };"
		exits 0 with_file plan
	done
}

@test "a limit of a currency that the database does not have, or with too many decimals, is exit code 78" {
	write 'limits: { max_amount = ( "1 EUR", "5 ZZZ" ); };'
	given "add(1, 'active', '2024-02-29')"
	exits 78 with_file plan --as-of "$AS_OF"
	has "$stderr" 'limits.max_amount: there is no currency ZZZ'
	exits 78 with_file run --as-of "$AS_OF"
	is "$(db 'SELECT result, exit_code FROM perennial.run')" 'failed|78'
	write 'limits: { max_amount = ( "1.5 JPY" ); };'
	exits 78 with_file plan --as-of "$AS_OF"
	has "$stderr" 'limits.max_amount: JPY has 0 decimals, "1.5 JPY" has more'
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 0
}

@test "a text too long is refused" {
	write "database: { connection = \"$(printf '%600s' '')\"; };"
	refused 'database.connection: too long'
}

@test "an unknown key is refused" {
	write 'run: { batch_sice = 10; };'
	refused 'run.batch_sice: unknown key'
	write "run: { $(printf 'k%.0s' {1..300}) = 10; };"
	refused 'run.kkk'
}

@test "an unknown group is refused" {
	write 'runs: { batch_size = 10; };'
	refused 'runs: unknown key'
}

@test "a key outside of its group is refused" {
	write 'batch_size = 10;'
	refused 'batch_size: unknown key'
}

@test "an unknown key names the one that is near" {
	local wrong near

	while read -r wrong near; do
		write "$wrong { workres = 2; };"
		refused "${wrong%:}.workres: unknown key; did you mean $near?"
	done <<-EOF
		run: run.workers
		limits: run.workers
	EOF
	write 'run: { Batch_Size = 10; };'
	refused 'run.Batch_Size: unknown key; did you mean run.batch_size?'
	write 'run: { lock_timeotu = "1s"; };'
	refused 'run.lock_timeotu: unknown key; did you mean run.lock_timeout?'
}

@test "a key outside of its group names the one it would be" {
	write 'batch_size = 10;'
	refused 'batch_size: unknown key; did you mean run.batch_size?'
}

@test "an unknown group names the one that is near" {
	write 'runs: { batch_size = 10; };'
	refused 'runs: unknown key; did you mean run?'
	write 'lgo: { level = "info"; };'
	refused 'lgo: unknown key; did you mean log?'
}

@test "an unknown key that is near to none names none" {
	local key text

	while read -r key text; do
		write "$text"
		refused "$key: unknown key"
		lacks "$stderr" 'did you mean'
	done <<-EOF
		run.x run: { x = 1; };
		run.forks run: { forks = 1; };
		nonsense nonsense = 1;
		workers workers: { run = 2; };
	EOF
}

@test "a group that is none is refused" {
	write 'run = 10;'
	refused 'run: not a group'
	write 'run: ( { batch_size = 10; } );'
	refused 'run: not a group'
}

@test "a syntax error is told with its line" {
	# A text at that place would make libconfig forget its memory.
	write 'run: {' '	batch_size = 10;' '	batch_number 10;' '};'
	told 3 'syntax error'
	write 'run: { batch_size = 10; '
	told 2 'syntax error'
	write 'just words'
	told 1 'syntax error'
}

@test "a key or group that is given twice is refused" {
	write 'run: {' '	batch_size = 10;' '	batch_size = 20;' '};'
	told 3 'duplicate setting name'
	write 'run: { batch_size = 10; };' 'run: { lock_timeout = "5s"; };'
	told 2 'duplicate setting name'
}

@test "several problems are told all at once, each with its line" {
	write 'run: {' '	batch_size = 0;' '	lock_timeout = "soon";' '};' 'catch_up: { periods = 3; };' \
		'log = "debug";' 'database: { prepared_statements = 1; connection = 5; };'
	exits 78 with_file plan
	has "$stderr" "$file:2: run.batch_size: 0 is out of range, 1 to 10000"
	has "$stderr" "$file:3: run.lock_timeout: not a duration"
	has "$stderr" "$file:5: catch_up.periods: unknown key"
	has "$stderr" "$file:6: log: not a group"
	has "$stderr" "$file:7: database.prepared_statements: not true or false"
	has "$stderr" "$file:7: database.connection: not a text in double quotes"
	has "$stderr" "the configuration $file has 6 problems"
}

@test "another file cannot be included: the run's checksum would not tell of it" {
	printf 'run: { batch_size = 7; };\n' >"$BATS_TEST_TMPDIR/more.conf"
	write '# more' '' '' "@include \"$BATS_TEST_TMPDIR/more.conf\""
	told 4 '@include is not supported'
}

@test "what looks like an include or a big number may stand in a comment or a text" {
	write '# @include "x"' '// 99999999999' '/* 99999999999 @' '*/ log: { level = "info"; };' \
		'database: { connection = "application_name='"'"'@include \" 99999999999'"'"'"; };'
	exits 0 with_file plan
}

@test "a bad configuration stops every command before it meets the server" {
	local command

	write 'run: { batch_size = 0; };'
	for command in run plan 'run --dry-run' migrate 'migrate --print'; do
		# shellcheck disable=SC2086
		PGPORT=1 exits 78 with_file $command
		is "$output" ''
	done
}

@test "a file that is missing is exit code 78" {
	refuses 78 "cannot read the configuration $file: No such file or directory" -c "$file" plan
}

@test "a folder as file is exit code 78" {
	refuses 78 "cannot read the configuration $BATS_TEST_TMPDIR: Is a directory" -c "$BATS_TEST_TMPDIR" plan
}

@test "a file that may not be read is exit code 78" {
	((EUID != 0)) || skip 'permissions do not bind root'
	write ''
	chmod 000 "$file"
	refuses 78 "cannot read the configuration $file: Permission denied" -c "$file" plan
}

@test "a file that is no text is exit code 78" {
	printf 'run: { batch_size = 10; };\0run: { nonsense = 1; };\n' >"$file"
	told 1 'not a text file'
}

@test "a file of more than a megabyte is exit code 78" {
	yes '# nothing' | head -c 1100000 >"$file"
	refuses 78 "cannot read the configuration $file: File too large" -c "$file" plan
}

@test "the connection of the file is used" {
	write "database: { connection = \"dbname=$PGDATABASE\"; };"
	PGDATABASE=postgres exits 0 with_file plan
	has "$output" "on database $PGDATABASE"
}

@test "the command line's connection wins over the file's" {
	local conninfo="dbname=$PGDATABASE"

	write 'database: { connection = "dbname=postgres port=1"; };'
	PGDATABASE=postgres exits 0 with_file -d "$conninfo" plan
	has "$output" "on database $PGDATABASE"
}

@test "a connection of the file that is none is exit code 78, and its password is not shown" {
	write 'database: { connection = "hots=localhost password=open-sesame"; };'
	exits 78 with_file plan
	has "$stderr" 'the connection string is not valid: invalid connection option "hots"'
	lacks "$stderr" open-sesame
}

@test "the batch size of the file is used, and --batch-size wins over it" {
	local rows

	# One account: all in one bucket.
	rows=("add("{1..7}", 'active', '2024-02-29', account => 1)")
	given "${rows[@]}"
	write 'run: { batch_size = 3; };'
	exits 0 with_file run --as-of "$AS_OF"
	is "$(db "SELECT array_agg(claimed ORDER BY batch_id) FROM perennial.batch")" '{3,3,1}'

	given "${rows[@]}"
	exits 0 with_file run --as-of "$AS_OF" --batch-size 5
	is "$(db "SELECT array_agg(claimed ORDER BY batch_id) FROM perennial.batch")" '{5,2}'

	given "${rows[@]}"
	exits 0 perennial run --as-of "$AS_OF"
	is "$(db "SELECT array_agg(claimed ORDER BY batch_id) FROM perennial.batch")" '{7}'
}

@test "the periods of the file that may be caught up are counted" {
	# Three periods behind: 1 January, 1 February and 1 March have passed.
	local three="add(1, 'active', '2024-01-01')"

	write 'catch_up: { max_periods = 3; };'
	given "$three"
	exits 0 with_file run --as-of "$AS_OF"
	is "$(db "SELECT count(*) FROM perennial.outcome")" 3

	write 'catch_up: { max_periods = 2; };'
	given "$three"
	exits 10 with_file run --as-of "$AS_OF"
	is "$(db "SELECT count(*) FROM perennial.outcome")" 0
	is "$(db "SELECT hold_reason FROM perennial.subscription")" catch_up_limit
}

@test "without prepared statements a run does the same" {
	local wanted

	given_all
	exits 0 perennial run --as-of "$AS_OF"
	wanted=$(work_done)
	given_all
	write 'database: { prepared_statements = false; };'
	exits 0 with_file run --as-of "$AS_OF"
	is "$(work_done)" "$wanted"
	exits 0 with_file plan --as-of "$AS_OF"
}

@test "a wait for a lock ends after lock_timeout, with exit code 75 and nothing written" {
	local before

	given "add(1, 'active', '2024-02-29')"
	before=$(md5_of physical subscription outcome event notification_job batch batch_total)
	keep_open 'LOCK TABLE perennial.outcome IN EXCLUSIVE MODE'
	write 'run: { lock_timeout = "100ms"; statement_timeout = "30s"; retry_for = "1ms"; };'
	SECONDS=0
	exits 75 with_file run --as-of "$AS_OF"
	let_go
	((SECONDS < 20))
	has "$stderr" 'lock timeout'
	is "$(md5_of physical subscription outcome event notification_job batch batch_total)" "$before"
	is "$(db "SELECT result, exit_code FROM perennial.run")" 'failed|75'
}

@test "a statement ends after statement_timeout, with exit code 75 and nothing written" {
	local before

	given "add(1, 'active', '2024-02-29')"
	before=$(md5_of physical subscription outcome event notification_job batch batch_total)
	keep_open 'LOCK TABLE perennial.outcome IN EXCLUSIVE MODE'
	write 'run: { lock_timeout = "30s"; statement_timeout = "100ms"; retry_for = "1ms"; };'
	SECONDS=0
	exits 75 with_file run --as-of "$AS_OF"
	let_go
	((SECONDS < 20))
	has "$stderr" 'statement timeout'
	is "$(md5_of physical subscription outcome event notification_job batch batch_total)" "$before"
}

@test "max_rows_per_second holds for all workers together, and no batch has more" {
	local rows=("add("{1..6}", 'active', '2024-02-29')" "add("{7..12}", 'active', '2024-02-29', account => 7)")

	given "${rows[@]}"
	write 'run: { max_rows_per_second = 4; };'
	exits 0 with_file plan --as-of "$AS_OF" --format json
	has "$output" '"batches":8,'
	for workers in 1 3; do
		given "${rows[@]}"
		exits 0 with_file run --as-of "$AS_OF" --workers "$workers"
		is "$(db 'SELECT count(*) FROM perennial.outcome')" 12
		# The first four have no wait.
		is "$(db "SELECT bool_and(claimed <= 4), max(b.committed_at) - min(r.started_at) > interval '1.9 s'
		          FROM perennial.batch b, perennial.run r")" 't|t'
	done
}

@test "a run that waits because of max_rows_per_second can be stopped" {
	given "add("{1..30}", 'active', '2024-02-29', account => 1)"
	write 'run: { max_rows_per_second = 1; };'
	SECONDS=0
	exits 11 timeout --preserve-status -s TERM 2 "$PERENNIAL" -c "$file" run --as-of "$AS_OF"
	((SECONDS < 20))
	is "$(db 'SELECT result FROM perennial.run')" left
}
