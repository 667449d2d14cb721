# explain: what is said of one subscription: its facts, the rules, what a run would write, and its boundaries.
#
# The texts are in tests/cli/explain_golden, character by character.  Where one is meant to change:
# PERENNIAL_GOLDEN=renew make check T=tests/cli/explain.bats writes them anew, for a person to read the difference.
# shellcheck shell=bats disable=SC2016,SC2154

load helper

setup_file() {
	own_database
	db "INSERT INTO perennial.price (price_id, plan_id, currency, unit_amount, interval_months)
	    VALUES (7, 1, 'EUR', 25000, 24)"
	given "${GIVEN_ALL[@]}" \
		"add(11, 'active', '2024-02-29', zone => 'America/New_York')" \
		"add(12, 'active', '2024-01-31', quantity => 2)" \
		"add(13, 'active', '2023-11-30')" \
		"add(14, 'trialing', '2024-02-20', price => 6, billing => false)" \
		"add(15, 'active', '2024-02-29', price => 5, quantity => 2)" \
		"add(16, 'active', '2024-02-29', zone => 'Europe/Paris')" \
		"add(17, 'active', '2024-02-29')" \
		"add(18, 'trialing', '2024-03-08', billing => false)" \
		"add(19, 'active', '2016-01-31')"
	db "SELECT test.lose_zone(16);
	    UPDATE perennial.subscription SET anchor = '2024-01-31 00:00', time_zone = 'Europe/London',
	    	period_end = '2024-02-29 00:00Z', months_elapsed = 1 WHERE subscription_id = 1;
	    UPDATE perennial.subscription SET anchor = '2024-01-10 02:30', period_end = '2024-02-10 07:30Z',
	    	period_start = '2024-01-10 07:30Z' WHERE subscription_id = 11;
	    UPDATE perennial.subscription SET next_price_id = 7, next_quantity = 3 WHERE subscription_id = 17;
	    UPDATE perennial.subscription SET catch_up_allowed = true WHERE subscription_id = 19"
}

teardown_file() {
	drop_own
}

# golden NAME ID: the text for a subscription.
golden() {
	local wanted=$BATS_TEST_DIRNAME/explain_golden/$1 printed=$BATS_TEST_TMPDIR/$1

	perennial explain "$2" --as-of "$AS_OF" | sed "s/ database $PGDATABASE/ database …/" >"$printed"
	[[ ${PERENNIAL_GOLDEN-} != renew ]] || cp "$printed" "$wanted"
	diff -u "$wanted" "$printed"
}

# of ID EXPRESSION [OPTION...]: what SQL makes of the subscription's element of the document, j.
of() {
	json "$(perennial explain "$1" --as-of "$AS_OF" --format json "${@:3}")" \
		"(SELECT $2 FROM (SELECT t.j->'subscriptions'->0) AS e (j))"
}

@test "what renews at a month's end is explained, with the boundaries from its anchor" {
	golden renews_at_the_month_end 1
}

@test "a change of daylight saving is seen in the local times" {
	golden renews_across_daylight_saving 11
}

@test "a database's name does not command the terminal" {
	use_copy "$PGDATABASE" $'odd\e[31m\xc2\x9b31m'
	exits 0 perennial explain 1 --as-of "$AS_OF"
	has "$output" " on database ${OWN}odd [31m 31m: nothing is written"
}

@test "each step of catching up is told" {
	golden catches_up 12
}

@test "what is too far behind goes on hold" {
	golden too_far_behind 13
}

@test "of what is very far behind the first steps are told, how many more there are, and the last" {
	golden very_far_behind 19
}

@test "a trial with billing information converts" {
	golden trial_converts 3
}

@test "a trial without billing information ends" {
	golden trial_unbilled 4
}

@test "a free trial converts without billing information" {
	golden trial_free 14
}

@test "a pending cancellation ends with its period" {
	golden pending_cancellation 5
}

@test "what is on hold is left alone, and the reason is told" {
	golden held 6
}

@test "what is not due is told with what will be done when it is" {
	golden not_due 7
}

@test "a trial that is not due is told with its end" {
	golden trial_not_due 18
}

@test "what has ended has no boundaries" {
	golden expired 8
}

@test "an amount that is too large is a hold" {
	golden amount_overflow 15
}

@test "a time zone that the server lost is said" {
	golden lost_time_zone 16
}

@test "a scheduled change decides the price, the quantity and the boundaries" {
	golden scheduled_change 17
}

@test "every file of the texts is asked for here" {
	local file

	for file in "$BATS_TEST_DIRNAME"/explain_golden/*; do
		grep -q "^	golden ${file##*/} " "$BATS_TEST_FILENAME"
	done
}

