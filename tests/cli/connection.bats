# connection: servers, logins, schema versions and privileges.  What is refused is told, and nothing is written.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
	role nobody
	role reader "IN ROLE perennial_reader"
	role batch "IN ROLE perennial_batch"
	role operator "IN ROLE perennial_operator"
	role app "IN ROLE perennial_app"
	createdb "${OWN}empty"
}

teardown_file() {
	drop_own
}

setup() {
	given_all
	before=$(md5_of physical)
}

# Nothing was written: no table, no sequence, no row again.
unchanged() {
	is "$(md5_of physical)" "$before"
}

# Each command that needs a server is refused in the same way.
all_refuse() {
	local command

	for command in run plan 'run --dry-run' migrate; do
		# shellcheck disable=SC2086
		refuses "$@" $command
	done
}

# The same with what stands before the command.
all_refuse_with() {
	local command code=$1 text=$2

	shift 2
	for command in run plan 'run --dry-run' migrate; do
		# shellcheck disable=SC2086
		refuses "$code" "$text" "$@" $command
	done
}

@test "no server is exit code 69" {
	all_refuse_with 69 'cannot connect' -d 'host=127.0.0.1 port=1'
	all_refuse_with 69 'cannot connect' -d 'host=/nonexistent'
	has "$stderr" 'hint: '
}

@test "no server from the environment is exit code 69" {
	PGPORT=1 all_refuse 69 'cannot connect'
}

@test "a wrong password is exit code 77, and no password is shown" {
	PGUSER=${OWN}reader PGPASSWORD=open-sesame all_refuse 77 'password authentication failed'
	lacks "$stderr" open-sesame
	unchanged
}

@test "an unknown role is exit code 77" {
	PGUSER=${OWN}stranger all_refuse 77 'password authentication failed'
	unchanged
}

@test "a password that is missing is exit code 77" {
	unset PGPASSWORD
	PGPASSFILE=/dev/null all_refuse 77 'no password supplied'
}

@test "a role that may not log in is exit code 77" {
	db "ALTER ROLE ${OWN}nobody NOLOGIN"
	as_role nobody all_refuse 77 'not permitted to log in'
	db "ALTER ROLE ${OWN}nobody LOGIN"
}

@test "a database that the role may not connect to is exit code 77" {
	db "REVOKE CONNECT ON DATABASE ${OWN}empty FROM PUBLIC"
	as_role nobody all_refuse_with 77 'permission denied for database' -d "dbname=${OWN}empty"
	db "GRANT CONNECT ON DATABASE ${OWN}empty TO PUBLIC"
}

@test "an unknown database is exit code 78" {
	all_refuse_with 78 "database \"${OWN}none\" does not exist" -d "dbname=${OWN}none"
}

@test "a connection string that is none is exit code 78" {
	all_refuse_with 78 'the connection string is not valid: missing "=" after "perennial"' -d perennial
	all_refuse_with 78 'the connection string is not valid: invalid connection option "hots"' -d 'hots=localhost'
	all_refuse_with 78 'the connection string is not valid: unterminated quoted string' -d "host='localhost"
}

@test "a connection string with a value that cannot be is exit code 78" {
	all_refuse_with 78 'invalid integer value "abc" for connection option "port"' -d 'port=abc'
	all_refuse_with 78 'invalid port number: "99999"' -d 'port=99999'
	all_refuse_with 78 'invalid sslmode value: "perhaps"' -d 'sslmode=perhaps'
}

@test "the message about a connection string shows no password" {
	refuses 78 'the connection string is not valid' -d 'password=open-sesame hots=localhost' plan
	lacks "$stderr" open-sesame
}

@test "an unknown service is exit code 78" {
	all_refuse_with 78 'definition of service "none" not found' -d 'service=none'
	PGSERVICE=none all_refuse 78 'definition of service "none" not found'
}

@test "a service file that is missing is exit code 78" {
	PGSERVICEFILE=/nonexistent/pg_service.conf all_refuse_with 78 'service file "/nonexistent/pg_service.conf" not found' \
		-d 'service=none'
}

@test "a service that is known is used" {
	printf '[books]\ndbname=%s\n' "$PGDATABASE" >"$BATS_TEST_TMPDIR/pg_service.conf"
	export PGSERVICEFILE=$BATS_TEST_TMPDIR/pg_service.conf
	PGDATABASE=postgres exits 0 perennial -d service=books plan --as-of "$AS_OF"
	has "$output" "on database $PGDATABASE"
	PGDATABASE=postgres PGSERVICE=books exits 0 perennial plan --as-of "$AS_OF"
}

@test "a database without the schema is exit code 78, and says migrate" {
	local command

	for command in run plan 'run --dry-run'; do
		# shellcheck disable=SC2086
		PGDATABASE=${OWN}empty refuses 78 'the database has no perennial schema' $command
		has "$stderr" 'hint: install it'
		has "$stderr" 'perennial migrate'
	done
}

