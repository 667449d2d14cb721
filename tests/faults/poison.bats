# poison: rows that the server refuses go on hold, alone; what is not a row's fault holds nothing.
# shellcheck shell=bats disable=SC2030,SC2031,SC2154

load faults

# What an owner may add to the tables.  Every place asks the table of refusals, and every batch that is tried is
# counted: sequences do not roll back.
REFUSALS="
ALTER TABLE perennial.outcome ADD CONSTRAINT not_thirteen CHECK (quantity <> 13);

CREATE TABLE test.refusal (subscription_id bigint, place text, sqlstate text);
CREATE FUNCTION test.refuse(id bigint, place text, sqlstate text DEFAULT 'P0001') RETURNS void
LANGUAGE sql AS 'INSERT INTO test.refusal VALUES (id, place, sqlstate)';

CREATE FUNCTION test.judge() RETURNS trigger LANGUAGE plpgsql AS \$\$
DECLARE
	r test.refusal;
BEGIN
	SELECT * INTO r FROM test.refusal
	WHERE subscription_id = coalesce((to_jsonb(NEW)->>'subscription_id')::bigint, 0) AND place = TG_ARGV[0];
	IF r.place = 'sum' THEN
		r.subscription_id := (2147483647 + r.subscription_id::int);
	ELSIF FOUND THEN
		RAISE EXCEPTION 'marguerite says no' USING ERRCODE = r.sqlstate;
	END IF;
	RETURN NEW;
END \$\$;
CREATE TRIGGER judge BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.judge('outcome');
CREATE TRIGGER judge_sum BEFORE INSERT ON perennial.outcome FOR EACH ROW EXECUTE FUNCTION test.judge('sum');
CREATE TRIGGER judge BEFORE INSERT ON perennial.event FOR EACH ROW EXECUTE FUNCTION test.judge('event');
CREATE TRIGGER judge BEFORE INSERT ON perennial.batch FOR EACH ROW EXECUTE FUNCTION test.judge('batch');
CREATE CONSTRAINT TRIGGER judge_late AFTER INSERT ON perennial.outcome DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION test.judge('commit');

-- No boundary can be computed from an anchor at second 7; so many times as the refusal's number none from one at
-- second 9.
CREATE OR REPLACE FUNCTION perennial.boundary(anchor timestamp, time_zone text, months int) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT AS \$\$
BEGIN
	months := months + 0 / (extract(second FROM anchor)::int - 7);
	IF extract(second FROM anchor) = 9 AND EXISTS (
		SELECT FROM test.refusal WHERE place = 'zone' AND nextval('test.claims') <= subscription_id
	) THEN
		RAISE EXCEPTION 'no such zone' USING ERRCODE = '22023';
	END IF;
	RETURN (anchor + make_interval(months => months)) AT TIME ZONE time_zone;
END \$\$;

CREATE SEQUENCE test.claims;
CREATE SEQUENCE test.tries;
CREATE FUNCTION test.count() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''test.tries''); RETURN NULL; END';
CREATE TRIGGER count BEFORE UPDATE ON perennial.subscription FOR EACH STATEMENT EXECUTE FUNCTION test.count();
"
EMPTY+='TRUNCATE test.refusal; ALTER SEQUENCE test.tries RESTART; ALTER SEQUENCE test.claims RESTART;'

setup_file() {
	own_database
	db "$REFUSALS"
}

teardown_file() {
	drop_own
}

teardown() {
	let_go
}

