# allocations: wherever memory runs out the program ends with an exit code of its own, what it committed is whole, and the
# next run does the rest.
#
# FAIL_STRIDE=1 tries every allocation; without it each test takes every few.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load ../cli/helper

setup_file() {
	own_database
	# By its number: what libc allocates to look up a name, it does not always check.
	export PGHOSTADDR=${PGHOSTADDR-127.0.0.1} PGSSLMODE=disable PGGSSENCMODE=disable
}

teardown_file() {
	drop_own
}

# A run takes missing memory for a fault that passes, if it is libpq that misses it.
configure() {
	CONFIG=$BATS_TEST_TMPDIR/perennial.conf
	printf 'run: { workers = 2; retry_for = "%s"; };\n' "$1" >"$CONFIG"
}

setup() {
	if nm "$PERENNIAL" | grep -q '__[at]san_init'; then
		skip 'a build with sanitizers'
	fi
}

# Said where a test fails.
teardown() {
	printf '%s\n' "$tried" "$stderr"
}

# The database is asked a thousand times: the helper's db, in one session of the test.
open_session() {
	local -x PGTZ=UTC PGDATESTYLE=ISO

	coproc SESSION { exec psql -XqAt -v ON_ERROR_STOP=1 3>&-; }
	# Subshells have those only.
	exec 8<&"${SESSION[0]}" 9>&"${SESSION[1]}"
	db() {
		local line

		printf '%s;\n\\echo .\n' "$1" >&9
		while IFS= read -r line <&8; do
			[[ $line != . ]] || return 0
			printf '%s\n' "$line"
		done
		return 1
	}
}

# starved HOW N ARGUMENT...: the program, whose N-th allocation fails (FAIL_AT), or all from there on (FAIL_FROM).
# $failed says whether there were so many.
starved() {
	local how=$1 n=$2 report=$BATS_TEST_TMPDIR/report

	shift 2
	rm -f "$report"
	tried="$how=$n $*"
	run --separate-stderr timeout 60 env "$how=$n" FAIL_REPORT="$report" \
		LD_PRELOAD="${PERENNIAL%/*}/tests/failing_allocations.so" "$PERENNIAL" "$@"
	failed=$(cat "$report")
}

# A signal would be 128 and more, a program that hangs 124.
ends_as_documented() {
	[[ " 0 10 11 12 64 65 69 70 73 75 77 78 " == *" $status "* ]] || {
		printf 'exit code %d\n' "$status"
		return 1
	}
}

# each_allocation HOW STRIDE WHAT ARGUMENT...: until the program has all the memory that it asks for.  before_WHAT and
# after_WHAT look after the database.
each_allocation() {
	local how=$1 stride=${FAIL_STRIDE:-$2} what=$3 n

	shift 3
	for ((n = 1; ; n += stride)); do
		"before_$what"
		starved "$how" "$n" "$@"
		[[ $failed == failed ]] || break
		ends_as_documented
		"after_$what"
	done
	[[ $failed =~ ^[0-9]+$ ]]
	ends_as_documented
	echo "# $how ${*:3}: one in $stride of $failed allocations" >&3
}


# In two buckets: what renews twice, converts, is held, and ends.
before_run() {
	given "add(1, 'active', '2024-01-20', account => 1)" "add(2, 'trialing', '2024-02-20', account => 1)" \
		"add(3, 'active', '2024-02-25', price => 5, quantity => 2, account => 2)" \
		"add(4, 'pending_cancellation', '2024-02-25', account => 2)"
}

after_run() {
	is "$(disagreements; unpaired_jobs; db 'SELECT * FROM perennial.broken_history')" ''
	[[ $status != 0 && $status != 10 ]] || is "$(work_done)" "$whole"
	perennial run --as-of "$AS_OF" >/dev/null 2>&1 || (($? == 10))
	is "$(work_done)" "$whole"
}

# What a run does that has its memory.
whole_run() {
	open_session
	before_run
	exits 10 perennial run --as-of "$AS_OF"
	whole=$(work_done)
	has "$whole" outcome
}

@test "a run that misses one allocation leaves nothing half done" {
	whole_run
	configure 10s
	each_allocation FAIL_AT 13 run -c "$CONFIG" run --as-of "$AS_OF"
}

@test "a run that gets no more memory leaves nothing half done" {
	whole_run
	configure 1ms
	each_allocation FAIL_FROM 29 run -c "$CONFIG" run --as-of "$AS_OF"
}


before_plan() { :; }

# A plan that ends well is a whole one.
after_plan() {
	((status != 0)) || is "$output" "$whole"
}

@test "a plan that lacks memory is refused or whole, and writes nothing" {
	local before how

	before_run
	configure 1ms
	before=$(md5_of physical)
	whole=$(perennial plan --format csv --as-of "$AS_OF")
	for how in FAIL_AT FAIL_FROM; do
		each_allocation $how 11 plan -c "$CONFIG" plan --format csv --as-of "$AS_OF"
	done
	is "$(md5_of physical)" "$before"
}


before_migrate() {
	use_copy template0 migrated
}

after_migrate() {
	((status != 0)) || is "$(versions)" "$whole"
	exits 0 perennial migrate
	is "$(versions)" "$whole"
}

versions() {
	db 'SELECT version, name FROM perennial.schema_version ORDER BY version'
}

@test "a migration that lacks memory is taken up by the next" {
	before_migrate
	exits 0 perennial migrate
	whole=$(versions)
	each_allocation FAIL_AT 37 migrate -c /dev/null migrate
	each_allocation FAIL_FROM 97 migrate -c /dev/null migrate
}
