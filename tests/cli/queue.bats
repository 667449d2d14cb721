# queue: notification jobs as the example consumer takes them, and who is woken for them.
# shellcheck shell=bats disable=SC2030,SC2031,SC2119,SC2120,SC2154

load helper

CONSUMER=$SOURCE/sql/example-consumer
DOMAIN=perennial.example.com

setup_file() {
	own_database
	role app 'IN ROLE perennial_app'
}

teardown_file() {
	drop_own
}

setup() {
	MAILS=$BATS_TEST_TMPDIR/mails
}

# Whoever still waits stops: a listener, a consumer and what it started.
teardown() {
	touch "$BATS_TEST_TMPDIR/enough"
	[[ ! ${CONSUMER_PID-} ]] || kill -9 -- -"$CONSUMER_PID" 2>/dev/null || :
	let_go
}


# Consumers.  They have the rights of perennial_app, no more.  One that waited for a lock, which none should, would hang for
# good with those who wait for its output.
consumer() {
	PGOPTIONS='-c lock_timeout=20s' as_role app "$CONSUMER" "$@"
}

# start_consumer FILE [OPTION]: in the background.  What it starts is of the process group that has its number.
start_consumer() {
	as_role app exec setsid "$CONSUMER" "${@:2}" >>"$1" 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- 7>&- &
	CONSUMER_PID=$!
}

# Ends it as if the machine had lost its power, but for the statements that were on their way: they come to their end.
kill_consumer() {
	kill -9 "$CONSUMER_PID" || :
	wait "$CONSUMER_PID" || :
	await none_is_left
}

# Of the consumer's processes.
none_is_left() {
	# shellcheck disable=SC2009 # pgrep finds zombies too
	! ps -eo pgid=,stat= | grep -q "^ *$CONSUMER_PID [^Z]"
}

# await COMMAND...: until it succeeds, 30 seconds at most.
await() {
	local end=$((SECONDS + 30))

	until "$@"; do
		((SECONDS < end)) || {
			printf 'waited in vain for: %s\n' "$*"
			return 1
		}
		sleep 0.05
	done
}

# A consumer that has taken jobs and cannot get rid of the first mail: its output is a full pipe.
stuck_consumer() {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 7<>"$BATS_TEST_TMPDIR/pipe"
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/pipe" bs=4096 oflag=nonblock status=none 2>/dev/null || :
	start_consumer "$BATS_TEST_TMPDIR/pipe"
	wait_for "SELECT EXISTS (SELECT FROM perennial.notification_job WHERE state = 'taken')"
}

# The pipe is emptied into $MAILS; the consumer's exit code is $code.
unstick_consumer() {
	local reader

	tr -d '\0' <"$BATS_TEST_TMPDIR/pipe" >"$MAILS" 3>&- 7>&- &
	reader=$!
	exec 7>&-
	code=0
	wait "$CONSUMER_PID" || code=$?
	wait $reader
}

# All leases are over.  Whoever was killed did not fail: ten of them make no job dead.
end_leases() {
	db "UPDATE perennial.notification_job SET taken_until = now(), attempts = 1 WHERE state = 'taken'"
}


# Mails and jobs.

# The keys in mails on stdin, in order.
keys() {
	sed -n "s/^Message-ID: <\(.*\)@$DOMAIN>\$/\1/p" | sort
}

# The keys of all jobs, or of those where …
keys_of_jobs() {
	db "SELECT replace(concat_ws(':', bucket, subscription_id, kind, perennial.utc_text(boundary), event_id), ':', '.')
	    FROM perennial.notification_job WHERE ${1-true}" | sort
}

# Of mails on stdin: subscription, kind, address.
summary() {
	awk '/^To: / { to = substr($0, 5) } /^Message-ID: / { split($2, part, "."); print part[2], part[3], to }' | sort -n
}

# How many different mails there are on stdin.
texts() {
	awk '/^To: / { n++ } { mail[n] = mail[n] $0 "\n" } END { for (i in mail) seen[mail[i]]; for (i in seen) count++; print count + 0 }'
}

# state: how many jobs there are of each.
states() {
	db "SELECT string_agg(state || ' ' || n, ', ' ORDER BY state)
	    FROM (SELECT state, count(*) AS n FROM perennial.notification_job GROUP BY state) t"
}

# given_jobs N: jobs for renewals of one account.
given_jobs() {
	given "add(g, 'active', '2024-02-29', account => 1) FROM generate_series(1, $1) AS g"
	perennial run --as-of "$AS_OF" >/dev/null
}