# terminal ARGUMENT...: the program on a terminal, where it shows its log: both are in $output.
terminal() {
	SHELL=/bin/bash run script -qec "$(printf '%q ' "$PERENNIAL" -c "$SOURCE/tests/cli/impatient.conf" "$@")" /dev/null </dev/null
	output=${output//$'\r'/}
}

# poisons SQLSTATE DETAIL: subscription 3, alone, is refused; 1, 2, 4 and 5 are its neighbours in one batch.
poisons() {
	exits 10 perennial run --as-of "$AS_OF" --format json
	is "$(json "$output" "concat_ws(' ', j->'result', j->'exit_code', j->'stopped_by', j->'subscriptions', j->'outcomes',
		j->'newly_held', j->'failed', j->'left', j->'held')")" '"held" 10 null 5 4 1 0 0 1'
	is "$(db "SELECT string_agg(subscription_id::text, ' ' ORDER BY subscription_id) FROM perennial.outcome
	          WHERE run_id = (SELECT run_id FROM perennial.run)")" '1 2 4 5'
	is "$(db "SELECT s.subscription_id, s.hold_reason, s.status, s.period_end, s.revision, s.held_at, e.kind, e.reason, e.revision,
	                 e.actor, e.at = s.held_at, e.run_id = (SELECT run_id FROM perennial.run)
	          FROM perennial.subscription s JOIN perennial.event e USING (bucket, subscription_id)")" \
		"3|row_fault|active|$POISON_END|1|2024-03-01 00:00:00+00|held|row_fault|1|perennial run|t|t"
	is "$(db 'SELECT sqlstate, detail FROM perennial.event')" "$1|$2"
	is "$(run_row)" 'held|10|0|1|0|'
	is "$(disagreements)" ''
	is "$(unpaired_jobs)" ''
}

POISON_END='2024-02-29 00:00:00+00'


# Who may refuse a row.

@test "a check that the owner added refuses one row: it goes on hold, and its neighbours are processed" {
	given_due 5
	db 'UPDATE perennial.subscription SET quantity = 13 WHERE subscription_id = 3'
	poisons 23514 'write_outcomes, constraint not_thirteen'
	is "$(unsound)" ''
}

@test "a trigger that raises refuses one row" {
	given_due 5 "refuse(3, 'outcome')"
	poisons P0001 'write_outcomes, PL/pgSQL function test.judge() line 10 at RAISE'
	is "$(unsound)" ''
}

@test "a function of the schema that a trigger calls in vain refuses one row" {
	given_due 5 "refuse(3, 'outcome', 'PR002')"
	poisons PR002 'write_outcomes, PL/pgSQL function test.judge() line 10 at RAISE'
	is "$(unsound)" ''
}

@test "a deferred trigger, which speaks at the commit, refuses one row" {
	given_due 5 "refuse(3, 'commit')"
	poisons P0001 'check_now, PL/pgSQL function test.judge() line 10 at RAISE'
	is "$(unsound)" ''
}

@test "an outcome of the same period that is there already refuses one row" {
	given_due 5
	db "INSERT INTO perennial.outcome (bucket, run_id, subscription_id, account_id, revision, kind, rule, from_status, to_status,
	        period_start, period_end, price_id, quantity, unit_amount, amount, currency)
	    SELECT bucket, 0, subscription_id, account_id, 1, 'expired', 'cancelled', 'active', 'expired',
	           period_start, period_end, price_id, quantity, 1000, 0, 'EUR'
	    FROM perennial.subscription WHERE subscription_id = 3"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(held)" '3 row_fault'
	is "$(renewed)" '1 2 3 4 5'
	is "$(db 'SELECT sqlstate, detail FROM perennial.event')" '23505|write_outcomes, constraint outcome_pkey'
}

@test "a sum that overflows in a trigger refuses one row" {
	given_due 5 "refuse(3, 'sum')"
	poisons 22003 'write_outcomes, PL/pgSQL function test.judge() line 8 at assignment'
	is "$(unsound)" ''
}

@test "facts that cannot be computed, so that the claim itself fails, refuse one row" {
	given_due 2 "add(3, 'active', '2024-02-29 00:00:07', account => 1)" \
		"add(4, 'active', '2024-02-29', account => 1)" "add(5, 'active', '2024-02-29 00:00:08', account => 1)"
	POISON_END='2024-02-29 00:00:07+00' poisons 22012 \
		'claim_one, PL/pgSQL function perennial.boundary(timestamp without time zone,text,integer) line 3 at assignment'
}

