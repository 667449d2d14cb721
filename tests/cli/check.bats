# check: whatever is wrong, from the configuration to the data, is told at once, with what to do about it.
#
# tests/cli/check_golden holds what a database is told in which all is well, and a broken one, character by character.
# Where that is meant to change: PERENNIAL_GOLDEN=renew make check T=tests/cli/check.bats
# writes these files anew, for a person to read the difference.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load helper

setup_file() {
	own_database
	role reader 'IN ROLE perennial_reader'
	role operator 'IN ROLE perennial_operator'
	role batch 'IN ROLE perennial_batch'
	role app 'IN ROLE perennial_app'
	role nobody
	db "CREATE ROLE ${OWN}open LOGIN PASSWORD 'sesame' IN ROLE perennial_reader"
	createdb -T "$PERENNIAL_TEMPLATE" "${OWN}template"
}

teardown_file() {
	drop_own
}

setup() {
	file=$BATS_TEST_TMPDIR/perennial.conf
	printf 'run: { statement_timeout = "60s"; };\n' >"$file"
	chmod 644 "$file"
}

write() {
	printf '%s\n' "$@" >"$file"
}

# check [OPTION...]
# shellcheck disable=SC2120 # run gives them
check() {
	"$PERENNIAL" -c "$file" check "$@"
}

# A message of a line of this kind about this check, and what to do.
says() {
	has "$output" "$(printf '%-8s %-13s %s' "$1" "$2" "$3")"
	[[ -z ${4-} ]] || has "$output" "$(printf '%-8s %-13s %s\n%-22s %s' "$1" "$2" "$3" '' "$4")"
}

# Which checks have findings of this kind.
which_are() {
	sed -n "s/^$1 *\([a-z]*\) .*/\1/p" <<<"$output" | uniq | xargs
}

# golden FILE: the output is that of the file, but for what differs from server to server.
golden() {
	local wanted=$BATS_TEST_DIRNAME/check_golden/$1 printed=$BATS_TEST_TMPDIR/$1

	sed -E -e "s|$BATS_TEST_TMPDIR/||; s/$OWN/own_/g; s/${PGUSER-$(id -un)}( is a superuser|,)/OWNER\1/" \
		-e 's/ on [^ ]* port [0-9]+/ on HOST port PORT/; s/PostgreSQL [0-9.]+(, encrypted)?/PostgreSQL VERSION/' \
		-e 's/version [0-9]+/version N/; s/[0-9]+ (indexes|constraints)/N \1/g; s/within [0-9.]+ s/within SOME s/' \
		-e '/^[a-z]* *durability/,/^[a-z]* *clock/ { /clock/ !d }' <<<"$output" >"$printed"
	[[ ${PERENNIAL_GOLDEN-} != renew ]] || cp "$printed" "$wanted"
	diff -u "$wanted" "$printed"
}

@test "a folder of metrics.file that is not there is a warning" {
	echo 'metrics: { file = "/no/such/folder/perennial.prom"; };' >"$BATS_TEST_TMPDIR/metrics.conf"
	exits 0 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/metrics.conf" check
	has "$output" 'warning  configuration the folder of metrics.file is not there, or may not be written'
	echo "metrics: { file = \"$BATS_TEST_TMPDIR/perennial.prom\"; };" >"$BATS_TEST_TMPDIR/metrics.conf"
	exits 0 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/metrics.conf" check
	lacks "$output" metrics.file
}

@test "a metrics.file that the node exporter would leave out is a warning" {
	write "metrics: { file = \"$BATS_TEST_TMPDIR/perennial.txt\"; };"
	exits 0 check
	says warning configuration 'the name of metrics.file does not end with .prom' 'the node exporter leaves out'
	write "metrics: { file = \"$BATS_TEST_TMPDIR/perennial.prom\"; };"
	exits 0 check
	says ok configuration "$file has no problem"
}

@test "a limit in a currency that is not there, or with too many decimals, is exit code 78" {
	write 'limits: { max_amount = ( "10.00 EUR", "10 XYZ" ); };'
	exits 78 check
	is "$(which_are error)" limits
	says error limits 'limits.max_amount: there is no currency XYZ' 'the table perennial.currency has all of them'
	has "$(which_are ok)" runs
	write 'limits: { max_amount = ( "10.00 EUR", "10.5 JPY" ); };'
	exits 78 check
	says error limits 'limits.max_amount: JPY has 0 decimals, "10.5 JPY" has more'
	write 'limits: { max_amount = ( "10.00 EUR", "10 JPY" ); };'
	exits 0 check
	says ok limits 'limits.max_amount has no currency that the database lacks'
}