@test "there is one mail for each job, of every kind, and the queue is empty then" {
	given_all
	perennial run --as-of "$AS_OF" >/dev/null
	db "SELECT perennial.subscribe(9, 1, 2, 'UTC', '2024-03-01') FROM test.add(9, 'expired', '2024-01-01');
	    SELECT perennial.start_trial(10, 3, 1, 14, 'UTC', false, '2024-03-01') FROM test.add(10, 'expired', '2024-01-01');
	    SELECT perennial.cancel(1, 1), perennial.cancel(2, 2);
	    SELECT perennial.withdraw_cancellation(2, 2);
	    SELECT perennial.reactivate(8, 8, 1, '2024-03-01')" >/dev/null
	is "$(db 'SELECT count(DISTINCT kind), count(*) FROM perennial.notification_job')" '9|11'

	exits 0 consumer
	is "$stderr" ''
	is "$(states)" 'done 11'
	is "$(keys <<<"$output")" "$(keys_of_jobs)"
	is "$(summary <<<"$output" | sed '/ subscribed \| trial_started /s/^[0-9]*/new/' | sort)" \
		'1 cancellation_confirmed marguerite1@example.com
1 renewed marguerite1@example.com
2 cancellation_confirmed marguerite.sales@example.org
2 cancellation_withdrawn marguerite.sales@example.org
2 renewed marguerite.sales@example.org
3 converted marguerite3@example.com
4 trial_expired marguerite.sales@example.org
5 expired marguerite5@example.com
8 reactivated marguerite.sales@example.org
new subscribed marguerite9@example.com
new trial_started marguerite.sales@example.org'
	is "$(grep -E '^(You|Your) ' <<<"$output" | sort)" \
		'You cancelled Basic.  You can use it until 2024-03-10T12:30:00, when it ends.
You cancelled Basic.  You can use it until 2024-03-29T00:00:00, when it ends.
You keep Basic.  The current period ends on 2024-03-10T12:30:00.
You subscribed to Basic.  We charge 20.00 EUR for 2024-03-01T00:00:00 to 2024-04-01T00:00:00.
Your subscription to Basic ended on 2024-02-25T00:00:00.
Your subscription to Basic is active again.  We charge 10.00 EUR for 2024-03-01T00:00:00 to 2024-04-01T00:00:00.
Your subscription to Basic was renewed.  We charge 10.00 EUR for 2024-02-29T00:00:00 to 2024-03-29T00:00:00.
Your subscription to Basic was renewed.  We charge 4500 JPY for 2024-02-10T12:30:00 to 2024-03-10T12:30:00.
Your trial of Basic ended on 2024-02-20T00:00:00.
Your trial of Basic has begun, and ends on 2024-03-15T00:00:00.
Your trial of Basic is now a subscription.  We charge 4.500 KWD for 2024-02-20T00:00:00 to 2024-03-20T00:00:00.'

	exits 0 consumer
	is "$output" ''
}

@test "a mail has its headers and its text, whatever the names are" {
	local name="  Ada \"the\" <first>|\\n; \$(exit 7) :'token' %s É中  "

	given "add(1, 'active', '2024-02-29 05:00', zone => 'America/New_York')"
	db <<-SQL
		SELECT perennial.put_account(1, 'online', \$\$$name\$\$, 'o''brien+\$x|y@example.com', NULL, 'pt_BR');
	SQL
	perennial run --as-of "$AS_OF" --allow-future >/dev/null
	consumer >"$MAILS"
	diff "$MAILS" - <<-MAIL
		To: o'brien+\$x|y@example.com
		Subject: Your subscription: renewed
		Message-ID: <1.1.renewed.2024-02-29T05.00.00Z.0@$DOMAIN>
		Content-Language: pt-BR
		MIME-Version: 1.0
		Content-Type: text/plain; charset=utf-8
		Content-Transfer-Encoding: 8bit

		Dear $name,

		Your subscription to Basic was renewed.  We charge 10.00 EUR for 2024-02-29T00:00:00 to 2024-03-29T00:00:00.

	MAIL
}

@test "a database can be given by conninfo" {
	local name=$PGDATABASE

	given_jobs 1
	PGDATABASE=nowhere exits 0 consumer -d "dbname=$name"
	is "$(summary <<<"$output")" '1 renewed marguerite1@example.com'
}