@test "a name that is too long for the event is cut between two characters" {
	local umlauts schema id

	# One of two neighbours in length would be cut within a character, whatever stands before the name.
	printf -v umlauts 'ä%.0s' {1..30}
	given_due 5
	for id in 2 3; do
		schema=$umlauts; ((id == 2)) || schema+=x
		db "CREATE SCHEMA $schema;
		    CREATE FUNCTION $schema.$umlauts() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
		    CREATE TRIGGER refuse_$id BEFORE INSERT ON perennial.outcome FOR EACH ROW WHEN (NEW.subscription_id = $id)
		    EXECUTE FUNCTION $schema.$umlauts()"
	done
	exits 10 perennial run --as-of "$AS_OF"
	db "DROP SCHEMA ${umlauts}, ${umlauts}x CASCADE" 2>/dev/null
	is "$(held)" '2 row_fault, 3 row_fault'
	is "$(run_row)" 'held|10|0|2|0|'
	is "$(db 'SELECT octet_length(detail) FROM perennial.event ORDER BY 1')" $'126\n127'
}

@test "neither the row nor what the server said of it is in the event, the log or the output" {
	given_due 2 "refuse(1, 'outcome')"
	db 'UPDATE perennial.subscription SET quantity = 13 WHERE subscription_id = 2'
	terminal run --as-of "$AS_OF"
	is "$status" 10
	lacks "$output" marguerite
	lacks "$output" 'Failing row'
	is "$(db "SELECT count(*) FROM perennial.event e WHERE e::text ~* 'marguerite|failing row'")" 0
}

@test "summary and log name what was put on hold, with its SQLSTATE and what refused it" {
	given_due 5 "refuse(3, 'outcome')"
	terminal run --as-of "$AS_OF"
	has "$output" '5 subscriptions, 4 outcomes, 1 newly on hold'
	has "$output" "event=row_held run=$(db 'SELECT run_id FROM perennial.run') subscription=3 reason=row_fault sqlstate=P0001 at=\"write_outcomes, PL/pgSQL"
	[[ $output =~ event=run_finished\ .*\ result=held\ exit=10\ .*claimed=5\ outcomes=4\ held=1\ failed=0\ left=0 ]]
}


# How many.

# tries MOST: so many batches were tried at most.
tries() {
	local tries

	tries=$(db "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM test.tries")
	((tries <= $1)) || {
		printf 'tried %d batches, at most %d would be enough\n' "$tries" "$1"
		return 1
	}
}

@test "one bad row of 64 is found by halving" {
	given_due 64 "refuse(40, 'outcome')"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(held)" '40 row_fault'
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 63
	tries 18
}

@test "four bad rows of 256, far from each other, are found by halving" {
	given_due 256 "refuse(1, 'outcome')" "refuse(100, 'outcome')" "refuse(180, 'commit')" "refuse(256, 'outcome')"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(held)" '1 row_fault, 100 row_fault, 180 row_fault, 256 row_fault'
	is "$(db 'SELECT count(*) FROM perennial.outcome')" 252
	tries 72
	is "$(unsound)" ''
}

@test "bad rows side by side are each put on hold" {
	given_due 20 "refuse("{7..12}", 'outcome')"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(held)" '7 row_fault, 8 row_fault, 9 row_fault, 10 row_fault, 11 row_fault, 12 row_fault'
	is "$(renewed)" '1 2 3 4 5 6 13 14 15 16 17 18 19 20'
}

@test "a row that goes on hold by rule and one that is refused are told apart in one batch" {
	given_due 3 "add(4, 'active', '2023-11-29', account => 1)" "refuse(2, 'outcome')"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(held)" '2 row_fault, 4 catch_up_limit'
	has "$output" '2 newly on hold'
	is "$(unsound)" ''
}


# limits.max_held.

