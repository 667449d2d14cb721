# systemd: the installed units under a systemd of the test's own, from the timer to the alert.
# shellcheck shell=bats disable=SC2016,SC2154

load helper

setup_file() {
	export WHY_NOT='' MACHINE_CGROUP=perennial_test_$$ ROOT=$BATS_FILE_TMPDIR/root
	WHY_NOT=$(why_not)
	[[ -z $WHY_NOT ]] || return 0
	own_database
	install_files
	boot
}

teardown_file() {
	[[ -z ${MACHINE-} ]] || {
		kill -KILL "$MACHINE"
		waits 'the machine is gone' eval "! kill -0 $INIT" 2>/dev/null
	}
	waits 'the control groups are gone' remove_cgroup
	drop_own
}

setup() {
	[[ -z $WHY_NOT ]] || skip "$WHY_NOT"
	configure ''
	# systemd counts starts: too many in ten seconds are refused.
	inside systemctl reset-failed
}

teardown() {
	[[ -n $WHY_NOT ]] || {
		inside systemctl stop perennial.timer perennial.service
		let_go
	}
}

# Says why there can be no such systemd here, or nothing.
why_not() {
	if ((EUID != 0)); then
		echo 'only root can make namespaces'
	elif [[ ! -x /lib/systemd/systemd ]]; then
		echo 'there is no systemd'
	elif grep -qE '__[at]san_init' "$PERENNIAL"; then
		echo 'the unit forbids what a sanitizer does'
	elif ! "$BATS_TEST_DIRNAME/machine" --can >"$BATS_FILE_TMPDIR/can" 2>&1 3>&-; then
		paste -s -d ' ' "$BATS_FILE_TMPDIR/can"
		remove_cgroup || true
	fi
}

# What make install lays down, with the program under test, and what an administrator adds.
install_files() {
	mkdir -p "$ROOT/usr/sbin" "$ROOT/etc/systemd/system/perennial.timer.d" "$BATS_FILE_TMPDIR/build"
	cp "$PERENNIAL" "$BATS_FILE_TMPDIR/build/perennial"
	MAKEFLAGS='' make -C "$SOURCE" -o "$BATS_FILE_TMPDIR/build/perennial" --no-print-directory \
		B="$BATS_FILE_TMPDIR/build" install DESTDIR="$ROOT" prefix=/usr/local sysconfdir=/etc

	role batch 'IN ROLE perennial_batch'
	(
		umask 077
		printf '%s\n' '[perennial]' "host=$PGHOST" "port=${PGPORT-5432}" "dbname=$PGDATABASE" "user=${OWN}batch" \
			password=secret >"$ROOT/etc/perennial/pg_service.conf"
	)
	# Once, at once, instead of each hour.
	printf '[Timer]\nOnCalendar=\nOnActiveSec=100ms\nAccuracySec=1ms\nRandomizedDelaySec=0\n' \
		>"$ROOT/etc/systemd/system/perennial.timer.d/soon.conf"
	# A mail lands in a file.
	printf '#!/bin/sh\ncat >/run/mail\n' >"$ROOT/usr/sbin/sendmail"
	chmod 755 "$ROOT/usr/sbin/sendmail"
}

