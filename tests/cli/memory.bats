# memory: valgrind finds nothing, and a run over many rows needs no more memory than one over few.
# shellcheck shell=bats disable=SC2016,SC2154

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

setup() {
	if nm "$PERENNIAL" | grep -q '__[at]san_init'; then
		skip 'a build with sanitizers'
	fi
}

# given_many N: as many rows that are due, in every state, some of them several periods behind, up to 50 to be held.
given_many() {
	db "$EMPTY
	    INSERT INTO perennial.account (bucket, account_id) SELECT perennial.bucket_of(a), a FROM generate_series(1, 8) a;
	    INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, quantity, status, billing_info_at,
	    	anchor, months_elapsed, period_start, period_end, trial_end)
	    SELECT perennial.bucket_of(account), i, account, CASE WHEN i % 10 = 0 AND i <= 500 THEN 5 ELSE 1 + i % 4 END, 2 + i % 5, state.status,
	    	CASE WHEN i % 3 = 0 THEN now() END, ends - interval '1 month', 1, ends - interval '1 month', ends,
	    	CASE WHEN state.status = 'trialing' THEN ends END
	    FROM generate_series(1, $1) i,
	    LATERAL (SELECT 1 + i % 8 AS account, timestamptz '2024-02-28 12:00:00Z' - make_interval(months => i % 3, secs => i) AS ends) facts,
	    LATERAL (SELECT CASE i % 11 WHEN 1 THEN 'trialing' WHEN 2 THEN 'pending_cancellation' ELSE 'active' END::perennial.status AS status) state;
	    ANALYZE perennial.subscription"
}

# valgrind_finds_nothing CODE ARGUMENT...
valgrind_finds_nothing() {
	local wanted=$1

	shift
	run --separate-stderr valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
		--log-file="$BATS_TEST_TMPDIR/valgrind" "$PERENNIAL" -c "$SOURCE/tests/cli/impatient.conf" "$@"
	cat "$BATS_TEST_TMPDIR/valgrind"
	is "$status" "$wanted"
	is "$(<"$BATS_TEST_TMPDIR/valgrind")" ''
}

# The most memory that the program had, in KiB; that of the Python which starts it is the least that can be seen.
peak_of() {
	/usr/bin/python3 -I -S -c '
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
code = os.waitstatus_to_exitcode(status)
if code not in (0, 10):
    sys.exit(f"exit code {code}")
print(usage.ru_maxrss, file=open(sys.argv[1], "w"))' "$BATS_TEST_TMPDIR/peak" "$PERENNIAL" -c /dev/null "$@"
	cat "$BATS_TEST_TMPDIR/peak"
}

@test "valgrind finds no error and no leak in a run" {
	given_many 300
	valgrind_finds_nothing 10 -v run --as-of "$AS_OF" --batch-size 50
	is "$(db "SELECT count(*) > 300 FROM perennial.outcome")" t
	valgrind_finds_nothing 0 run --as-of "$AS_OF" --format json
}

@test "valgrind finds no error and no leak in a plan, whatever its form" {
	local format

	given_many 300
	for format in text json jsonl csv; do
		valgrind_finds_nothing 0 plan --as-of "$AS_OF" --format $format
	done
}

@test "valgrind finds no error and no leak where the configuration or the connection is refused" {
	printf 'run: { batch_size = 0; lock_timeout = "soon"; nothing = { }; };\n' >"$BATS_TEST_TMPDIR/perennial.conf"
	valgrind_finds_nothing 78 -c "$BATS_TEST_TMPDIR/perennial.conf" run
	valgrind_finds_nothing 78 -c "$BATS_TEST_TMPDIR/perennial.conf" check
	valgrind_finds_nothing 69 -d 'host=127.0.0.1 port=1' check --format json
	valgrind_finds_nothing 69 -d 'host=127.0.0.1 port=1' run
	valgrind_finds_nothing 78 -d 'hots=x' run
	valgrind_finds_nothing 65 run --subscription 4711
}

@test "valgrind finds no error and no leak where rows are refused, some with their hold, and connections are lost" {
	given_many 60
	db "CREATE SEQUENCE test.tries;
	    CREATE FUNCTION test.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
	    BEGIN
	    	IF NEW.subscription_id % 20 = 5 THEN RAISE 'refused'; END IF;
	    	IF TG_TABLE_NAME = 'outcome' AND nextval('test.tries') % 40 = 39 THEN
	    		PERFORM pg_terminate_backend(pg_backend_pid());
	    	END IF;
	    	RETURN NEW;
	    END \$\$;
	    CREATE TRIGGER refuse BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.refuse();
	    CREATE TRIGGER refuse BEFORE INSERT ON perennial.event FOR EACH ROW WHEN (NEW.subscription_id = 25)
	    	EXECUTE FUNCTION test.refuse()"
	printf 'run: { retry_for = "30s"; };\n' >"$BATS_TEST_TMPDIR/perennial.conf"
	valgrind_finds_nothing 10 -c "$BATS_TEST_TMPDIR/perennial.conf" run --as-of "$AS_OF" --batch-size 20
	db 'DROP FUNCTION test.refuse CASCADE; DROP SEQUENCE test.tries'
	is "$(db "SELECT count(*) FROM perennial.subscription WHERE hold_reason = 'row_fault'")" 2
	is "$(db "SELECT failed FROM perennial.run")" 1
	is "$(db 'SELECT * FROM perennial.unsound')" ''
}

@test "a run needs as little memory for ${PERENNIAL_DUE:-20000} rows as for a tenth of them" {
	local many=${PERENNIAL_DUE:-20000} few_kib many_kib

	given_many $((many / 10))
	few_kib=$(peak_of run --as-of "$AS_OF")
	given_many "$many"
	many_kib=$(peak_of run --as-of "$AS_OF")
	echo "# $few_kib KiB, then $many_kib KiB" >&3
	is "$(db "SELECT count(*) FROM perennial.subscription WHERE hold_reason IS NULL AND status <> 'expired' AND period_end <= '$AS_OF'")" 0
	((many_kib <= few_kib + 4096))
}

@test "a plan needs as little memory for ${PERENNIAL_DUE:-20000} rows as for a tenth of them" {
	local many=${PERENNIAL_DUE:-20000} format many_kib
	local -A few_kib

	given_many $((many / 10))
	for format in jsonl text; do
		few_kib[$format]=$(peak_of plan --as-of "$AS_OF" --format $format)
	done
	given_many "$many"
	for format in jsonl text; do
		many_kib=$(peak_of plan --as-of "$AS_OF" --format $format)
		echo "# $format: ${few_kib[$format]} KiB, then $many_kib KiB" >&3
		((many_kib <= few_kib[$format] + 4096))
	done
}