@test "a wrong option is exit code 64, and takes nothing" {
	given_jobs 1
	exits 64 consumer --folow
	has "$stderr" 'usage: example-consumer'
	exits 64 consumer -d
	exits 0 consumer --help
	has "$output" '--follow'
	is "$(states)" 'ready 1'
}

@test "without a server it says so, and fails" {
	PGPORT=1 exits 2 consumer
	has "$stderr" 'connection to server'
	is "$output" ''
}

@test "without the rights of perennial_app it says so, and fails" {
	given_jobs 1
	role stranger
	exits 3 as_role stranger "$CONSUMER"
	has "$stderr" 'permission denied'
	is "$(states)" 'ready 1'
}

@test "--follow waits for the next job" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\ntouch "%s/slept"\nexec /bin/sleep 0.1\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/sleep"
	chmod +x "$BATS_TEST_TMPDIR/bin/sleep"
	given_jobs 1
	PATH=$BATS_TEST_TMPDIR/bin:$PATH start_consumer "$MAILS" --follow
	await test -e "$BATS_TEST_TMPDIR/slept"
	is "$(summary <"$MAILS")" '1 renewed marguerite1@example.com'
	db 'SELECT perennial.cancel(1, 1)' >/dev/null
	wait_for "SELECT bool_and(state = 'done') FROM perennial.notification_job"
	kill -0 "$CONSUMER_PID"
	kill_consumer
	is "$(summary <"$MAILS")" $'1 cancellation_confirmed marguerite1@example.com\n1 renewed marguerite1@example.com'
}


# What cannot be sent.

@test "a job without an address fails with a reason, and the others are sent" {
	given "add(1, 'active', '2024-02-29')" "add(2, 'active', '2024-02-29')" "add(3, 'active', '2024-02-29')" \
		"add(5, 'active', '2024-02-29')"
	perennial run --as-of "$AS_OF" >/dev/null
	db "UPDATE perennial.account SET billing_email = NULL WHERE account_id = 1;
	    UPDATE perennial.account SET representative_email = NULL WHERE account_id = 2;
	    UPDATE perennial.account SET billing_email = E'a@b\nBcc: c@d' WHERE account_id = 3"
	exits 0 consumer
	is "$(summary <<<"$output")" '5 renewed marguerite5@example.com'
	has "$stderr" 'failed: no address'
	is "$(db "SELECT subscription_id, state, attempts, last_error, available_at > now() FROM perennial.notification_job ORDER BY 1")" \
		'1|ready|1|no address|t
2|ready|1|no address|t
3|ready|1|no address|t
5|done|1||f'
}

@test "a mail that the relay refuses fails with the relay's reason, whatever it says" {
	local reason="550 it's \"no\"; \\ :'token' \$(exit 7) --"

	given_jobs 2
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "%s" >&2\nexit 1\n' "${reason//[\"\\\$]/\\&}" | sed 's/\\\\/\\\\\\\\/' >"$BATS_TEST_TMPDIR/bin/cat"
	chmod +x "$BATS_TEST_TMPDIR/bin/cat"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH exits 0 consumer
	is "$output" ''
	is "$(db "SELECT DISTINCT state, last_error FROM perennial.notification_job")" "ready|$reason"
}

@test "what a relay says may be long and in another encoding: it fails its own mail only" {
	given_jobs 2
	mkdir "$BATS_TEST_TMPDIR/bin"
	# shellcheck disable=SC2016 # of the script
	printf '%s\n' '#!/bin/sh' 'mail=$(tee /dev/null)' 'case $mail in *ID:" <1.1."*) ;; *) printf "%s\n" "$mail"; exit ;; esac' \
		"printf 'd\\351sol\\351 ' >&2" 'head -c 200000 /dev/zero | tr "\0" x >&2' 'exit 1' >"$BATS_TEST_TMPDIR/bin/cat"
	chmod +x "$BATS_TEST_TMPDIR/bin/cat"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH exits 0 consumer
	is "$(states)" 'done 1, ready 1'
	is "$(db "SELECT left(last_error, 10), length(last_error) FROM perennial.notification_job WHERE state = 'ready'")" \
		'd?sol? xxx|1000'
}

@test "mails to a full disk are not said to be sent" {
	given_jobs 2
	consumer >/dev/full 2>"$BATS_TEST_TMPDIR/stderr"
	is "$(states)" 'ready 2'
	is "$(db "SELECT count(*) FROM perennial.notification_job WHERE last_error LIKE '%No space left on device'")" 2
	db "UPDATE perennial.notification_job SET available_at = now()"
	exits 0 consumer
	is "$(keys <<<"$output")" "$(keys_of_jobs)"
}


