# plan_golden: the plan of the demo's data, character by character as in tests/cli/plan_golden.
#
# Where it is meant to change: PERENNIAL_GOLDEN=renew make check T=tests/cli/plan_golden.bats
# writes these files anew, for a person to read the difference.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
	export PGDATABASE=${OWN}march
	load_demo "$PGDATABASE"
	perennial -q run --as-of 2024-03-01 >/dev/null || (($? == 10))
	# The clock of those who test is not that of the demo.
	db "UPDATE perennial.run SET started_at = as_of, finished_at = as_of + interval '0.5 seconds'"
	cat >"$BATS_FILE_TMPDIR/limits.conf" <<-'CONF'
		limits: { max_held = 20; max_expired = 200; max_amount = ( "1000000.00 EUR", "50000000 JPY" ); };
	CONF
}

teardown_file() {
	drop_own
}

# golden CODE FILE OPTION...
golden() {
	local wanted=$BATS_TEST_DIRNAME/plan_golden/$2 printed=$BATS_TEST_TMPDIR/$2

	exits "$1" "$PERENNIAL" -c "$BATS_FILE_TMPDIR/limits.conf" plan "${@:3}"
	{
		echo "$output"
		[[ -z $stderr ]] || echo "$stderr"
	} | sed "s|$PGDATABASE|billing|; s|$BATS_FILE_TMPDIR/||" >"$printed"
	[[ ${PERENNIAL_GOLDEN-} != renew ]] || cp "$printed" "$wanted"
	diff -u "$wanted" "$printed"
}

@test "the plan for a person" {
	golden 12 plan.text --as-of "$DEMO_AS_OF"
}

@test "the plan for a program" {
	golden 12 plan.json --as-of "$DEMO_AS_OF" --format json
}

@test "a forecast" {
	golden 0 horizon.text --as-of "$DEMO_AS_OF" --horizon 30d
}

@test "one subscription" {
	golden 0 one.text --as-of "$DEMO_AS_OF" --subscription 4519
}

@test "nothing due" {
	golden 0 nothing.text --as-of 2024-03-01
}
