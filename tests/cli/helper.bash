# shellcheck shell=bash
# helper: a database of the file's own, small sets of subscriptions in it, and what the tests ask of the program.
#
# A file calls own_database in setup_file and drop_own in teardown_file.  Every database and role that it makes is
# named with $OWN first, so that files run side by side on one server.

bats_require_minimum_version 1.5.0

# A test that hangs fails.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}

: "${PERENNIAL:?absolute path of the program}" "${PERENNIAL_TEMPLATE:?a migrated empty database}"
# The folder that holds conf, sql, src and tests.
SOURCE=${BATS_TEST_DIRNAME%/tests/*}
# shellcheck disable=SC2034 # for the tests
CONF=$SOURCE/conf/perennial.conf

# The instant that most tests decide at.
# shellcheck disable=SC2034
AS_OF=2024-03-01T00:00:00Z
# The same for the data of the demo.
# shellcheck disable=SC2034
DEMO_AS_OF=2024-03-31T02:00:00Z


# The program.  A configuration that the machine has must not lead a test to another server, and a fault that is meant
# need not be tried again for a minute.
perennial() {
	"$PERENNIAL" -c "$SOURCE/tests/cli/impatient.conf" "$@"
}

# Runs SQL from the argument or stdin on the test's database; prints bare rows.
db() {
	PGTZ=UTC PGDATESTYLE=ISO psql -XqAt -v ON_ERROR_STOP=1 ${1+-c "$1"}
}


# What a test asks.  Each says on failure what it saw.

is() {
	[[ $1 == "$2" ]] || {
		printf 'is:     %s\nshould: %s\n' "$1" "$2"
		return 1
	}
}

differs() {
	[[ $1 != "$2" ]] || {
		printf 'should have changed: %s\n' "$1"
		return 1
	}
}

has() {
	[[ $1 == *"$2"* ]] || {
		printf 'is:          %s\nshould have: %s\n' "$1" "$2"
		return 1
	}
}

lacks() {
	[[ $1 != *"$2"* ]] || {
		printf 'is:              %s\nshould not have: %s\n' "$1" "$2"
		return 1
	}
}

# exits CODE COMMAND...: fills $output and $stderr.
exits() {
	local wanted=$1
	shift
	run --separate-stderr "$@"
	# shellcheck disable=SC2154 # run sets them
	((status == wanted)) || {
		printf 'exit code %d, should be %d: %s\n%s\n%s\n' "$status" "$wanted" "$*" "$output" "$stderr"
		return 1
	}
}

# refuses CODE TEXT ARGUMENT...: the program ends with CODE, says TEXT on stderr, and nothing on stdout.
refuses() {
	local code=$1 text=$2
	shift 2
	exits "$code" perennial "$@" && is "$output" '' && has "$stderr" "$text"
}


# The database.

# own_database [TEMPLATE]
own_database() {
	OWN=perennial_cli_$(basename "$BATS_TEST_FILENAME" .bats)_$$_
	export OWN PGDATABASE=${OWN}main
	createdb -T "${1:-$PERENNIAL_TEMPLATE}" "$PGDATABASE"
	db "$FIXTURES"
}

drop_own() {
	local name

	# A file that has an error in its syntax never set it up; every name begins with nothing.
	[[ ${OWN-} == perennial_cli_?* ]] || return 0

	for name in $(PGDATABASE=postgres db "SELECT datname FROM pg_database WHERE starts_with(datname, '$OWN')"); do
		dropdb --force "$name"
	done
	for name in $(PGDATABASE=postgres db "SELECT rolname FROM pg_roles WHERE starts_with(rolname, '$OWN')"); do
		dropuser "$name"
	done
}

# role NAME [OPTION]: a role that may log in with the password "secret" from here on, for as_role.
role() {
	db "CREATE ROLE $OWN$1 LOGIN PASSWORD 'secret' ${2-}"
}

# as_role NAME COMMAND...
as_role() {
	local PGUSER=$OWN$1 PGPASSWORD=secret
	export PGUSER PGPASSWORD
	shift
	"$@"
}

# The demo's 5,000 subscriptions in a database of this name.
load_demo() {
	createdb -T "$PERENNIAL_TEMPLATE" "$1"
	PGDATABASE=$1 db <"$SOURCE/tests/demo/load.sql" >/dev/null
}

# use_copy TEMPLATE NAME: a fresh copy, for the rest of the test.
use_copy() {
	export PGDATABASE=$OWN$2
	dropdb --if-exists --force "$PGDATABASE"
	createdb -T "$1" "$PGDATABASE"
}


# Subscriptions: given "add(1, 'active', '2024-02-29')" "add(...)" empties the tables and puts these in.

EMPTY='TRUNCATE perennial.account, perennial.subscription, perennial.outcome, perennial.event,
	perennial.notification_job, perennial.run, perennial.batch, perennial.batch_total;'

FIXTURES="
INSERT INTO perennial.plan (plan_id, code, name) VALUES (1, 'basic', 'Basic');
INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months) VALUES
	(1, 1, 'EUR', 1000, 1),
	(2, 1, 'EUR', 10000, 12),
	(3, 1, 'JPY', 1500, 1),
	(4, 1, 'KWD', 4500, 1),
	(5, 1, 'EUR', 600000000000000, 1),   -- two of these are more than an amount may be
	(6, 1, 'EUR', 0, 1);

CREATE SCHEMA test;

-- One subscription, id being its account's too.  All names and addresses contain \"marguerite\".
CREATE FUNCTION test.add(id bigint, status perennial.status, period_end timestamptz, account bigint DEFAULT NULL,
	price int DEFAULT 1, quantity int DEFAULT 1, billing boolean DEFAULT true, zone text DEFAULT 'UTC',
	hold text DEFAULT NULL) RETURNS void
LANGUAGE sql SET TimeZone = 'UTC' AS \$\$
	INSERT INTO perennial.account (bucket, account_id, kind, name, billing_email, representative_email)
	SELECT perennial.bucket_of(a), a, CASE WHEN a % 2 = 0 THEN 'corporate' ELSE 'online' END,
	       'Marguerite ' || a, 'marguerite' || a || '@example.com',
	       CASE WHEN a % 2 = 0 THEN 'marguerite.sales@example.org' END
	FROM coalesce(add.account, add.id) AS a
	ON CONFLICT DO NOTHING;

	INSERT INTO perennial.subscription (bucket, subscription_id, account_id, price_id, quantity, status,
		billing_info_at, anchor, time_zone, months_elapsed, period_start, period_end, trial_end,
		cancel_requested_at, ended_at, end_reason, hold_reason, held_at)
	SELECT perennial.bucket_of(coalesce(add.account, add.id)), add.id, coalesce(add.account, add.id), add.price,
	       add.quantity, add.status, CASE WHEN add.billing THEN add.period_end - interval '10 days' END,
	       add.period_end AT TIME ZONE add.zone - make_interval(months => k.months), add.zone, k.months,
	       add.period_end - make_interval(months => greatest(k.months, 1)), add.period_end,
	       CASE WHEN add.status = 'trialing' THEN add.period_end END,
	       CASE WHEN add.status IN ('pending_cancellation', 'expired') THEN add.period_end - interval '5 days' END,
	       CASE WHEN add.status = 'expired' THEN add.period_end END,
	       CASE WHEN add.status = 'expired' THEN 'cancelled' END,
	       add.hold, CASE WHEN add.hold IS NOT NULL THEN add.period_end - interval '1 day' END
	FROM perennial.price p,
	     LATERAL (SELECT CASE WHEN add.status = 'trialing' THEN 0 ELSE p.interval_months END AS months) k
	WHERE p.price_id = add.price;
\$\$;

-- What no constraint would let in.
CREATE FUNCTION test.lose_zone(id bigint) RETURNS void
LANGUAGE plpgsql SET session_replication_role = replica AS \$\$
BEGIN
	UPDATE perennial.subscription SET time_zone = 'Nowhere/Land' WHERE subscription_id = id;
END
\$\$;
"

given() {
	local sql=$EMPTY row

	for row in "$@"; do
		sql+="SELECT test.$row;"
	done
	db "$sql" >/dev/null
}

# One of each: what renews, converts, expires, ends with its trial, is held, and is not due.  Five are due.
GIVEN_ALL=(
	"add(1, 'active', '2024-02-29')"
	"add(2, 'active', '2024-02-10 12:30', price => 3, quantity => 3)"
	"add(3, 'trialing', '2024-02-20', price => 4)"
	"add(4, 'trialing', '2024-02-20', billing => false)"
	"add(5, 'pending_cancellation', '2024-02-25', price => 2)"
	"add(6, 'active', '2024-02-28', hold => 'payment_dispute')"
	"add(7, 'active', '2024-03-01 00:00:01')"
	"add(8, 'expired', '2024-01-15')"
)

given_all() {
	given "${GIVEN_ALL[@]}"
}


# Comparing tables.

# md5_of [PHYSICAL [TABLE...]]: a line for each table and sequence of the schema, or for these tables.  With
# PHYSICAL a row that was written again with the same values counts as changed.
md5_of() {
	local row=t::text names=''

	[[ ${1-} != physical ]] || row="(t.ctid, t.xmin, t)::text"
	shift $(($# > 0))
	(($# == 0)) || names=$(printf "'%s'," "$@")
	db <<-SQL
		SELECT format(CASE relkind
		       WHEN 'r' THEN 'SELECT %1\$L AS name, md5(string_agg($row, '','' ORDER BY $row)) FROM perennial.%1\$I t'
		       ELSE 'SELECT %1\$L, last_value || is_called::text FROM perennial.%1\$I' END, relname)
		FROM pg_class
		WHERE relnamespace = 'perennial'::regnamespace AND relkind IN ('r', 'S')
		AND CASE WHEN '${names//\'/}' <> '' THEN relname IN (${names}'') ELSE true END
		ORDER BY relname
		\gexec
	SQL
}

# What runs have done, without what differs between two runs that do the same: ids and clocks.
work_done() {
	db "SELECT 'subscription', md5(string_agg(t::text, ',' ORDER BY bucket, subscription_id)) FROM perennial.subscription t
	    UNION ALL
	    SELECT 'outcome', md5(string_agg((to_jsonb(t) - '{outcome_id,run_id,decided_at}'::text[])::text, ','
	                                     ORDER BY bucket, subscription_id, period_end)) FROM perennial.outcome t
	    UNION ALL
	    SELECT 'event', md5(string_agg((to_jsonb(t) - '{event_id,run_id,recorded_at}'::text[])::text, ','
	                                   ORDER BY bucket, subscription_id, revision)) FROM perennial.event t
	    UNION ALL
	    SELECT 'job', md5(string_agg((to_jsonb(t) - '{job_id,available_at}'::text[])::text, ','
	                                 ORDER BY bucket, subscription_id, kind, boundary)) FROM perennial.notification_job t"
}

# Whether run, batch and batch_total agree with the rows that were written, run by run: prints what does not.
disagreements() {
	db "(SELECT run_id, kind, currency, count(*), sum(amount) FROM perennial.outcome GROUP BY run_id, kind, currency
	     EXCEPT SELECT run_id, kind, currency, subscriptions, amount FROM perennial.run_total)
	    UNION ALL
	    (SELECT run_id, kind, currency, subscriptions, amount FROM perennial.run_total
	     EXCEPT SELECT run_id, kind, currency, count(*), sum(amount) FROM perennial.outcome GROUP BY run_id, kind, currency)
	    UNION ALL
	    SELECT run_id, 'claimed', '', b.claimed, w.subscriptions
	    FROM (SELECT run_id, sum(claimed) AS claimed, sum(held) AS held FROM perennial.batch GROUP BY run_id) b
	    FULL JOIN (
	    	SELECT run_id, count(DISTINCT subscription_id) AS subscriptions, count(*) FILTER (WHERE held) AS held
	    	FROM (SELECT run_id, subscription_id, false AS held FROM perennial.outcome
	    	      UNION ALL SELECT run_id, subscription_id, true FROM perennial.event WHERE kind = 'held') t
	    	GROUP BY run_id) w USING (run_id)
	    WHERE (b.claimed, b.held) IS DISTINCT FROM (w.subscriptions, w.held)
	    UNION ALL
	    SELECT run_id, 'unknown run', '', NULL, NULL FROM perennial.batch WHERE run_id NOT IN (SELECT run_id FROM perennial.run)"
}

# Whether every promise is kept.
is_sound() {
	is "$(db 'SELECT * FROM perennial.unsound')" ''
}

# hold_state ID...: whether each is on hold, and why.
hold_state() {
	db "SELECT subscription_id, coalesce(hold_reason, 'free') || CASE WHEN catch_up_allowed THEN ', catch-up' ELSE '' END
	    FROM perennial.subscription WHERE subscription_id IN ($(IFS=,; echo "$*")) ORDER BY 1" | tr '|' ' '
}

# Outcomes without their job, jobs without their outcome.
unpaired_jobs() {
	db "SELECT * FROM perennial.outcome o
	    FULL JOIN (SELECT * FROM perennial.notification_job WHERE event_id = 0) j
	    ON (j.bucket, j.subscription_id, j.account_id, j.kind, j.boundary)
	       = (o.bucket, o.subscription_id, o.account_id, o.kind, o.period_end)
	    WHERE o.bucket IS NULL OR j.bucket IS NULL"
}


# Other sessions.

# wait_for QUERY: until it prints t, 30 seconds at most.
wait_for() {
	local end=$((SECONDS + 30))

	until [[ $(db "$1") == t ]]; do
		((SECONDS < end)) || {
			printf 'waited in vain for: %s\n' "$1"
			return 1
		}
		sleep 0.05
	done
}

# keep_open SQL: another session does it and leaves its transaction open, until let_go.
keep_open() {
	PGAPPNAME=${OWN}keeper psql -Xq -v ON_ERROR_STOP=1 -c "BEGIN; $1; SELECT pg_sleep(600)" >/dev/null 2>&1 3>&- &
	wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${OWN}keeper' AND wait_event = 'PgSleep')"
}

let_go() {
	db "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '${OWN}keeper'" >/dev/null
}


# json TEXT EXPRESSION: what SQL makes of a JSON text, j: json "$output" "j->>'run_id'".
json() {
	db <<-SQL
		SELECT $2 FROM (SELECT \$json\$$1\$json\$::json AS j) t
	SQL
}