# Starts the systemd: $MACHINE is the process to end, $INIT the one that is its PID 1.
boot() {
	local -a shared=()

	# The folder of the server's socket.
	[[ $PGHOST != /* ]] || shared=("$PGHOST")
	"$BATS_TEST_DIRNAME/machine" "$ROOT" "${shared[@]}" </dev/null >"$BATS_FILE_TMPDIR/boot" 2>&1 3>&- &
	export MACHINE=$! INIT=''
	waits 'systemd has started' started || {
		cat "$BATS_FILE_TMPDIR/boot"
		return 1
	}
	inside systemd-sysusers perennial.conf
}

started() {
	INIT=$(cat "/proc/$MACHINE/task/$MACHINE/children" 2>/dev/null) && INIT=${INIT% } && [[ -n $INIT ]] &&
		[[ $(inside systemctl is-system-running) == running ]]
} 2>/dev/null

# inside COMMAND...: as root in the machine.
inside() {
	nsenter --target "$INIT" --mount --pid --uts --ipc --cgroup env -i PATH="$PATH" SYSTEMD_PAGER= \
		SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system:/run/units "$@" 3>&-
}

# waits TEXT COMMAND...: until the command succeeds, 20 seconds at most.
waits() {
	local what=$1 end=$((SECONDS + 20))

	shift
	until "$@"; do
		((SECONDS < end)) || {
			echo "waited in vain until $what"
			return 1
		}
		sleep 0.05
	done
}

# The control groups are left behind by their processes.
remove_cgroup() {
	[[ -n $WHY_NOT ]] || unshare --mount sh -c 'mount -t cgroup2 cgroup2 /mnt && cd /mnt &&
		if test -d "$0"; then find "$0" -depth -type d -exec rmdir {} +; fi' "$MACHINE_CGROUP"
} 2>/dev/null

# The configuration that runs in the machine have.
configure() {
	inside sh -c 'echo "$0" >/etc/perennial/perennial.conf' "$1"
}

# renewals N: so many subscriptions that are due, of one account.
renewals() {
	local id

	for ((id = 1; id <= $1; id++)); do
		printf '%s\n' "add($id, 'active', date_trunc('hour', now()) - interval '1 hour', account => 1)"
	done
}

# What runs see that cannot be renewed: its amount is more than an amount may be.
TOO_DEAR="date_trunc('hour', now()) - interval '2 hours', price => 5, quantity => 2)"

# due ROW...: only these; no run has been, the journal begins here.
due() {
	given "$@"
	SINCE=$(date +%s.%N)
	inside rm -f /run/mail
}

# journal OPTION...: the messages since then.
journal() {
	inside journalctl --sync
	inside journalctl --quiet --output=cat --since="@$SINCE" "$@"
}

# What the unit's property is.
property() {
	inside systemctl show --property="$1" --value perennial.service
}

# The only run's invocation, as systemd writes it.
invocation() {
	db "SELECT invocation_id FROM perennial.run"
}

# ends RESULT CODE: starts the service, which ends like this.
ends() {
	local status=0

	inside systemctl start perennial.service 2>"$BATS_TEST_TMPDIR/systemctl" || status=$?
	is "$(property Result) $(property ExecMainStatus) $((status != 0))" "$1 $2 $([[ $1 == success ]]; echo $?)" ||
		{ journal; return 1; }
}

alerted() {
	journal -t perennial-alert | grep -q .
}

# What the alert that follows says.
alert() {
	waits 'there is an alert' alerted || { journal; return 1; }
	journal -t perennial-alert -p err
}


@test "the timer starts a run, whose two lines the journal has under the invocation of its row" {
	mapfile -t rows < <(renewals 3)
	due "${rows[@]}"
	inside systemctl enable --now --quiet perennial.timer
	wait_for "SELECT count(*) = 1 FROM perennial.run WHERE finished_at IS NOT NULL" || { journal; return 1; }
	is "$(db "SELECT result, exit_code FROM perennial.run")" 'done|0'
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 3

	told=$(journal "_SYSTEMD_INVOCATION_ID=$(invocation)" _TRANSPORT=syslog | sed 's/^event=\([a-z_]*\) run=[0-9]* .*/\1/')
	is "$told" $'run_started\nrun_finished'
	is "$(journal -p notice -t perennial | wc -l)" 2
	waits 'the unit has ended' eval '[[ $(property ActiveState) == inactive ]]'
	is "$(property Result)" success
	run ! alerted
}

@test "a run that newly put something on hold fails the unit, and the alert says it" {
	due "add(1, 'active', $TOO_DEAR" "$(renewals 2 | tail -n 1)"
	ends exit-code 10
	is "$(alert)" \
		"event=unit_failed unit=perennial.service result=exit-code code=exited exit=10 invocation=$(invocation)"
	waits 'there is a mail' inside test -s /run/mail
	mail=$(inside cat /run/mail)
	has "$mail" $'To: root\nSubject: '
	has "$mail" 'perennial.service failed (exited 10)'
	has "$mail" "journalctl _SYSTEMD_INVOCATION_ID=$(invocation)"
}

@test "a run that stops at a limit fails the unit, and the alert says it" {
	configure 'limits: { max_held = 1; };'
	due "add("{1..3}", 'active', $TOO_DEAR"
	ends exit-code 12
	has "$(alert)" "exit=12 invocation=$(invocation)"
}

@test "a run that leaves what others have locked is no failure, and no alert" {
	mapfile -t rows < <(renewals 2)
	due "${rows[@]}"
	configure 'run: { lock_timeout = "100ms"; };'
	keep_open 'SELECT FROM perennial.subscription WHERE subscription_id = 2 FOR UPDATE'
	ends success 11
	is "$(db 'SELECT subscription_id FROM perennial.outcome')" 1
	run ! alerted
}

@test "a service says how far it is, and ends its run in order when it is stopped" {
	mapfile -t rows < <(renewals 300)
	due "${rows[@]}"
	configure 'run: { workers = 1; batch_size = 1; };'
	db "CREATE OR REPLACE FUNCTION test.dawdle() RETURNS trigger LANGUAGE plpgsql AS
	    'BEGIN PERFORM pg_sleep(0.1); RETURN new; END';
	    CREATE TRIGGER dawdle BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.dawdle()"
	inside systemctl start --no-block perennial.service
	waits 'it says how far it is' eval '[[ $(property StatusText) == *" of about 300 due"* ]]'
	inside systemctl stop perennial.service
	db 'DROP TRIGGER dawdle ON perennial.outcome'

	is "$(db 'SELECT finished_at IS NOT NULL, exit_code FROM perennial.run')" 't|11'
	is "$(db 'SELECT sum(claimed) = (SELECT count(*) FROM perennial.outcome) FROM perennial.batch')" t
	is "$(property Result) $(property ExecMainStatus)" 'success 11'
	has "$(journal "_SYSTEMD_INVOCATION_ID=$(invocation)" _TRANSPORT=syslog | tail -n 1)" 'event=run_finished '
	run ! alerted
}

@test "a service without its connection fails before the program starts, and the alert says it" {
	due
	inside mv /etc/perennial/pg_service.conf /etc/perennial/elsewhere
	ends exit-code 243
	inside mv /etc/perennial/elsewhere /etc/perennial/pg_service.conf
	has "$(alert)" 'unit=perennial.service result=exit-code code=exited exit=243 '
	is "$(db 'SELECT count(*) FROM perennial.run')" 0
}

@test "the alert can be tried by hand, for any unit" {
	due
	inside systemctl start perennial-alert@any.service.service
	is "$(alert)" \
		'event=unit_failed unit=any.service result=unknown code=unknown exit=unknown invocation=unknown'
}

@test "an alert without a mail program is a line in the journal, and no failure of its own" {
	due
	inside chmod -x /usr/sbin/sendmail
	inside systemctl start perennial-alert@perennial.service.service
	inside chmod +x /usr/sbin/sendmail
	has "$(alert)" 'event=unit_failed '
}
