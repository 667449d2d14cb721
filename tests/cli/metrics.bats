# metrics: what Prometheus is told, by the command and by a run's file; a run is never lost for it.
# shellcheck shell=bats disable=SC2016,SC2154

load helper

setup_file() {
	own_database
	unset INVOCATION_ID
	template=${OWN}template
	export template
	createdb -T "$PGDATABASE" "$template"
}

teardown_file() {
	drop_own
}

setup() {
	folder=$BATS_TEST_TMPDIR/node-exporter
	file=$folder/perennial.prom
	mkdir "$folder"
	configure "$file"
}

# configure FILE: a run's metrics go there.
configure() {
	{
		cat "$SOURCE/tests/cli/impatient.conf"
		printf 'metrics: { file = "%s"; };\n' "$1"
	} >"$BATS_TEST_TMPDIR/perennial.conf"
}

with_file() {
	"$PERENNIAL" -c "$BATS_TEST_TMPDIR/perennial.conf" "$@"
}

# value NAME: of a metric, with its labels, in $output.
value() {
	local line

	while IFS= read -r line; do
		[[ $line != "perennial_$1 "* ]] || printf '%s\n' "${line##* }"
	done <<<"$output"
}

# measures NAME VALUE...: metrics and their values, in $output.
measures() {
	while (($# > 0)); do
		is "$1 $(value "$1")" "$1 $2"
		shift 2
	done
}

# The sum of an outcome's kinds in the last run, and what else it says, as SQL of this test counts them.
closed() {
	db "SELECT count(*) FROM perennial.outcome WHERE kind IN ($1) AND run_id = (SELECT max(run_id) FROM perennial.run)"
}

@test "every metric has its help and its type, and promtool finds no fault" {
	local name

	given_all
	exits 10 perennial run --as-of 2024-06-10
	exits 0 perennial metrics --tieout
	for name in last_run_timestamp_seconds last_success_timestamp_seconds last_run_duration_seconds last_run_exit_code \
		last_run_subscriptions last_run_billed_minor_units due_subscriptions oldest_due_age_seconds \
		quarantined_subscriptions runs_died notification_jobs_dead notification_jobs_pending tieout_failed_checks build_info; do
		is "$(grep -c "^# HELP perennial_$name [A-Z0-9].*\.\$" <<<"$output")" 1
		is "$(grep -cx "# TYPE perennial_$name gauge" <<<"$output")" 1
		is "$(grep -cE "^perennial_${name}[ {]" <<<"$output")" "$(grep -cE "^perennial_${name}(\{[a-z]+=\"[^\"]+\"\})? [0-9.]+\$" <<<"$output")"
	done
	is "$(grep -c '^# TYPE' <<<"$output")" 14
	run --separate-stderr promtool check metrics <<<"$output"
	is "$status $output$stderr" '0 '
}

@test "before the first run, and with nothing in the tables, promtool finds no fault either" {
	given
	exits 0 perennial metrics
	measures last_run_timestamp_seconds 0.000000 last_success_timestamp_seconds 0.000000 due_subscriptions 0 \
		oldest_due_age_seconds 0 quarantined_subscriptions 0 notification_jobs_pending 0
	lacks "$output" last_run_exit_code
	lacks "$output" last_run_duration
	lacks "$output" last_run_subscriptions
	lacks "$output" last_run_billed
	lacks "$output" tieout
	run --separate-stderr promtool check metrics <<<"$output"
	is "$status $output$stderr" '0 '
}

@test "what the last run did is what was written" {
	given "${GIVEN_ALL[@]}" "add(9, 'active', '2023-10-31')"
	exits 10 perennial run --as-of "$AS_OF"
	exits 0 perennial metrics
	measures last_run_exit_code 10 \
		'last_run_subscriptions{outcome="renewed"}' "$(closed "'renewed'")" \
		'last_run_subscriptions{outcome="converted"}' "$(closed "'converted'")" \
		'last_run_subscriptions{outcome="expired"}' "$(closed "'expired', 'trial_expired'")" \
		'last_run_subscriptions{outcome="skipped"}' 1 \
		'last_run_subscriptions{outcome="quarantined"}' 1 \
		'last_run_subscriptions{outcome="remaining"}' 0
	is "$(closed "'renewed'") $(closed "'converted'") $(closed "'expired', 'trial_expired'")" '2 1 2'
	is "$(grep '^perennial_last_run_billed' <<<"$output")" "$(db "
		SELECT format('perennial_last_run_billed_minor_units{currency=\"%s\"} %s', currency, sum(amount))
		FROM perennial.outcome GROUP BY currency ORDER BY currency")"
	is "$(value last_run_timestamp_seconds)" "$(db 'SELECT extract(epoch FROM finished_at) FROM perennial.run')"
	is "$(value last_run_duration_seconds)" "$(db 'SELECT extract(epoch FROM finished_at - started_at) FROM perennial.run')"
	is "$(value last_success_timestamp_seconds)" 0.000000
}

@test "what is left by the last run remains" {
	given_all
	exits 11 perennial run --as-of "$AS_OF" --limit 2 --batch-size 1
	exits 0 perennial metrics
	measures last_run_exit_code 11 'last_run_subscriptions{outcome="remaining"}' "$(db 'SELECT left_due FROM perennial.run')"
	is "$(value last_success_timestamp_seconds)" "$(value last_run_timestamp_seconds)"
}

@test "what is due, on hold and waiting is what the tables have" {
	given "${GIVEN_ALL[@]}" "add(9, 'active', now() + interval '1 hour', hold => 'x')" \
		"add(10, 'active', now() - interval '3 hours 10 seconds')"
	db "INSERT INTO perennial.notification_job (bucket, subscription_id, account_id, kind, boundary, state, available_at, taken_until)
	    SELECT 1, i, 1, 'renewed', '2024-01-01', (ARRAY['ready', 'taken', 'done', 'dead'])[1 + i % 4],
	    	now() + interval '1 hour' * (i % 3 - 1), CASE WHEN i % 4 = 1 THEN now() + interval '1 hour' * (i % 3 - 1) END
	    FROM generate_series(1, 23) AS i"
	exits 0 perennial metrics
	measures due_subscriptions 7 quarantined_subscriptions 2 \
		due_subscriptions "$(db "SELECT count(*) FROM perennial.subscription
			WHERE status <> 'expired' AND hold_reason IS NULL AND period_end <= now()")" \
		notification_jobs_pending "$(db "SELECT count(*) FROM perennial.notification_job WHERE state IN ('ready', 'taken')")"
	is "$(db "SELECT abs($(value oldest_due_age_seconds) - extract(epoch FROM now() - '2024-02-10 12:30Z')) < 60")" t
}

@test "the last run is the one for all subscriptions that ended last" {
	given
	db "INSERT INTO perennial.run (run_id, as_of, started_at, finished_at, result, exit_code, subscription_id) VALUES
		(1, '2024-03-01', '2024-03-01 00:00Z', '2024-03-01 00:01Z', 'done', 0, NULL),
		(2, '2024-03-02', '2024-03-02 00:00Z', '2024-03-02 00:01:30.25Z', 'failed', 75, NULL),
		(3, '2024-03-03', '2024-03-03 00:00Z', '2024-03-03 00:01Z', 'done', 0, 4711),
		(4, '2024-03-04', '2024-03-04 00:00Z', NULL, NULL, NULL, NULL)"
	exits 0 perennial metrics
	measures last_run_timestamp_seconds 1709337690.250000 last_run_duration_seconds 90.250000 last_run_exit_code 75 \
		last_success_timestamp_seconds 1709251260.000000 'last_run_subscriptions{outcome="quarantined"}' 0
	# It does not know what it left.
	lacks "$output" skipped
	lacks "$output" remaining
}

@test "a sum of more than 64 bits, and a currency that has to be quoted" {
	given
	db "INSERT INTO perennial.run (run_id, as_of, finished_at, result, exit_code) VALUES (1, '2024-03-01', now(), 'done', 0);
	    INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held) VALUES (1, 1, 1, 1, 0);
	    INSERT INTO perennial.batch_total (bucket, batch_id, run_id, kind, currency, subscriptions, amount) VALUES
	    	(1, 1, 1, 'renewed', 'EUR', 1, 99999999999999999999999), (1, 1, 1, 'converted', 'EUR', 1, 1),
	    	(1, 1, 1, 'renewed', E'\\\\\"\\n', 1, 5)"
	exits 0 perennial metrics
	measures 'last_run_billed_minor_units{currency="EUR"}' 100000000000000000000000
	has "$output" 'perennial_last_run_billed_minor_units{currency="\\\"\n"} 5'
	run --separate-stderr promtool check metrics <<<"$output"
	is "$status $output$stderr" '0 '
}

@test "the tie-out's failed checks are counted as report tieout counts them" {
	given_all
	exits 0 perennial run --as-of "$AS_OF"
	db "UPDATE perennial.batch_total SET amount = amount + 1"
	exits 14 perennial report tieout --format csv
	local failed
	failed=$(grep -c ',FAIL' <<<"$output")
	((failed > 0))
	exits 0 perennial metrics --tieout
	measures tieout_failed_checks "$failed"
}

@test "a zone that is none is told with 78, when the tie-out is asked for" {
	printf 'report: { time_zone = "Nowhere/Land"; };\n' >"$BATS_TEST_TMPDIR/zone.conf"
	exits 78 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/zone.conf" metrics --tieout
	is "$output" ''
	exits 0 "$PERENNIAL" -c "$BATS_TEST_TMPDIR/zone.conf" metrics
}

@test "--output writes a file for everybody to read, whatever the umask and the file before it" {
	given_all
	(umask 0077 && perennial metrics --output "$file")
	is "$(stat -c %a "$file")" 644
	chmod 600 "$file"
	printf 'old' >"$file"
	(umask 0777 && perennial metrics --output "$file")
	is "$(stat -c %a "$file")" 644
	is "$(tail -n 1 "$file")" "$(perennial metrics | tail -n 1)"
	is "$(ls "$folder")" perennial.prom
	exits 0 perennial metrics --output "$file"
	is "$output$stderr" ''
}

@test "a file that cannot be written is 73, and the old one stays" {
	refuses 73 "cannot write $folder/missing/x.prom: No such file or directory" metrics --output "$folder/missing/x.prom"
	refuses 73 "cannot write $folder: it is not a file" metrics --output "$folder"
	printf 'old' >"$file"
	# No file may be larger than a KiB.
	exits 73 bash -c 'trap "" XFSZ; ulimit -f 1; exec "$0" -c /dev/null metrics --output "$1"' "$PERENNIAL" "$file"
	has "$stderr" "cannot write $file: File too large"
	is "$(cat "$file")" old
	is "$(ls "$folder")" perennial.prom
	refuses 64 '--output needs the name of a file' metrics --output ''
	run --separate-stderr sh -c '"$0" -c /dev/null metrics >/dev/full' "$PERENNIAL"
	is "$status" 73
}

@test "a reader may, applications may not, and nothing is written" {
	local before

	given_all
	role reader 'IN ROLE perennial_reader'
	role app 'IN ROLE perennial_app'
	before=$(md5_of physical)
	exits 0 as_role reader perennial metrics --tieout
	is "$(md5_of physical)" "$before"
	exits 77 as_role app perennial metrics
	is "$output" ''
}

@test "a run writes the file, and it says what the command says" {
	given_all
	role batch 'IN ROLE perennial_batch'
	exits 0 as_role batch with_file run --as-of "$AS_OF"
	has "$output" '5 subscriptions, 5 outcomes'
	is "$stderr" ''
	is "$(stat -c %a "$file")" 644
	is "$(grep -v oldest_due "$file")" "$(perennial metrics | grep -v oldest_due)"
	promtool check metrics <"$file"
}

@test "a run that ends with 10, 11 or 12 writes the file too" {
	given "${GIVEN_ALL[@]}" "add(9, 'active', '2023-10-31')"
	exits 10 with_file run --as-of "$AS_OF"
	output=$(<"$file")
	measures last_run_exit_code 10
	given_all
	exits 11 with_file run --as-of "$AS_OF" --limit 1 --batch-size 1
	output=$(<"$file")
	measures last_run_exit_code 11
	given "add(9, 'active', '2023-10-31')" "add(10, 'active', '2023-10-31')"
	printf 'limits: { max_held = 1; };\n' >>"$BATS_TEST_TMPDIR/perennial.conf"
	exits 12 with_file run --as-of "$AS_OF"
	output=$(<"$file")
	measures last_run_exit_code 12
}

@test "a run that fails writes the file where the database can still be asked" {
	use_copy "$template" failing
	given_all
	db "ALTER TABLE perennial.outcome RENAME COLUMN rule TO rules"
	run with_file run --as-of "$AS_OF"
	((status >= 64))
	is "$(db 'SELECT exit_code FROM perennial.run')" "$status"
	local code=$status
	output=$(<"$file")
	measures last_run_exit_code "$code"
}

@test "where no database is, the run's own code and message stay" {
	exits 69 with_file -d 'port=1' run
	lacks "$stderr" metrics
	[[ ! -e $file ]]
}

@test "a run's work is not lost where its file cannot be written" {
	local wrong code

	for wrong in "$folder/missing/x.prom" "$folder" /proc/perennial.prom; do
		given_all
		configure "$wrong"
		exits 73 with_file run --as-of "$AS_OF"
		has "$output" '5 subscriptions, 5 outcomes'
		has "$stderr" "perennial: the metrics were not written: cannot write $wrong: "
		is "$(grep -c . <<<"$stderr")" 1
		is "$(db 'SELECT result, exit_code, left_due FROM perennial.run')" 'done|0|0'
		is "$(db 'SELECT count(*) FROM perennial.outcome')" 5
	done
	given_all
	exits 73 with_file run --as-of "$AS_OF" --limit 1 --batch-size 1
	is "$(db 'SELECT result, exit_code FROM perennial.run')" 'left|11'
}

@test "a full disk in the middle of the file is no different, and leaves nothing of it" {
	given_all
	printf 'old' >"$file"
	exits 73 bash -c 'trap "" XFSZ; ulimit -f 1; exec "$0" -c "$1" run --as-of "$2"' "$PERENNIAL" \
		"$BATS_TEST_TMPDIR/perennial.conf" "$AS_OF"
	has "$output" '5 subscriptions, 5 outcomes'
	has "$stderr" "the metrics were not written: cannot write $file: File too large"
	is "$(cat "$file")" old
	is "$(ls "$folder")" perennial.prom
}

@test "a folder that may not be written to is no different" {
	((EUID != 0)) || skip 'permissions do not bind root'
	given_all
	chmod 555 "$folder"
	exits 73 with_file run --as-of "$AS_OF"
	has "$stderr" "cannot write $file: Permission denied"
}

@test "a run that ended with something else than 0 and 11 keeps its code" {
	given "${GIVEN_ALL[@]}" "add(9, 'active', '2023-10-31')"
	configure "$folder/missing/x.prom"
	exits 10 with_file run --as-of "$AS_OF"
	has "$stderr" 'the metrics were not written'
	has "$output" '1 newly on hold'
	given "add(9, 'active', '2023-10-31')" "add(10, 'active', '2023-10-31')"
	printf 'limits: { max_held = 1; };\n' >>"$BATS_TEST_TMPDIR/perennial.conf"
	exits 12 with_file run --as-of "$AS_OF"
	has "$stderr" 'the metrics were not written'
	has "$stderr" 'limits.max_held = 1'
}

@test "a role that may not read what the metrics need has done its run all the same" {
	use_copy "$template" refusing
	given_all
	db 'REVOKE SELECT (state) ON perennial.notification_job FROM perennial_batch'
	role poor 'IN ROLE perennial_batch'
	exits 73 as_role poor with_file run --as-of "$AS_OF"
	has "$output" '5 subscriptions, 5 outcomes'
	has "$stderr" 'the metrics were not written: '
	has "$stderr" 'permission denied'
	is "$(db 'SELECT result FROM perennial.run')" 'done'
	[[ ! -e $file ]]
}

@test "where the summary cannot be printed the file is written all the same" {
	given_all
	run --separate-stderr sh -c '"$0" -c "$1" run --as-of "$2" >/dev/full' "$PERENNIAL" \
		"$BATS_TEST_TMPDIR/perennial.conf" "$AS_OF"
	is "$status" 73
	has "$stderr" 'cannot write to standard output'
	output=$(<"$file")
	measures last_run_exit_code 0
}

@test "a plan and a dry run write no file" {
	given_all
	exits 0 with_file plan --as-of "$AS_OF"
	exits 0 with_file run --dry-run --as-of "$AS_OF"
	is "$(ls "$folder")" ''
}

@test "a path that is not absolute is an error of the configuration, with its line" {
	local path

	for path in perennial.prom ./perennial.prom ../x ' /x'; do
		printf '\nmetrics: {\n\tfile = "%s";\n};\n' "$path" >"$BATS_TEST_TMPDIR/perennial.conf"
		exits 78 with_file run
		is "$output" ''
		has "$stderr" "$BATS_TEST_TMPDIR/perennial.conf:3: metrics.file: not an absolute path"
	done
	configure ''
	given_all
	exits 0 with_file run --as-of "$AS_OF"
	is "$(ls "$folder")" ''
}