@test "when all rows are bad the run stops at limits.max_held with exit code 12, and what was committed stands" {
	given_due 8 "refuse("{1..8}", 'outcome')"
	exits 12 with 'limits: { max_held = 3; };' run --as-of "$AS_OF" --format json
	is "$(json "$output" "concat_ws(' ', j->'result', j->'exit_code', j->'stopped_by', j->'newly_held', j->'failed', j->'left', j->'held')")" \
		'"limit" 12 "max_held" 3 0 5 3'
	has "$stderr" 'limits.max_held = 3'
	is "$(held)" '1 row_fault, 2 row_fault, 3 row_fault'
	is "$(run_row)" 'limit|12|5|3|0|max_held'
	is "$(disagreements)" ''
}

@test "so many as limits.max_held go on hold" {
	given_due 8 "refuse("{3..5}", 'outcome')"
	exits 10 with 'limits: { max_held = 3; };' run --as-of "$AS_OF"
	is "$(held)" '3 row_fault, 4 row_fault, 5 row_fault'
	is "$(renewed)" '1 2 6 7 8'
}

@test "limits.max_held = 0 is no limit, where the default would have been one" {
	given_due 102 "refuse("{1..101}", 'outcome')"
	exits 10 with 'limits: { max_held = 0; };' run --as-of "$AS_OF"
	is "$(db 'SELECT count(*) FROM perennial.event')" 101
	is "$(renewed)" 102
	given_due 102 "refuse("{1..101}", 'outcome')"
	exits 12 perennial run --as-of "$AS_OF"
	is "$(db 'SELECT count(*) FROM perennial.event')" 100
}

@test "a batch whose holds by rule would pass limits.max_held writes nothing, and the plan says so before" {
	local before

	given_due 2 "add("{3..5}", 'active', '2023-11-29', account => 1)"
	before=$(md5_of physical subscription outcome event notification_job batch batch_total)
	exits 12 with 'limits: { max_held = 2; };' plan --as-of "$AS_OF" --format csv
	is "$(cut -d, -f1,4,17 <<<"$output" | tail -n +2 | sort)" $'1,renewed,\n2,renewed,\n3,,catch_up_limit\n4,,catch_up_limit\n5,,catch_up_limit'
	has "$stderr" 'limits.max_held: 3 subscriptions, more than 2'
	exits 12 with 'limits: { max_held = 2; };' run --as-of "$AS_OF"
	has "$output" 'stopped by: max_held'
	is "$(md5_of physical subscription outcome event notification_job batch batch_total)" "$before"
	is "$(run_row)" 'limit|12|5|0|0|max_held'
	exits 0 with 'limits: { max_held = 3; };' plan --as-of "$AS_OF"
	exits 10 with 'limits: { max_held = 3; };' run --as-of "$AS_OF"
}


# Rows that cannot even be put on hold.

@test "a row whose hold is refused too is counted as failed, passed over and still due" {
	given_due 5 "refuse(3, 'outcome')" "refuse(3, 'event')"
	exits 10 perennial run --as-of "$AS_OF" --format json
	is "$(json "$output" "concat_ws(' ', j->'result', j->'stopped_by', j->'subscriptions', j->'outcomes', j->'newly_held',
		j->'failed', j->'left', j->'held')")" '"held" null 4 4 0 1 1 0'
	is "$(renewed)" '1 2 4 5'
	is "$(db 'SELECT hold_reason, period_end, revision FROM perennial.subscription WHERE subscription_id = 3')" '|2024-02-29 00:00:00+00|0'
	is "$(run_row)" 'held|10|1|0|1|'
	is "$(disagreements)" ''
	is "$(unsound)" ''
}

@test "summary and log say which row failed" {
	given_due 3 "refuse(2, 'outcome')" "refuse(2, 'event', '22023')"
	terminal run --as-of "$AS_OF"
	is "$status" 10
	has "$output" 'left, and still due: 1, refused by the server, and so was their hold'
	lacks "$output" 'others hold their locks'
	has "$output" 'event=row_failed run='
	has "$output" 'subscription=2 sqlstate=22023 at="hold_row, PL/pgSQL function'
	[[ $output =~ event=run_finished\ .*\ held=0\ failed=1\ left=1 ]]
}