# Killed and late ones.

@test "a consumer that is killed keeps its jobs until their lease ends, and no longer" {
	given_jobs 3
	stuck_consumer
	kill -9 -- -"$CONSUMER_PID"
	exits 0 consumer
	is "$output" ''
	is "$(states)" 'taken 3'
	end_leases
	exits 0 consumer
	is "$(keys <<<"$output")" "$(keys_of_jobs)"
	is "$(states)" 'done 3'
}

@test "a consumer whose lease was lost is refused, says so, and goes on" {
	given_jobs 3
	stuck_consumer
	end_leases
	is "$(db "SELECT count(*) FROM perennial.take_jobs(2, '1 hour')")" 2
	unstick_consumer
	is $code 0
	# The third is nobody's then, and taken again.
	is "$(keys <"$MAILS" | wc -l)" 4
	is "$(keys <"$MAILS" | uniq)" "$(keys_of_jobs)"
	is "$(grep -c 'was taken anew, with another token' "$BATS_TEST_TMPDIR/stderr")" 2
	is "$(grep -c 'is not settled' "$BATS_TEST_TMPDIR/stderr")" 3
	is "$(states)" 'done 1, taken 2'
}

@test "a consumer that loses its database after a mail ends with psql's exit code" {
	given_jobs 3
	stuck_consumer
	db "ALTER ROLE ${OWN}app NOLOGIN"
	unstick_consumer
	db "ALTER ROLE ${OWN}app LOGIN"
	is $code 2
	is "$(keys <"$MAILS" | wc -l)" 1
	is "$(states)" 'taken 3'
}

@test "a job cannot be completed twice, nor with another's token" {
	given_jobs 2
	db "CREATE TABLE test.taken AS SELECT *, row_number() OVER () AS nth FROM perennial.take_jobs(2, '1 minute');
	    SELECT perennial.complete_job(bucket, job_id, token) FROM test.taken WHERE nth = 1" >/dev/null
	exits 1 db "SELECT perennial.complete_job(bucket, job_id, token) FROM test.taken WHERE nth = 1"
	has "$stderr" 'is done'
	exits 1 db "SELECT perennial.fail_job(bucket, job_id, token, 'no') FROM test.taken WHERE nth = 1"
	has "$stderr" 'is done'
	exits 1 db "SELECT perennial.complete_job(bucket, job_id, (SELECT token FROM test.taken WHERE nth = 1))
	            FROM test.taken WHERE nth = 2"
	has "$stderr" 'with another token'
	is "$(states)" 'done 1, taken 1'
	db "DROP TABLE test.taken"
}

@test "a consumer that is killed between a mail and its completion sends that one again, with the same key and text" {
	given_jobs 3
	db "CREATE FUNCTION test.sleep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN new; END';
	    CREATE TRIGGER slowly BEFORE UPDATE ON perennial.notification_job FOR EACH ROW
	    	WHEN (new.state = 'done' AND current_setting('application_name') = '${OWN}keeper') EXECUTE FUNCTION test.sleep()"
	PGAPPNAME=${OWN}keeper start_consumer "$MAILS"
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${OWN}keeper' AND wait_event = 'PgSleep')"
	kill -9 "$CONSUMER_PID"
	# Nor does its statement come to an end.
	let_go
	kill_consumer
	is "$(keys <"$MAILS" | wc -l)" 1
	is "$(states)" 'taken 3'
	end_leases
	consumer >>"$MAILS"
	is "$(keys <"$MAILS" | wc -l)" 4
	is "$(keys <"$MAILS" | uniq)" "$(keys_of_jobs)"
	is "$(texts <"$MAILS")" 3
	is "$(states)" 'done 3'
}

@test "consumers that are killed at any moment lose nothing, and send again only what they had taken" {
	local held=$BATS_TEST_TMPDIR/held

	given_jobs 20
	for _ in {1..10}; do
		start_consumer "$MAILS"
		sleep 0.$((RANDOM % 4))$((RANDOM % 10))
		kill_consumer
		keys_of_jobs "state = 'taken'" >>"$held"
		end_leases
	done
	consumer >>"$MAILS"
	is "$(states)" 'done 20'
	is "$(keys <"$MAILS" | uniq)" "$(keys_of_jobs)"
	is "$(texts <"$MAILS")" 20
	# At most one for each that was killed, and none more often than it was held by one that was killed.
	(($(keys <"$MAILS" | wc -l) <= 30))
	is "$(comm -23 <(keys <"$MAILS") <(sort <(keys_of_jobs) "$held"))" ''
}


