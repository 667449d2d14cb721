# schema_page: sql/perennial-schema.7 has what the schema has, and its examples, and those of sql/perennial-reports.7,
# print what they say.
# shellcheck shell=bats disable=SC2154

load helper

setup_file() {
	own_database
	# The examples call the program by its name.
	mkdir "$BATS_FILE_TMPDIR/bin"
	cat >"$BATS_FILE_TMPDIR/bin/perennial" <<-SH
		#!/bin/sh
		unset PGOPTIONS
		exec "$PERENNIAL" -c /dev/null "\$@"
	SH
	chmod +x "$BATS_FILE_TMPDIR/bin/perennial"
}

teardown_file() {
	drop_own
}

setup() {
	page=$SOURCE/sql/perennial-schema.7
}


# The words of the page.

# section NAME: what stands in it.
section() {
	awk -v name="$1" '/^\.Sh / { inside = substr($0, 5) == name } inside' "$page"
}

# entries SECTION: the names that its lists explain, one a line.
entries() {
	section "$1" | sed -n 's/^\.It //p' | sed 's/ , /\n/g'
}

# in_entries SECTION QUERY: each name that the query gives is explained there.
in_entries() {
	all_of "$2" "$(entries "$1")"
}

# in_section SECTION QUERY: each name that the query gives is a word of it.
in_section() {
	all_of "$2" "$(section "$1" | grep -oE '[[:alnum:]_]+')"
}

# all_of QUERY LINES
all_of() {
	local names missing

	names=$(db "$1" | sort -u)
	differs "$names" ''
	missing=$(comm -23 <(echo "$names") <(sort -u <<<"$2"))
	is "$missing" ''
}

# checked TABLE COLUMN: a query for the values that the check of a column allows.
checked() {
	echo "SELECT (regexp_matches(pg_get_constraintdef(oid), '''([a-z_]+)''::text', 'g'))[1] FROM pg_constraint
	      WHERE conrelid = 'perennial.$1'::regclass AND conname = '$1_$2_check'"
}

# answered FUNCTION: a query for the columns of its answer.
answered() {
	echo "SELECT unnest(proargnames[pronargs + 1:]) FROM pg_proc WHERE oid = 'perennial.$1'::regproc"
}

ROLES="SELECT rolname FROM pg_roles WHERE rolname ~ '^perennial_(app|batch|operator|reader)\$'"

# Functions that a role may execute, and the owner's import, as the page writes them.
SIGNATURES="
SELECT '.It Fn ' || p.proname || args.list || CASE
       WHEN p.proretset THEN ' No returns rows'
       WHEN p.prorettype = 'void'::regtype THEN ''
       ELSE ' No returns Vt ' || test.short(p.prorettype) END
FROM pg_proc p
CROSS JOIN LATERAL (
	SELECT string_agg(format(' \"%s %s\"', p.proargnames[a.nth], test.short(a.type)), '' ORDER BY a.nth) AS list
	FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, nth)
) AS args
WHERE p.pronamespace = 'perennial'::regnamespace
AND (p.proname = 'import_subscriptions'
     OR EXISTS (SELECT FROM ($ROLES) r WHERE has_function_privilege(r.rolname, p.oid, 'EXECUTE')))"

SHORT="
CREATE FUNCTION test.short(type oid) RETURNS text LANGUAGE sql RETURN
	CASE format_type(type, NULL)
	     WHEN 'integer' THEN 'int' WHEN 'timestamp with time zone' THEN 'timestamptz'
	     WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'character' THEN 'char'
	     ELSE format_type(type, NULL) END"


@test "the page has no fault that mandoc knows" {
	run mandoc -Tlint -Wwarning "$page"
	is "$output" ''
	# Lines are as long as those of the other pages, and these may not be installed.
	mandoc -Tlint -Wstyle "$page" >"$BATS_TEST_TMPDIR/lint" 2>/dev/null || :
	run grep -vE 'text line longer than 80 bytes|referenced manual not found' "$BATS_TEST_TMPDIR/lint"
	is "$output" ''
}

@test "every role is in the page, and no other" {
	in_entries ROLES "$ROLES"
	is "$(entries ROLES | sort)" "$(db "$ROLES" | sort)"
}

@test "every table and view is in the page, and no other" {
	in_entries TABLES "SELECT relname FROM pg_class
		WHERE relnamespace = 'perennial'::regnamespace AND relkind IN ('r', 'v', 'm', 'p')"
	# Within the entry of subscription stand its columns.
	for name in $(entries TABLES); do
		is "$name $(db "SELECT to_regclass('perennial.$name') IS NOT NULL OR EXISTS (SELECT FROM pg_attribute
			WHERE attrelid = 'perennial.subscription'::regclass AND attname = '$name')")" "$name t"
	done
}

@test "every function that a role may execute is in the page, with its arguments and its answer" {
	db "$SHORT"
	all_of "$SIGNATURES" "$(grep '^\.It Fn ' "$page")"
}

@test "no function in the page is unknown to the database" {
	names=$( (sed -nE 's/^\.(It )?Fn ([a-z_]+).*/\2/p' "$page"
		grep -oE 'perennial\.[a-z_]+\(' "$page" | sed 's/.*\.//; s/(//' | grep -vx name) | sort -u)
	[ "$(wc -l <<<"$names")" -ge 15 ]
	for name in $names; do
		is "$name $(db "SELECT to_regproc('perennial.$name') IS NOT NULL")" "$name t"
	done
}