@test "the document has the facts, with instants in the zone and in UTC" {
	is "$(of 11 "concat_ws(' ', j->'facts'->>'status', j->'facts'->>'quantity',
	             j->'facts'->'price'->>'unit_amount', j->'facts'->'period_end'->>'local',
	             j->'facts'->'period_end'->>'utc', j->'facts'->>'time_zone')")" \
		'active 1 1000 2024-02-10T02:30:00-05:00 2024-02-10T07:30:00Z America/New_York'
	is "$(of 11 "concat_ws(' ', j->'facts'->'account', j->'facts'->'next_price', j->'facts'->'hold_reason')")" \
		'{"account_id" : 11, "kind" : "online"} null null'
}

@test "the document has the rules in their order, up to the one that matches, each with the reason" {
	is "$(of 13 "(SELECT string_agg(r->>'rule' || ' ' || (r->>'matches'), ', ')
	              FROM json_array_elements(j->'rules') r)")" \
		'ended false, held false, not-due false, cancelled false, trial-unbilled false, too-far-behind true'
	is "$(of 13 "j->>'rule'")" too-far-behind
	is "$(of 13 "(SELECT count(*) FROM json_array_elements(j->'rules') r WHERE r->>'why' = '')")" 0
}

@test "the document has the boundaries as they are computed elsewhere" {
	is "$(of 1 "(SELECT string_agg(b->>'utc', ' ') FROM json_array_elements(j->'boundaries') b)")" \
		"$(db "SELECT string_agg(perennial.utc_text(perennial.boundary('2024-01-31', 'Europe/London', k)), ' ' ORDER BY k)
		       FROM generate_series(1, 12) k")"
	is "$(of 5 "json_array_length(j->'boundaries')")" 1
	is "$(of 8 "json_array_length(j->'boundaries')")" 0
	is "$(of 16 "(j->'boundaries')::text")" '[{"number":1,"months":1,"local":null,"utc":"2024-02-29T00:00:00Z"}]'
}

@test "that it may catch up is told among the facts and with its rule" {
	is "$(of 19 "j->'facts'->>'catch_up_allowed'")" true
	has "$(of 19 "j->'rules'->5->>'why'")" 'catching up is allowed'
	is "$(of 13 "j->'facts'->>'catch_up_allowed'")" false
	has "$(of 13 "j->'rules'->5->>'why'")" 'catching up is not allowed'
}

@test "the configuration's limit counts" {
	local conf=$BATS_TEST_TMPDIR/conf

	echo 'catch_up: { max_periods = 5; };' >"$conf"
	exits 0 "$PERENNIAL" -c "$conf" explain 13 --as-of "$AS_OF"
	has "$output" '3 whole periods missed since, fewer than catch_up.max_periods = 5'
}

