# migrate: installing and upgrading the schema, by the program or by psql.
# shellcheck shell=bats disable=SC2016,SC2030,SC2031,SC2154

load helper

setup_file() {
	own_database
	role owner
}

teardown_file() {
	drop_own
}

setup() {
	# Each test has a database of its own, empty at first.
	export PGDATABASE=${OWN}test
	createdb "$PGDATABASE"
	LATEST=$(find "$SOURCE/sql/schema" -name '[0-9]*.sql' | wc -l)
}

teardown() {
	dropdb --if-exists --force "${OWN}test"
}

# The whole schema as text.
schema() {
	pg_dump --schema-only -n perennial "$1" | grep -v '^\\\(un\)\?restrict \|^--'
}

# What a migrated database should look like.
is_like_template() {
	diff <(schema "$PERENNIAL_TEMPLATE") <(schema "$PGDATABASE")
	for table in currency time_zone; do
		is "$(db "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM perennial.$table t")" \
			"$(PGDATABASE=$PERENNIAL_TEMPLATE db "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM perennial.$table t")"
	done
	is "$(versions)" "$(seq "$LATEST" | paste -sd' ')"
}

versions() {
	db "SELECT string_agg(version::text, ' ' ORDER BY version) FROM perennial.schema_version"
}

has_schema() {
	is "$(db "SELECT count(*) FROM pg_namespace WHERE nspname = 'perennial'")" "$1"
}

# install VERSION: the schema as it once was.
install() {
	perennial migrate --print | awk -v wanted="$1" '{ print } /^COMMIT/ { n++ } n == wanted && /;$/ { exit }' | db >/dev/null
	is "$(versions)" "$(seq "$1" | paste -sd' ')"
}

@test "an empty database gets the whole schema" {
	exits 0 perennial migrate
	has "$output" 'applied 0001 base'
	has "$output" "schema version $LATEST"
	is "$stderr" ''
	is_like_template
	exits 0 perennial plan
	exits 0 perennial run
}

@test "a second migrate has nothing to do, and changes nothing" {
	local before

	exits 0 perennial migrate
	before=$(md5_of physical)
	exits 0 perennial migrate
	is "$output" "schema version $LATEST: nothing to do"
	is "$(md5_of physical)" "$before"
}

@test "every older version is upgraded to the same schema" {
	local version

	for ((version = 1; version < LATEST; version++)); do
		dropdb "$PGDATABASE"
		createdb "$PGDATABASE"
		install $version
		refuses 78 "has version $version, this program needs $LATEST" plan
		exits 0 perennial migrate
		lacks "$output" "applied $(printf %04d $version)"
		has "$output" "applied $(printf %04d $((version + 1)))"
		is_like_template
	done
}

@test "an upgrade keeps what is in the tables" {
	install 3
	db "INSERT INTO perennial.account (bucket, account_id, name) VALUES (7, 7, 'kept')"
	exits 0 perennial migrate
	is "$(db 'SELECT name FROM perennial.account')" kept
}

@test "time zones that the server has learnt are added" {
	exits 0 perennial migrate
	db "DELETE FROM perennial.time_zone WHERE name IN ('Europe/Kyiv', 'Europe/Paris')"
	exits 0 perennial migrate
	is_like_template
}

@test "two at once both succeed" {
	local first second

	# Both wait for the lock before either has done anything.
	keep_open 'SELECT pg_advisory_lock(8243122675430257772)'
	perennial migrate >"$BATS_TEST_TMPDIR/first" 2>&1 3>&- &
	first=$!
	perennial migrate >"$BATS_TEST_TMPDIR/second" 2>&1 3>&- &
	second=$!
	wait_for "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
	let_go
	wait $first
	wait $second
	has "$(<"$BATS_TEST_TMPDIR/first")" "schema version $LATEST"
	has "$(<"$BATS_TEST_TMPDIR/second")" "schema version $LATEST"
	# Each was applied by one of them.
	is "$(cat "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second" | grep -c ^applied)" "$LATEST"
	is_like_template
}

@test "a migration that fails leaves nothing of itself behind, and can be tried again" {
	db 'CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
	    BEGIN
	    	IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = '"'perennial.batch'"') THEN
	    		RAISE EXCEPTION USING MESSAGE = '"'no batches today'"';
	    	END IF;
	    END $$;
	    CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION public.refuse()'
	run --separate-stderr perennial migrate
	differs "$status" 0
	has "$stderr" 'no batches today'
	is "$(versions)" '1 2 3 4'
	is "$(db "SELECT to_regclass('perennial.run'), to_regclass('perennial.outcome')")" '|perennial.outcome'
	refuses 78 'perennial migrate' plan

	db 'DROP EVENT TRIGGER refuse; DROP FUNCTION public.refuse()'
	exits 0 perennial migrate
	lacks "$output" 'applied 0004'
	has "$output" 'applied 0005'
	is_like_template
}