@test "every status, kind and state is in the page" {
	in_section STATES "SELECT unnest(enum_range(NULL::perennial.status))"
	in_section TABLES "SELECT unnest(enum_range(NULL::perennial.status))"
	in_section TABLES "$(checked outcome kind)"
	in_section TABLES "$(checked event kind)"
	in_section TABLES "$(checked run result)"
	in_section TABLES "$(checked account kind)"
	in_section QUEUE "$(checked notification_job kind)"
	in_entries QUEUE "$(checked notification_job state)"
}

@test "the kinds that a function writes are told with it" {
	db "SELECT p.proname, unnest(ARRAY[w[1], nullif(w[2], 'NULL')])
	    FROM pg_proc p,
	         regexp_matches(p.prosrc, 'append_event\(s, ''([a-z_]+)'', at, [^,]+, ''?([a-zA-Z_]+)', 'g') AS w
	    WHERE p.pronamespace = 'perennial'::regnamespace" >"$BATS_TEST_TMPDIR/kinds"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/kinds")" -ge 11 ]
	while IFS='|' read -r name kind; do
		[[ $kind ]] || continue
		grep -qw -- "$kind" <<<"$(sed -n "/^\.It Fn $name /,/^\.\(It\|El\)/{//!p}" "$page")" || { echo "$name $kind"; false; }
	done <"$BATS_TEST_TMPDIR/kinds"
}

@test "every column of an import is in the page, and no other" {
	columns="SELECT attname FROM pg_attribute WHERE attrelid = 'perennial.import_subscription'::regclass AND attnum > 0"
	in_entries IMPORT "$columns"
	is "$(entries IMPORT | sort)" "$(db "$columns" | sort)"
}

@test "every column that take_jobs and subscriptions_of answer is in the page" {
	in_entries QUEUE "$(answered take_jobs)"
	in_section FUNCTIONS "$(answered subscriptions_of)"
}

@test "every key of the payload is in the page" {
	in_entries QUEUE "SELECT (regexp_matches(prosrc, '^\s*''([a-z_]+)'', ', 'gn'))[1] FROM pg_proc
		WHERE oid = 'perennial.job_payload'::regproc"
}

@test "every SQLSTATE that a function raises is in the page, and no other" {
	raised="SELECT DISTINCT coalesce(w[2], CASE w[1] WHEN 'invalid_parameter_value' THEN '22023'
			WHEN 'invalid_transaction_state' THEN '25000' ELSE w[1] END)
		FROM pg_proc p, regexp_matches(p.prosrc, 'RAISE (?:([a-z_]+) USING|SQLSTATE ''([A-Z0-9]{5})'')', 'g') AS w
		WHERE p.pronamespace = 'perennial'::regnamespace"
	is "$(entries 'ERRORS AND RETRIES' | sort)" "$(db "$raised" | sort)"
}


# The examples.

# example NAME: the literal block behind the comment of this name.
example() {
	awk -v mark=".\\\\\" example $1" '
		$0 == mark { found = 1 }
		found && /^\.Ed$/ { exit }
		inside
		found && /^\.Bd / { inside = 1 }' "$page" | sed 's/\\e/\\/g'
}

# holds [ROLE] <BLOCK: what psql prints is what its lines that begin with two dashes say.
holds() {
	local block printed

	block=$(cat)
	differs "$block" ''
	printed=$(
		export PATH=$BATS_FILE_TMPDIR/bin:$PATH PGOPTIONS=${1:+-c role=$1}
		psql -XqAt -v SHOW_CONTEXT=never <<<"$block" 2>&1 | sed '/^$/d'
	)
	is "$printed" "$(sed -n 's/^-- //p' <<<"$block")"
}

uuids() {
	grep -oE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
}

@test "the examples print what the page says" {
	use_copy "$PERENNIAL_TEMPLATE" fresh
	holds < <(example catalogue)
	holds perennial_app < <(example life)
	holds perennial_reader < <(example history)

	# Tokens differ each time: the page's stand for those that are given.
	taken=$(PGOPTIONS='-c role=perennial_app' psql -XqAt < <(example take))
	script=$(paste -d/ <(example take | uuids) <(uuids <<<"$taken") | sed 's/.*/s\/&\//')
	is "$taken" "$(example take | sed -n 's/^-- //p' | sed "$script")"
	holds perennial_app < <(example say | sed "$script")
	is "$(db "SELECT string_agg(state, ' ' ORDER BY job_id) FROM perennial.notification_job WHERE attempts > 0")" 'done ready'

	db "UPDATE perennial.notification_job SET state = 'dead', attempts = 10 WHERE job_id = 2"
	holds perennial_operator < <(example revive)

	holds < <(example import)
	is "$(db 'SELECT * FROM perennial.broken_history')" ''
}

@test "the examples of the reports print what their page says" {
	page=$SOURCE/sql/perennial-reports.7
	use_copy "$PERENNIAL_TEMPLATE" reports
	holds < <(example sales)
	for name in runs read recognition late; do
		holds perennial_reader < <(example "$name")
	done
	for name in close journal tamper; do
		holds < <(example "$name")
	done
	# Each example that is marked was run.
	is "$(grep -c '^\.\\" example ' "$page")" 8
}

@test "every invariant of unsound is in the page, and no other" {
	names="SELECT DISTINCT (regexp_matches(pg_get_viewdef('perennial.unsound'::regclass), '''([a-z]+(-[a-z]+)+)''::text', 'g'))[1]"
	in_entries SOUNDNESS "$names"
	is "$(entries SOUNDNESS | sort)" "$(db "$names" | sort)"
}
