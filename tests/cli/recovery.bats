# recovery: what the manual page says for the day after a wrong run or a restore from a backup, done as it stands there.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load helper

PAGE=$SOURCE/src/perennial-recovery.7

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

# block WORDS: the example of the page in which these words stand.
block() {
	awk -v words="$1" '
		/^\.Bd -literal/ { inside = 1; text = ""; next }
		/^\.Ed/ { if (inside && index(text, words)) { print text; found = 1 } inside = 0 }
		inside { gsub(/\\e/, "\\"); text = text $0 "\n" }
		END { exit !found }' "$PAGE"
}

# The keys of all jobs in a state, in order.
keys() {
	db "SELECT concat_ws(':', bucket, subscription_id, kind, perennial.utc_text(boundary), event_id)
	    FROM perennial.notification_job WHERE state = '$1' ORDER BY 1"
}

# A consumer that takes all there is; prints the keys of what it sent.
send_all() {
	db "CREATE TEMPORARY TABLE taken AS SELECT * FROM perennial.take_jobs(100, '1 hour');
	    SELECT perennial.complete_job(bucket, job_id, token) FROM taken;
	    SELECT idempotency_key FROM taken ORDER BY 1" | sed '/^$/d'
}

outcomes() {
	db 'SELECT subscription_id, kind, period_end, next_period_end, amount FROM perennial.outcome ORDER BY subscription_id, period_end'
}

@test "a wrong run: what was not sent is kept back, the rest is listed with what became of it" {
	local run

	given_all
	exits 0 perennial run --as-of "$AS_OF" --format json
	run=$(json "$output" "j->>'run_id'")
	db "CREATE TEMPORARY TABLE taken AS SELECT * FROM perennial.take_jobs(2, '1 hour');
	    SELECT perennial.complete_job(bucket, job_id, token) FROM taken LIMIT 1" >/dev/null
	block 'wrong run' | sed "s/run_id = 7/run_id = $run/" | db
	is "$(db "SELECT state, count(*) FROM perennial.notification_job GROUP BY state ORDER BY state")" $'dead|3\ndone|1\ntaken|1'
	is "$(block 'next_period_end, o.amount' | sed "s/run_id = 7/run_id = $run/" | db | wc -l)" 5
	is "$(block 'next_period_end, o.amount' | sed "s/run_id = 7/run_id = $run/" | db | cut -d'|' -f8 | sort | paste -sd' ')" \
		'dead dead dead done taken'
	# One of them is sent after all.
	db "SELECT perennial.revive_job(bucket, job_id) FROM perennial.notification_job WHERE state = 'dead' LIMIT 1" >/dev/null
	is "$(send_all | wc -l)" 1
	is "$(db 'SELECT count(*) FROM perennial.unsound')" 0
}

@test "a restore: the runs repeat themselves, and what was sent is not sent again" {
	local sent first

	given_all
	db "SELECT test.add(20, 'active', '2024-03-10')"
	exits 0 perennial run --as-of "$AS_OF"
	send_all >/dev/null
	createdb -T "$PGDATABASE" "${OWN}backup"

	# After the backup: a customer cancels, a run renews, notifications are sent.
	db "SELECT perennial.cancel(20, 20)" >/dev/null
	exits 0 perennial run --as-of 2024-04-05
	sent=$(send_all)
	first=$(outcomes)
	is "$(wc -l <<<"$sent")" 7

	# The restore, and the page in its order.
	export PGDATABASE=${OWN}backup
	is "$(keys ready)" ''
	block setval | db >"$BATS_TEST_TMPDIR/ids"
	for table in account subscription event outcome notification_job run batch; do
		grep -q "^$table|" "$BATS_TEST_TMPDIR/ids"
	done
	is "$(block 'SELECT perennial.cancel' | grep -c 4711)" 1
	db "SELECT perennial.cancel(20, 20)" >/dev/null
	exits 0 perennial run --as-of 2024-04-05
	is "$(outcomes)" "$first"
	# Those of the run have the keys that they had; the confirmation that was said again has not.
	is "$(comm -12 <(keys ready) <(sort <<<"$sent") | wc -l)" 6
	cd "$BATS_TEST_TMPDIR"
	echo "$sent" >sent.csv
	block 'CREATE TEMPORARY TABLE sent' | db
	is "$(keys ready)" "$(keys ready | grep ':cancellation_confirmed:')"
	is "$(keys ready | wc -l)" 1
	is "$(db 'SELECT count(*) FROM perennial.unsound')" 0
	is "$(db "SELECT DISTINCT event_id > 1000000 FROM perennial.event WHERE kind = 'cancelled'")" t
}

@test "every command of the page exists, with its options" {
	local line count=0

	while read -r line; do
		exits 0 bash -c "\"\$0\" ${line#perennial } --help" "$PERENNIAL"
		count=$((count + 1))
	done < <(sed -n '/^\.Bd/,/^\.Ed/ s/^\(perennial [a-z]\)/\1/p' "$PAGE")
	((count >= 7))
}