# Beside others.

# together N: so many consumers that begin with the same instant; prints how many sent something.
together() {
	local n pids=()

	keep_open 'LOCK perennial.notification_job IN ACCESS EXCLUSIVE MODE'
	for ((n = 1; n <= $1; n++)); do
		consumer >"$MAILS.$n" 3>&- &
		pids+=($!)
	done
	wait_for "SELECT count(*) = $1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
		AND query LIKE '%take_jobs%'"
	let_go
	for n in "${pids[@]}"; do
		wait "$n"
	done
	cat "$MAILS".* >"$MAILS"
	grep -l '^To: ' "$MAILS".* | wc -l
}

@test "two consumers at once share the jobs, and none has two" {
	# More than one take for each.
	given_jobs 24
	is "$(together 2)" 2
	is "$(keys <"$MAILS")" "$(keys_of_jobs)"
	is "$(states)" 'done 24'
}

@test "four consumers at once share the jobs, and none has two" {
	given_jobs 34
	is "$(together 4)" 4
	is "$(keys <"$MAILS")" "$(keys_of_jobs)"
	is "$(states)" 'done 34'
}

@test "a take that is not committed holds up nobody, and what it had is there again when it is not" {
	given_jobs 5
	keep_open "SELECT FROM perennial.take_jobs(2, '1 hour')"
	exits 0 consumer
	is "$(keys <<<"$output" | wc -l)" 3
	is "$(states)" 'done 3, ready 2'
	let_go
	exits 0 consumer
	is "$(keys <<<"$output" | wc -l)" 2
	is "$(states)" 'done 5'
}


# Waking.

# A session that listens, until it is asked what it has heard.
listens() {
	local here=$BATS_TEST_TMPDIR

	rm -f "$here"/{listens,enough}
	as_role app psql -XqAt >"$here/heard" 3>&- <<-SQL &
		LISTEN perennial_job;
		\! touch '$here/listens'; until [ -e '$here/enough' ]; do sleep 0.02; done
		SELECT 1;
	SQL
	LISTENER_PID=$!
	await test -e "$here/listens"
}

# heard N: it got so many notifications.
heard() {
	touch "$BATS_TEST_TMPDIR/enough"
	wait $LISTENER_PID
	is "$(grep -c 'Asynchronous notification "perennial_job"' "$BATS_TEST_TMPDIR/heard")" "$1"
}

@test "a run's transaction with many jobs wakes once" {
	given "add(g, 'active', '2024-02-29', account => 1) FROM generate_series(1, 50) AS g"
	listens
	perennial run --as-of "$AS_OF" >/dev/null
	is "$(states)" 'ready 50'
	heard 1
}

@test "a run wakes once for each of its transactions" {
	given "add(g, 'active', '2024-02-29') FROM generate_series(1, 20) AS g"
	listens
	perennial run --as-of "$AS_OF" --batch-size 3 >/dev/null
	is "$(db 'SELECT count(DISTINCT committed_at) > 2 FROM perennial.batch')" t
	heard "$(db 'SELECT count(DISTINCT committed_at) FROM perennial.batch')"
}

@test "a run with nothing due, or only holds, wakes nobody" {
	given "add(7, 'active', '2024-03-02')"
	listens
	perennial run --as-of "$AS_OF" >/dev/null
	heard 0
	given "add(1, 'active', '2023-02-01')"
	listens
	exits 10 perennial run --as-of "$AS_OF"
	heard 0
}

@test "a customer's transaction wakes once when it has jobs, and not when it has none" {
	given "add(1, 'active', '2024-03-29')" "add(3, 'trialing', '2024-03-29', billing => false)"
	listens
	db "BEGIN; SELECT perennial.cancel(1, 1); SELECT perennial.withdraw_cancellation(1, 1); COMMIT" >/dev/null
	is "$(states)" 'ready 2'
	heard 1
	listens
	db "SELECT perennial.set_billing_info(3, 3)" >/dev/null
	heard 0
}

@test "a transaction that is rolled back wakes nobody" {
	given "add(1, 'active', '2024-03-29')"
	listens
	db "BEGIN; SELECT perennial.cancel(1, 1); ROLLBACK" >/dev/null
	heard 0
}