@test "a row whose hold is refused at the commit is counted as failed" {
	db "CREATE CONSTRAINT TRIGGER judge_late AFTER INSERT ON perennial.event DEFERRABLE INITIALLY DEFERRED
	    FOR EACH ROW EXECUTE FUNCTION test.judge('event_commit')"
	given_due 3 "refuse(2, 'outcome')" "refuse(2, 'event_commit')"
	exits 10 perennial run --as-of "$AS_OF"
	db 'DROP TRIGGER judge_late ON perennial.event'
	is "$(run_row)" 'held|10|1|0|1|'
	is "$(renewed)" '1 3'
	is "$(unsound)" ''
}

@test "a row that failed is tried again by the next run" {
	given_due 3 "refuse(2, 'outcome')" "refuse(2, 'event')"
	exits 10 perennial run --as-of "$AS_OF"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(run_row)" 'held|10|1|0|1|'
	db "DELETE FROM test.refusal WHERE place = 'event'"
	exits 10 perennial run --as-of "$AS_OF"
	is "$(held)" '2 row_fault'
	given_due 3 "refuse(2, 'outcome')" "refuse(2, 'event')"
	exits 10 perennial run --as-of "$AS_OF"
	db 'TRUNCATE test.refusal'
	exits 0 perennial run --as-of "$AS_OF"
	is "$(renewed)" '1 2 3'
}

@test "failed rows count for limits.max_held" {
	given_due 6 "refuse("{1..6}", 'outcome')" "refuse("{1..6}", 'event')"
	exits 12 with 'limits: { max_held = 3; };' run --as-of "$AS_OF"
	is "$(held)" ''
	exits 10 with 'limits: { max_held = 6; };' run --as-of "$AS_OF"
	is "$(run_row)" 'held|10|6|0|6|'
}

@test "--subscription of a row that is refused puts it on hold and ends" {
	given_due 3 "refuse(2, 'outcome')"
	exits 10 timeout 60 "$PERENNIAL" -c "$SOURCE/tests/cli/impatient.conf" run --as-of "$AS_OF" --subscription 2
	is "$(held)" '2 row_fault'
	is "$(renewed)" ''
}

@test "--subscription of a row that fails passes it over and ends" {
	given_due 3 "refuse(2, 'outcome')" "refuse(2, 'event')"
	exits 10 timeout 60 "$PERENNIAL" -c "$SOURCE/tests/cli/impatient.conf" run --as-of "$AS_OF" --subscription 2
	is "$(run_row)" 'held|10|1|0|1|'
}


# Afterwards.

# An operator lets go of 3.
release() {
	db "WITH s AS (UPDATE perennial.subscription SET hold_reason = NULL, held_at = NULL, revision = revision + 1
	               WHERE subscription_id = 3 RETURNING *)
	    INSERT INTO perennial.event (bucket, subscription_id, account_id, revision, kind, at, actor, from_status, to_status,
	        period_start, period_end, price_id, quantity)
	    SELECT bucket, subscription_id, account_id, revision, 'released', now(), 'test', status, status, period_start, period_end,
	           price_id, quantity FROM s"
}

@test "a refused row that was mended and released renews in the next run" {
	given_due 5 "refuse(3, 'outcome')"
	exits 10 perennial run --as-of "$AS_OF"
	db 'TRUNCATE test.refusal'
	release
	exits 0 perennial run --as-of "$AS_OF"
	is "$(renewed)" '1 2 3 4 5'
	is "$(db 'SELECT revision, hold_reason FROM perennial.subscription WHERE subscription_id = 3')" '3|'
	is "$(unsound)" ''
}

@test "a refused row that was released without being mended goes on hold again" {
	given_due 5 "refuse(3, 'outcome')"
	exits 10 perennial run --as-of "$AS_OF"
	release
	exits 10 perennial run --as-of "$AS_OF"
	is "$(db 'SELECT kind, revision FROM perennial.event ORDER BY revision')" $'held|1\nreleased|2\nheld|3'
	is "$(unsound)" ''
}


# What is no row's fault.

