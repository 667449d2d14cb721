# report_golden: each report of the demo's March, character by character as in tests/cli/report_golden.
#
# Where a report is meant to change: PERENNIAL_GOLDEN=renew make check T=tests/cli/report_golden.bats
# writes these files anew, for a person to read the difference.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
	unset INVOCATION_ID
	export PGDATABASE=${OWN}march
	load_demo "$PGDATABASE"
	perennial -q run --as-of "$DEMO_AS_OF" >/dev/null || (($? == 10))
	db <"$SOURCE/tests/demo/month_end.sql" >/dev/null
	perennial -q run --as-of 2024-04-01 >/dev/null
	# The clock of those who test is not that of the demo.
	db "UPDATE perennial.run SET started_at = as_of, finished_at = as_of + interval '90 seconds';
	    UPDATE perennial.outcome o SET decided_at = r.as_of + interval '1.5 seconds'
	    FROM perennial.run r WHERE r.run_id = o.run_id;
	    UPDATE perennial.event SET recorded_at = at"
}

teardown_file() {
	drop_own
}

# golden FILE REPORT OPTION...: about March, or its end.  What FILE ends with is the format.
golden() {
	local wanted=$BATS_TEST_DIRNAME/report_golden/$1 printed=$BATS_TEST_TMPDIR/$1 when=(--period 2024-03)

	[[ $2 != overdue && $2 != holds ]] || when=(--as-of 2024-04-01)
	perennial report "$2" "${when[@]}" --format "${1##*.}" "${@:3}" >"$printed"
	compare "$printed" "$wanted"
}

compare() {
	[[ ${PERENNIAL_GOLDEN-} != renew ]] || cp "$1" "$2"
	diff -u "$2" "$1"
}

@test "the runs of March are as they were" {
	golden runs.table runs
	golden runs.csv runs
}

@test "what was overdue at the end of March is as it was" {
	golden overdue.table overdue
	golden overdue.json overdue --currency USD
}

@test "what was on hold at the end of March is as it was" {
	golden holds.table holds
	golden holds.csv holds --currency KWD
}

@test "the subscriptions of March are as they were" {
	golden subscriptions.table subscriptions
	golden subscriptions.csv subscriptions --currency EUR
}

@test "the recurring revenue of March is as it was" {
	golden mrr.table mrr
	golden mrr.json mrr --currency GBP
}

@test "what was billed in March is as it was" {
	golden billed.table billed
	golden billed.csv billed
	golden billed_detail.table billed --detail --currency EUR --plan enterprise
	golden billed_detail.csv billed --detail --currency KWD --plan team
}

@test "the deferred revenue of March is as it was" {
	golden deferred.table deferred
	golden deferred.csv deferred
}

@test "the waterfall of March, and of its quarter, is as it was" {
	golden waterfall.table waterfall
	perennial report waterfall --period 2024-Q1 --format csv >"$BATS_TEST_TMPDIR/quarter"
	compare "$BATS_TEST_TMPDIR/quarter" "$BATS_TEST_DIRNAME/report_golden/waterfall_quarter.csv"
}

@test "the schedules of March are as they were" {
	golden schedule.table schedule --currency KWD --plan team
	golden schedule.csv schedule --currency GBP --plan team
}

@test "the journal of March is as it was" {
	golden journal.table journal --currency EUR
	golden journal.csv journal
	golden journal.hledger journal
}

@test "what happened in March is as it was" {
	golden audit.table audit --currency KWD --plan enterprise
	golden audit.jsonl audit --currency GBP --plan enterprise
}

@test "what ties out in March is as it was" {
	golden tieout.table tieout
	golden tieout.csv tieout
	golden tieout_detail.json tieout --detail
}

@test "the manifest of what was billed in March is as it was" {
	local file=$BATS_TEST_TMPDIR/billed.csv

	perennial report billed --period 2024-03 --format csv --output "$file" --manifest
	sed -i -E 's/("(generated_at|version)":)"[^"]+"/\1"…"/g' "$file.manifest.json"
	compare "$file.manifest.json" "$BATS_TEST_DIRNAME/report_golden/billed.csv.manifest.json"
}

@test "every report has a file here, and every file is a report's" {
	local name file

	for name in $(perennial report --help | sed -nE '/^reports$/,/^$/ s/^  ([a-z]+) .*/\1/p'); do
		[[ -s $BATS_TEST_DIRNAME/report_golden/$name.table ]]
	done
	for file in "$BATS_TEST_DIRNAME"/report_golden/*; do
		grep -qF "${file##*/} " "$BATS_TEST_FILENAME" || grep -qF "${file##*/}\"" "$BATS_TEST_FILENAME"
	done
}