@test "the owner of a fresh database is told that all is well" {
	PGDATABASE=${OWN}template exits 0 check
	is "$stderr" ''
	golden owner
}

@test "each role is told that all is well, and what it may do" {
	local role

	export PGDATABASE=${OWN}template
	for role in reader operator batch; do
		as_role $role exits 0 check
		is "$stderr" ''
		golden $role
	done
}

@test "a login in none of the roles is told so, with exit code 77" {
	as_role nobody exits 77 check
	golden nobody
	as_role app exits 77 check
	says error privileges "${OWN}app is in none of perennial_batch, perennial_operator and perennial_reader"
}

@test "an owner that is no superuser is told what all roles lack" {
	role boss
	createdb -O "${OWN}boss" "${OWN}owned"
	export PGDATABASE=${OWN}owned
	as_role boss perennial migrate
	as_role boss exits 0 check
	says ok privileges "${OWN}boss owns the schema: may do everything"
	as_role boss db 'REVOKE EXECUTE ON FUNCTION perennial.cancel FROM perennial_app'
	as_role boss exits 77 check
	says error privileges 'perennial_app lacks EXECUTE on cancel' \
		'the owner runs: GRANT EXECUTE ON FUNCTION perennial.cancel TO perennial_app;'
}

@test "durability is told as the server has it" {
	local off

	off=$(db "SELECT string_agg(name || ' is off', ' ' ORDER BY name) FROM pg_settings
	          WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'")
	exits 0 check
	is "$(sed -nE 's/^warning  durability +([a-z_]+ is off):.*/\1/p' <<<"$output" | xargs)" "$off"
	PGOPTIONS='-c synchronous_commit=off' exits 0 check
	says warning durability 'synchronous_commit is off: batches that were committed last may be lost in a crash'
	has "$output" 'ALTER SYSTEM SET synchronous_commit = on;'
}

@test "each problem of the configuration is told, and what else there is, with exit code 78" {
	write 'run: { batch_size = 0; };' 'report: { zone = "UTC"; };'
	exits 78 check
	is "$stderr" ''
	says error configuration "$file:1: run.batch_size: 0 is out of range, 1 to 10000" 'perennial.conf(5) has every key'
	says error configuration "$file:2: report.zone: unknown key"
	is "$(which_are ok | sed 's/ durability//')" 'connection schema privileges indexes clock limits zones data runs'
}

@test "a file that cannot be read or parsed is told, and the defaults count" {
	exits 78 "$PERENNIAL" -c "$file.none" check
	says error configuration "cannot read the configuration $file.none: No such file or directory" 'see to the file'
	says ok connection "database $PGDATABASE"
	write 'run: {'
	exits 78 check
	says error configuration "$file:2: syntax error"
	says ok connection "database $PGDATABASE"
}

@test "what could be read of a broken configuration counts" {
	write 'run: { batch_size = 0; };' "database: { connection = \"dbname=$PGDATABASE\"; };"
	PGDATABASE=postgres exits 78 check
	says ok connection "database $PGDATABASE"
}

@test "a file that everybody may write is a warning" {
	chmod 646 "$file"
	exits 0 check
	says warning configuration 'everybody may write the file' 'take that away'
	chmod 664 "$file"
	exits 0 check
	says ok configuration "$file has no problem"
}

@test "a password in the configuration or the command line is a warning, and is not shown" {
	local conninfo

	write "database: { connection = \"user=${OWN}open password=sesame\"; };"
	exits 0 check
	says warning configuration 'database.connection holds a password' 'no secret belongs into this file'
	lacks "$output" sesame
	write ''
	for conninfo in "user=${OWN}open password=sesame" "postgresql://${OWN}open:sesame@/$PGDATABASE"; do
		exits 0 "$PERENNIAL" -c "$file" -d "$conninfo" check
		says warning configuration '-d holds a password' 'ps shows it'
		lacks "$output$stderr" sesame
	done
	exits 0 "$PERENNIAL" -c "$file" -d "dbname=$PGDATABASE" check
	says ok configuration "$file has no problem"
}

@test "times that do not go together are a warning" {
	write 'run: { lock_timeout = "60s"; statement_timeout = "60s"; deadline = "45min"; };'
	exits 0 check
	says warning configuration 'run.lock_timeout is not shorter than run.statement_timeout' 'a wait for a lock then'
	says warning configuration 'run.deadline is not shorter than the 45min that perennial.service has' 'systemd then'
	write 'run: { lock_timeout = "59999ms"; statement_timeout = "60s"; deadline = "2699999ms"; };'
	exits 0 check
	says ok configuration "$file has no problem"
	is "$(sed -n 's/^TimeoutStartSec=//p' "$SOURCE/systemd/perennial.service")" 45min
}

@test "without a server the configuration is told, and exit code 69" {
	chmod 666 "$file"
	PGHOST=127.0.0.1 PGPORT=1 exits 69 check
	is "$stderr" ''
	is "$(which_are warning)/$(which_are error)/$(which_are ok)" configuration/connection/
	says error connection 'cannot connect: ' ''
	has "$output" 'where to connect comes from'
}

@test "a broken configuration comes before a missing server in the exit code" {
	write 'run: { batch_size = 0; };'
	PGHOST=127.0.0.1 PGPORT=1 exits 78 check
	is "$(which_are error)" 'configuration connection'
}

@test "a refused login is exit code 77, an unknown database 78" {
	PGUSER=${OWN}stranger PGPASSWORD=wrong exits 77 check
	is "$(which_are error)" connection
	PGDATABASE=${OWN}none exits 78 check
	says error connection 'cannot connect: '
}

@test "a connection string that is none is exit code 78" {
	exits 78 "$PERENNIAL" -c "$file" -d 'hots=x' check
	says error connection 'the connection string is not valid: invalid connection option "hots"'
}

@test "a connection over the network that is not encrypted is a warning" {
	local conninfo="dbname=$PGDATABASE host=db.example hostaddr=127.0.0.1 sslmode=disable gssencmode=disable"

	[[ $PGHOST != /* ]] || skip 'the server has a socket only'
	exits 0 "$PERENNIAL" -c "$file" -d "$conninfo" check
	says warning connection 'the connection is not encrypted, and goes over the network' 'add sslmode=verify-full'
	exits 0 "$PERENNIAL" -c "$file" -d "${conninfo/db.example/localhost}" check
	lacks "$output" encrypted
}

@test "a connection that can only read is a warning" {
	PGOPTIONS='-c default_transaction_read_only=on' exits 0 check
	says warning connection 'transactions are read-only by default: what writes does not work'
}

@test "without the schema, or with another version, the rest is told, and exit code 78" {
	PGDATABASE=postgres exits 78 check
	says error schema 'the database has no perennial schema' 'install it as its owner-to-be: perennial migrate'
	is "$(which_are error) $(which_are ok | sed 's/ durability//')" 'schema configuration connection clock'

	use_copy "${OWN}template" newer
	db "INSERT INTO perennial.schema_version (version, name) VALUES (99, 'future')"
	exits 78 check
	says error schema "the database's schema has version 99, this program needs"
	is "$(which_are error) $(which_are ok | sed 's/ durability//')" 'schema configuration connection clock'
}

@test "after a restore without privileges each is told with its GRANT, and exit code 77" {
	use_copy "${OWN}template" restored
	db "REVOKE ALL ON SCHEMA perennial FROM perennial_batch;
	    REVOKE ALL ON ALL TABLES IN SCHEMA perennial FROM perennial_batch, perennial_reader"
	exits 77 check
	is "$(which_are error)" privileges
	says error privileges 'perennial_batch lacks USAGE on the schema' \
		'the owner runs: GRANT USAGE ON SCHEMA perennial TO perennial_batch;'
	says error privileges 'perennial_batch lacks INSERT on batch, batch_total, event, notification_job, outcome, run'
	# What the roles themselves are told: their own, and no more.
	as_role batch exits 77 check
	is "$(which_are error)" 'schema privileges'
	lacks "$output" 'perennial_reader lacks'
	as_role reader exits 77 check
	is "$(which_are error)" 'schema privileges'
	says error privileges 'perennial_reader lacks SELECT on batch, batch_total, billed'

	exits 77 check
	db "$(sed -n 's/^ *the owner runs: \(GRANT .*\)/\1/p' <<<"$output")"
	exits 0 check
	as_role batch exits 0 check
}

@test "an index that is gone or not valid is told, and exit code 78" {
	use_copy "${OWN}template" slow
	db "DROP INDEX perennial.subscription_due;
	    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'perennial.notification_job_ready'::regclass"
	exits 78 check
	says error indexes 'the table subscription lacks the index subscription_due' \
		'the owner makes it again: perennial migrate --print shows how'
	says error indexes 'the index notification_job_ready of notification_job is not valid' \
		'the owner runs: REINDEX INDEX CONCURRENTLY perennial.notification_job_ready;'
	has "$(perennial migrate --print)" 'CREATE INDEX subscription_due'
	db 'REINDEX INDEX CONCURRENTLY perennial.notification_job_ready'
	exits 78 check
	is "$(grep -c '^error' <<<"$output")" 1
}

@test "several things that are wrong are all told, and the first error decides the exit code" {
	use_copy "${OWN}template" broken
	db "REVOKE SELECT ON perennial.outcome FROM perennial_reader;
	    ALTER TABLE perennial.subscription DROP CONSTRAINT period_forward;
	    ALTER TABLE perennial.outcome SET (autovacuum_enabled = off);
	    DELETE FROM perennial.time_zone WHERE name = 'Asia/Tokyo';
	    INSERT INTO perennial.run (as_of, started_at) VALUES ('2024-03-01', '2024-03-01')"
	write 'report: { time_zone = "Asia/Tokyo"; };' 'run: { deadline = "2h"; };'
	exits 77 check
	golden broken
	exits 77 check --format json
	is "$(json "$output" "concat_ws(' ', j->'errors', j->'exit_code')")" '3 77'
}

@test "a host's clock that is wrong by more than 5 s is a warning" {
	local wrong

	if nm "$PERENNIAL" | grep -q '__[at]san_init'; then
		skip 'a build with sanitizers'
	fi
	for wrong in 60 -60; do
		LD_PRELOAD=${PERENNIAL%/*}/tests/wrong_clock.so CLOCK_WRONG_S=$wrong exits 0 check
		is "$(sed -nE 's/^warning  clock +//p' <<<"$output" | sed -E 's/(59\.[5-9]|60\.[0-9]) s/60 s/')" \
			"the server's clock is 60 s $( ((wrong > 0)) && echo behind || echo ahead of) this host's"
	done
	LD_PRELOAD=${PERENNIAL%/*}/tests/wrong_clock.so CLOCK_WRONG_S=3 exits 0 check
	says ok clock "the server's clock and this host's agree within 3"
}

@test "a time zone that the server has lost is an error where subscriptions have it" {
	use_copy "$PGDATABASE" zones
	db "INSERT INTO perennial.time_zone VALUES ('Mars/Olympus')"
	exits 0 check
	says ok zones 'the server knows every time zone in use; it has lost Mars/Olympus'
	given "add(1, 'active', '2024-02-29')" "add(2, 'expired', '2024-02-29')"
	db "UPDATE perennial.subscription SET time_zone = 'Mars/Olympus' WHERE subscription_id = 2"
	exits 0 check
	db "UPDATE perennial.subscription SET time_zone = 'Mars/Olympus'"
	exits 78 check
	says error zones 'the server has lost the time zone Mars/Olympus, subscriptions that have it: 1' \
		"update the server's tzdata"
	lacks "$output" 'every time zone'
}

@test "a time zone that the schema does not know is a warning, which migrate mends" {
	use_copy "${OWN}template" tzdata
	db "DELETE FROM perennial.time_zone WHERE name = 'Asia/Tokyo'"
	exits 0 check
	says warning zones 'the server knows time zones that the schema does not: Asia/Tokyo' \
		'the owner adds them: perennial migrate'
	perennial migrate
	exits 0 check
	lacks "$output" Tokyo
}

@test "a report.time_zone that is none is exit code 78" {
	write 'report: { time_zone = "Mars/Olympus"; };'
	exits 78 check
	says error zones 'report.time_zone: there is no time zone "Mars/Olympus"'
}

@test "an account with too many subscriptions is a warning" {
	use_copy "$PGDATABASE" skew
	db "$EMPTY SELECT test.add(id, 'active', '2024-02-29', account => 1) FROM generate_series(1, 1000) id" >/dev/null
	exits 0 check
	says ok data 'subscriptions spread'
	db "SELECT test.add(1001, 'active', '2024-02-29', account => 257)" >/dev/null
	exits 0 check
	is "$(db 'SELECT perennial.bucket_of(1) = perennial.bucket_of(257)')" f
	says ok data 'subscriptions spread'
	db "SELECT test.add(1002, 'active', '2024-02-29', account => 1)" >/dev/null
	exits 0 check
	says warning data 'bucket 1 has 1001 of 1002 subscriptions, account 1 1001 of them' 'work is divided by bucket'
	db "UPDATE perennial.subscription SET hold_reason = 'x', held_at = now() WHERE subscription_id = 1"
	exits 0 check
	says ok data 'subscriptions spread'
}

@test "autovacuum that is off for a table is a warning" {
	use_copy "${OWN}template" vacuum
	db 'ALTER TABLE perennial.run SET (autovacuum_enabled = false, fillfactor = 90)'
	exits 0 check
	says warning data 'autovacuum is off for the table run: it grows, and plans of queries go wrong' \
		'the owner runs: ALTER TABLE perennial.run RESET (autovacuum_enabled);'
	db 'ALTER TABLE perennial.run SET (autovacuum_enabled = on)'
	exits 0 check
	says ok data 'subscriptions spread'
}

@test "runs that died are a warning until one succeeds" {
	use_copy "${OWN}template" died
	db "INSERT INTO perennial.run (as_of, started_at) VALUES ('2024-03-01', '2024-03-01 12:34Z')"
	exits 0 check
	says warning runs 'runs that died since the last success: 1, the last of them run 1'
	has "$output" '2024-03-01 12:34 UTC'
	db "INSERT INTO perennial.run (as_of, started_at, finished_at, result, exit_code)
	    VALUES ('2024-03-01', '2024-03-01 13:34Z', '2024-03-01 13:35Z', 'failed', 75)"
	exits 0 check
	says warning runs 'runs that died since the last success: 1, the last of them run 1'
	db "INSERT INTO perennial.run (as_of, started_at) VALUES ('2024-03-01', '2024-03-01 14:34Z')"
	exits 0 check
	says warning runs 'runs that died since the last success: 2, the last of them run 3'
	has "$output" '2024-03-01 14:34 UTC'
	exits 0 perennial run --as-of "$AS_OF"
	exits 0 check
	says ok runs 'no run has died since the last success'
}

@test "dead notification jobs are a warning" {
	use_copy "$PGDATABASE" dead
	given_all
	exits 0 perennial run --as-of "$AS_OF"
	db "UPDATE perennial.notification_job SET state = 'dead', finished_at = now() WHERE job_id <= 2"
	exits 0 check
	says warning runs 'notification jobs that failed too often and are dead: 2' 'mend the cause'
}

@test "a check that the server does not let through is told, and the others are made" {
	keep_open 'LOCK TABLE perennial.notification_job'
	write 'run: { lock_timeout = "100ms"; };'
	exits 75 check
	let_go
	is "$(which_are error)" runs
	says error runs 'statement "check_runs": canceling statement due to lock timeout'
}

@test "json is one document with the same findings" {
	local text

	exits 0 check
	text=$(cut -c 1-22 <<<"$output" | grep -v '^ ' | xargs -n 2)
	exits 0 check --format json
	is "$(json "$output" "j->>'schema'")" perennial.check/1
	is "$(json "$output" "(SELECT string_agg((f->>'severity') || ' ' || (f->>'check'), E'\n')
	                       FROM json_array_elements(j->'findings') f)")" "$text"
	is "$(json "$output" "concat_ws(' ', j->'ok', j->'warnings', j->'errors', j->'exit_code')")" \
		"$(grep -c ^ok <<<"$text") $(grep -c ^warning <<<"$text" || :) 0 0"
}

@test "names with control characters do not command the terminal, and are JSON" {
	local odd=$'\e[31m"odd\n'

	use_copy "${OWN}template" "$odd"
	exits 0 check
	lacks "$output" $'\e'
	says ok connection "database $OWN [31m\"odd  on"
	exits 0 check --format json
	is "$(json "$output" "strpos(j->'findings'->1->>'message', chr(27) || '[31m\"odd' || chr(10))>0")" t
}

@test "check knows the formats text and json, and no argument" {
	refuses 64 '--format takes text or json, not "csv"' check --format csv
	refuses 64 'check takes no argument "all"' check all
}

@test "what cannot be written is exit code 73" {
	# shellcheck disable=SC2016 # for the inner shell
	run --separate-stderr sh -c '"$0" -c "$1" check >/dev/full' "$PERENNIAL" "$file"
	is "$status" 73
}