# holds_nothing CODE SQLSTATE: the run ends with CODE, and has done nothing.
holds_nothing() {
	exits "$1" perennial run --as-of "$AS_OF"
	is "$(held)$(renewed)" ''
	is "$(db 'SELECT result, exit_code, failed FROM perennial.run ORDER BY run_id DESC LIMIT 1')" "failed|$1|0"
}

# raises CODE SQLSTATE: raised by a trigger.
raises() {
	given_due 5 "refuse(3, 'outcome', '$2')"
	holds_nothing "$1" || {
		printf 'SQLSTATE %s\n' "$2"
		return 1
	}
}

@test "what a trigger raises of another class than a row's is the environment's: nothing is held, exit code 75" {
	raises 75 ZZ001
	raises 75 P0002
	raises 75 53100
	raises 75 57P01
	raises 75 XX000
}

@test "a zone that the server cannot read for a while holds nothing: exit code 75, or nothing when it passes" {
	given_due 4 "add(5, 'active', '2024-02-29 00:00:09', account => 1)" "refuse(1000000, 'zone')"
	holds_nothing 75
	given_due 4 "add(5, 'active', '2024-02-29 00:00:09', account => 1)" "refuse(5, 'zone')"
	exits 0 with 'run: { retry_for = "600s"; };' run --as-of "$AS_OF"
	is "$(renewed)" '1 2 3 4 5'
	((5 < $(db 'SELECT last_value FROM test.claims')))
}

@test "a conflict that a trigger raises is tried again, and holds nothing: exit code 75" {
	raises 75 40001
	raises 75 40P01
	raises 75 55P03
}

@test "what a trigger raises as if it were a statement that takes too long holds nothing: exit code 75" {
	raises 75 57014
}

@test "what a trigger raises as a fault of the program or the schema holds nothing: exit codes 70, 77, 78" {
	raises 70 0A000
	raises 70 42804
	raises 77 42501
	raises 78 42P01
}

@test "a row's SQLSTATE in a statement that is about no row holds nothing: exit code 70" {
	given_due 5 "refuse(0, 'batch', '23514')"
	holds_nothing 70
}

@test "a number that the sequence of batches gives twice holds nothing: exit code 70" {
	given_due 5
	db "INSERT INTO perennial.run (run_id, as_of) VALUES (-1, '$AS_OF');
	    INSERT INTO perennial.batch (bucket, batch_id, run_id, claimed, held) VALUES (perennial.bucket_of(1), 9999, -1, 1, 0);
	    ALTER TABLE perennial.batch ALTER batch_id RESTART 9999"
	holds_nothing 70
	has "$stderr" 'batch_pkey'
	db 'ALTER TABLE perennial.batch ALTER batch_id RESTART 10000'
}

@test "a number that the sequence of jobs gives twice holds nothing: exit code 70" {
	given_due 5
	db "INSERT INTO perennial.notification_job (bucket, job_id, subscription_id, account_id, kind, boundary)
	    VALUES (perennial.bucket_of(1), 9999, 77, 1, 'renewed', '$AS_OF');
	    ALTER TABLE perennial.notification_job ALTER job_id RESTART 9997"
	holds_nothing 70
	has "$stderr" 'notification_job_pkey'
	db 'ALTER TABLE perennial.notification_job ALTER job_id RESTART 10000'
}

@test "a lock that another session does not let go holds nothing: exit code 75" {
	given_due 5
	keep_open 'LOCK perennial.notification_job'
	exits 75 with 'run: { lock_timeout = "100ms"; retry_for = "1ms"; };' run --as-of "$AS_OF"
	has "$stderr" 'lock timeout'
	is "$(held)$(renewed)" ''
}

@test "a privilege that is missing holds nothing: exit code 77" {
	given_due 5
	role batch 'IN ROLE perennial_batch'
	db 'REVOKE INSERT ON perennial.outcome FROM perennial_batch'
	exits 77 as_role batch perennial run --as-of "$AS_OF"
	db 'GRANT INSERT ON perennial.outcome TO perennial_batch'
	is "$(held)$(renewed)" ''
}