@test "an older schema is exit code 78, and says migrate" {
	local command highest

	highest=$(db "SELECT max(version) FROM perennial.schema_version")
	db "DELETE FROM perennial.schema_version WHERE version = $highest"
	before=$(md5_of physical)
	for command in run plan 'run --dry-run'; do
		# shellcheck disable=SC2086
		refuses 78 "has version $((highest - 1)), this program needs $highest" $command
		has "$stderr" 'perennial migrate'
	done
	unchanged
	db "INSERT INTO perennial.schema_version (version, name) VALUES ($highest, 'again')"
}

@test "a newer schema is exit code 78, for migrate too" {
	db "INSERT INTO perennial.schema_version (version, name) VALUES (99, 'future')"
	before=$(md5_of physical)
	all_refuse 78 'has version 99'
	has "$stderr" 'newer'
	unchanged
	db "DELETE FROM perennial.schema_version WHERE version = 99"
}

@test "a role without privileges is exit code 77" {
	as_role nobody all_refuse 77 'permission denied'
	has "$stderr" hint:
	unchanged
}

@test "a role of customers' functions can neither run nor plan" {
	as_role app all_refuse 77 'permission denied'
	unchanged
}

@test "a role that may not create in an empty database is exit code 77 for migrate" {
	PGDATABASE=${OWN}empty as_role nobody refuses 77 'permission denied for database' migrate
	is "$(PGDATABASE=${OWN}empty db "SELECT count(*) FROM pg_namespace WHERE nspname = 'perennial'")" 0
}

@test "perennial_reader can plan in every form" {
	local format

	for format in text json jsonl csv; do
		as_role reader exits 0 perennial plan --as-of "$AS_OF" --format $format
		is "$stderr" ''
		is "$output" "$(perennial plan --as-of "$AS_OF" --format $format)"
	done
	as_role reader exits 0 perennial run --dry-run --as-of "$AS_OF"
	as_role reader exits 0 perennial plan --as-of "$AS_OF" --subscription 1
	unchanged
}

@test "perennial_reader cannot run" {
	as_role reader refuses 77 'permission denied' run --as-of "$AS_OF"
	has "$stderr" 'perennial_batch'
	unchanged
}

@test "perennial_operator can plan, and cannot run" {
	as_role operator exits 0 perennial plan --as-of "$AS_OF"
	as_role operator refuses 77 'permission denied' run --as-of "$AS_OF"
	unchanged
}

@test "perennial_batch can run, and put on hold" {
	given_all
	db "SELECT test.add(9, 'active', '2024-02-29', price => 5, quantity => 2)"
	as_role batch exits 10 perennial run --as-of "$AS_OF"
	is "$stderr" ''
	is "$(db "SELECT count(*) FROM perennial.outcome")" 5
	is "$(db "SELECT hold_reason FROM perennial.subscription WHERE subscription_id = 9")" amount_overflow
}

@test "perennial_batch can plan" {
	as_role batch exits 0 perennial plan --as-of "$AS_OF"
	as_role batch exits 0 perennial run --subscription 1 --as-of "$AS_OF" --dry-run
	unchanged
}

@test "perennial_batch cannot migrate" {
	db "INSERT INTO perennial.schema_version (version, name) VALUES (99, 'future')"
	as_role batch refuses 78 'has version 99' migrate
	db "DELETE FROM perennial.schema_version WHERE version = 99"
	before=$(md5_of physical)
	as_role batch refuses 77 'permission denied' migrate
	unchanged
}

@test "plan works on a connection that can only read" {
	PGOPTIONS='-c default_transaction_read_only=on' exits 0 perennial plan --as-of "$AS_OF"
	is "$output" "$(perennial plan --as-of "$AS_OF")"
}

@test "run on a connection that can only read is exit code 75, and says why" {
	PGOPTIONS='-c default_transaction_read_only=on' refuses 75 'read-only transaction' run --as-of "$AS_OF"
	has "$stderr" 'hint: this server is a standby or read-only'
	unchanged
}

@test "the caller's session settings change nothing" {
	local wanted

	exits 0 perennial run --as-of "$AS_OF"
	wanted=$(work_done)
	given_all
	PGOPTIONS='-c TimeZone=Pacific/Auckland -c DateStyle=German -c IntervalStyle=iso_8601 -c search_path=pg_temp
		-c default_transaction_isolation=serializable -c bytea_output=escape -c extra_float_digits=-5
		-c standard_conforming_strings=off -c enable_indexscan=off -c lc_messages=C' PGCLIENTENCODING=LATIN1 \
		exits 0 perennial run --as-of "$AS_OF"
	is "$stderr" ''
	is "$(work_done)" "$wanted"
}

@test "the command line's connection wins over the environment's" {
	local conninfo="dbname=$PGDATABASE port=$PGPORT"

	PGDATABASE=postgres PGPORT=1 exits 0 perennial -d "$conninfo" plan --as-of "$AS_OF"
	has "$output" "on database $PGDATABASE"
}

@test "a connection string may be an address" {
	exits 0 perennial -d "postgresql://$PGHOST:$PGPORT/$PGDATABASE" plan --as-of "$AS_OF"
}