@test "the steps are those of the plan, for the demo's subscriptions" {
	local id sample plan explained due=0

	PGDATABASE=${OWN}demo
	load_demo "$PGDATABASE"
	# Those that the demo is about, one of each kind of facts, and some of all.
	sample=$(db "SELECT subscription_id FROM perennial.subscription
	             WHERE subscription_id <= 10 OR subscription_id % 83 = 0
	                OR subscription_id IN (SELECT min(subscription_id) FROM perennial.subscription
	                                       WHERE period_end <= '$DEMO_AS_OF'
	                                       GROUP BY status, hold_reason, catch_up_allowed,
	                                                billing_info_at IS NULL, next_price_id IS NULL)")
	(($(wc -l <<<"$sample") >= 60))
	perennial plan --as-of "$DEMO_AS_OF" --format jsonl >"$BATS_TEST_TMPDIR/plan"
	for id in $sample; do
		explained=$(perennial explain "$id" --as-of "$DEMO_AS_OF" --format json)
		plan=$(grep "^{\"subscription_id\":$id," "$BATS_TEST_TMPDIR/plan") || :
		explained=$(sed 's/.*"steps":\[\(.*\)\],"further_steps":.*/\1/; s/},{/}\n{/g' <<<"$explained")
		is "$id $explained" "$id $plan"
		due=$((due + (${#plan} > 0)))
	done
	((due >= 20))
}

@test "the first and the last step of what is very far behind are those of the plan" {
	local plan

	plan=$(perennial plan --subscription 19 --as-of "$AS_OF" --format jsonl)
	is "$(of 19 "j->'steps'->0")" "$(head -n 1 <<<"$plan")"
	is "$(of 19 "j->'last_step'")" "$(tail -n 1 <<<"$plan")"
	is "$(of 19 "json_array_length(j->'steps') + (j->>'further_steps')::int")" "$(wc -l <<<"$plan")"
}

@test "what an operator is told of the next end is what a run does at it" {
	local said

	use_copy "${OWN}main" later
	said=$(of 7 "concat_ws(' ', j->'at_boundary'->>'kind', j->'at_boundary'->>'next_period_end',
	             j->'at_boundary'->>'amount')")
	perennial -q run --as-of 2024-03-01T00:00:01Z --subscription 7 >/dev/null
	is "$said" "$(db "SELECT concat_ws(' ', kind, perennial.utc_text(next_period_end), amount) FROM perennial.outcome")"
}

@test "as of a time to come, what will be due then is decided" {
	exits 0 perennial explain 7 --as-of 2999-12-31
	has "$output" 'catch_up_limit'
	exits 0 perennial explain 7 --as-of 2024-03-01
	has "$output" 'not-due           yes      period ends 2024-03-01T00:00:01Z, 1 second after as_of'
	exits 0 perennial explain 7 --as-of 2024-03-01T00:00:01
	has "$output" 'not-due           no       period ends 2024-03-01T00:00:01Z, at as_of'
}

@test "without --as-of the server's clock counts" {
	exits 0 perennial explain 1 --format json
	is "$(json "$output" "(j->>'as_of')::timestamptz BETWEEN now() - interval '10 minutes' AND now()")" t
}

@test "boundaries stand under their names, with fractions of a second too" {
	local head

	use_copy "$PGDATABASE" fractions
	given "add(1, 'active', '2024-02-29 10:00:00.123456')"
	exits 0 perennial explain 1 --as-of "$AS_OF"
	head=$(grep '^  boundaries' <<<"$output")
	head=${head%%months*}
	# The months begin where their name does.
	grep -E "^  +12 .{$((${#head} - 7))}[0-9]+$" <<<"$output"
}

@test "an id that is in two buckets is explained twice" {
	use_copy "${OWN}main" twice
	db "SELECT test.add(1, 'pending_cancellation', '2024-02-29', account => 3)" >/dev/null
	exits 0 perennial explain 1 --as-of "$AS_OF"
	is "$(grep -c '^subscription 1 ' <<<"$output")" 2
	has "$output" '3, online'
	exits 0 perennial explain 1 --as-of "$AS_OF" --format json
	is "$(json "$output" "(SELECT string_agg(s->>'rule', ' ') FROM json_array_elements(j->'subscriptions') s)")" \
		'renews cancelled'
}

@test "what others wrote cannot command a terminal or break the document" {
	use_copy "${OWN}main" hostile
	db "UPDATE perennial.subscription
	    SET hold_reason = E'a\n\x1b[31m\"red\\\\' || repeat('é', 300), held_at = '2024-02-29'
	    WHERE subscription_id = 1;
	    UPDATE perennial.plan SET name = E'B\x1b[31m'"
	exits 0 perennial explain 1 --as-of "$AS_OF"
	lacks "$output" $'\x1b'
	has "$output" 'on hold: a  [31m"red\éé'
	has "$output" 'basic, B [31m'
	is "$(of 1 "j->'facts'->>'hold_reason'")" \
		"$(db 'SELECT hold_reason FROM perennial.subscription WHERE subscription_id = 1')"
	has "$(of 1 "j->'rules'->1->>'why'")" 'on hold: a'
}

@test "no name or address of an account is shown" {
	local format

	for format in text json; do
		exits 0 perennial explain 2 --format $format
		lacks "${output,,}" marguerite
	done
}

@test "a reader is enough, an application is not" {
	role reader 'IN ROLE perennial_reader'
	role app 'IN ROLE perennial_app'
	exits 0 as_role reader perennial explain 12 --as-of "$AS_OF"
	exits 77 as_role app perennial explain 12
	is "$output" ''
}

@test "nothing is written, and no lock is waited for" {
	local before

	before=$(md5_of physical)
	keep_open 'SELECT FROM perennial.subscription WHERE subscription_id = 19 FOR UPDATE'
	exits 0 perennial explain 19 --as-of "$AS_OF"
	let_go
	is "$(md5_of physical)" "$before"
}

@test "where nothing can be written, as on a standby, it is the same" {
	local wanted

	wanted=$(perennial explain 3 --as-of "$AS_OF")
	PGOPTIONS='-c default_transaction_read_only=on' exits 0 perennial explain 3 --as-of "$AS_OF"
	is "$output" "$wanted"
}

@test "an unknown subscription is 65, a wrong argument 64" {
	refuses 65 'there is no subscription 4711' explain 4711
	refuses 65 'there is no subscription 9223372036854775807' explain 9223372036854775807 --format json
	refuses 64 'explain needs the id of a subscription' explain
	refuses 64 'explain takes the id of a subscription, not "ada"' explain ada
	refuses 64 'explain takes the id of a subscription, not "0"' explain 0
	refuses 64 'explain takes the id of a subscription, not "-1"' explain -- -1
	refuses 64 'not "99999999999999999999"' explain 99999999999999999999
	refuses 64 'explain takes no argument "2"' explain 1 2
	refuses 64 '--format takes text or json, not "jsonl"' explain 1 --format jsonl
	refuses 64 'is not a time' explain 1 --as-of tomorrow
	refuses 64 'is not within the years 2000 to 2999' explain 1 --as-of 3000-01-01
	refuses 64 'explain has no option --subscription' explain --subscription 1
	refuses 64 'explain has no option --horizon' explain 1 --horizon 30d
}

@test "what cannot be written is 73" {
	run --separate-stderr sh -c '"$0" -c /dev/null explain 1 >/dev/full' "$PERENNIAL"
	is "$status" 73
	has "$stderr" 'cannot write to standard output'
}