@test "a schema of the same name that is not ours is left alone" {
	db 'CREATE SCHEMA perennial; CREATE TABLE perennial.flowers (name text); INSERT INTO perennial.flowers VALUES ($$iris$$)'
	run --separate-stderr perennial migrate
	differs "$status" 0
	has "$stderr" 'schema "perennial" already exists'
	is "$(db "SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = 'perennial'::regnamespace")" flowers
	refuses 78 'the database has no perennial schema' plan
}

@test "a read-only connection cannot migrate, and nothing is left behind" {
	PGOPTIONS='-c default_transaction_read_only=on' refuses 75 'read-only transaction' migrate
	has_schema 0
}

@test "without prepared statements migrate does the same" {
	printf 'database: { prepared_statements = false; };\n' >"$BATS_TEST_TMPDIR/perennial.conf"
	exits 0 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" migrate
	is_like_template
}

@test "migrate whose report meets a full disk is exit code 73, and the schema is there" {
	local code=0

	perennial migrate >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
	is $code 73
	is_like_template
}


# --print

@test "--print needs no server" {
	PGHOST=/nonexistent exits 0 perennial migrate --print
	is "$stderr" ''
	has "$output" 'CREATE TABLE perennial.subscription ('
	has_schema 0
}

@test "--print into psql gives the same schema" {
	perennial migrate --print | psql -Xq -v ON_ERROR_STOP=1 >/dev/null
	is_like_template
	exits 0 perennial migrate
	is "$output" "schema version $LATEST: nothing to do"
}

@test "--print into psql a second time fails, and changes nothing" {
	local before

	exits 0 perennial migrate
	before=$(md5_of physical)
	perennial migrate --print >"$BATS_TEST_TMPDIR/schema.sql"
	exits 3 psql -Xq -f "$BATS_TEST_TMPDIR/schema.sql"
	has "$stderr" 'schema "perennial" already exists'
	is "$(md5_of physical)" "$before"
}

@test "--print that cannot be written is exit code 73" {
	local code=0

	perennial migrate --print >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
	is $code 73
	has "$(<"$BATS_TEST_TMPDIR/stderr")" 'No space left on device'
}


# Privileges

@test "the owner of a database, no superuser and without CREATEROLE, can migrate where the roles exist" {
	dropdb "$PGDATABASE"
	createdb -O "${OWN}owner" "$PGDATABASE"
	as_role owner exits 0 perennial migrate
	is "$stderr" ''
	# But for the owner's name it is the same schema.
	diff <(schema "$PERENNIAL_TEMPLATE") <(schema "$PGDATABASE" | sed "s/${OWN}owner/$PGUSER/g")
	as_role owner exits 0 perennial run
	is "$(db "SELECT pg_has_role('perennial_operator', 'perennial_reader', 'USAGE')")" t
}

@test "migrate says what an administrator must run where roles are missing, and that is enough" {
	# Roles belong to a whole server: this takes another one.
	cat >"$BATS_TEST_TMPDIR/story" <<-'STORY'
		set -u
		exec >told
		as_owner() { PGUSER=$1 PGPASSWORD=secret "$PERENNIAL" -c /dev/null -d dbname=books "${@:2}"; }
		roles() { psql -XAtc "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'perennial%'"; }
		psql -Xqc "CREATE ROLE poor LOGIN PASSWORD 'secret'" -c "CREATE ROLE rich LOGIN CREATEROLE PASSWORD 'secret'"
		createdb -O poor books
		as_owner poor migrate 2>stderr
		echo "poor: $?, schemas: $(psql -XAtd books -c "SELECT count(*) FROM pg_namespace WHERE nspname = 'perennial'"), roles: $(roles)"
		grep -o 'roles are missing and poor may not create them' stderr
		psql -Xqd postgres -c "$(sed -n 's/^hint: an administrator runs this once: //p' stderr)"
		as_owner poor migrate >/dev/null
		echo "helped: $?, roles: $(roles)"
		dropdb books
		psql -Xqc 'DROP ROLE perennial_app, perennial_batch, perennial_operator, perennial_reader'
		createdb -O rich books
		as_owner rich migrate >/dev/null
		echo "rich: $?, roles: $(roles)"
	STORY
	cd "$BATS_TEST_TMPDIR"
	# shellcheck disable=SC2046 # one word each
	exits 0 env $(env | sed -n 's/^\(PG[A-Z_]*\)=.*/-u \1/p') "$SOURCE/tests/server" bash story
	is "$(<told)" 'poor: 77, schemas: 0, roles: 
roles are missing and poor may not create them
helped: 0, roles: perennial_app perennial_batch perennial_operator perennial_reader
rich: 0, roles: perennial_app perennial_batch perennial_operator perennial_reader'
}
