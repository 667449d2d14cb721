# history: what happened to a subscription, as it is shown.

load helper

setup_file() {
	own_database
	db "SELECT perennial.put_account(7, 'online', 'Ada', 'ada@example.com', NULL, 'en');
	    SELECT perennial.start_trial(7, 1, 2, 14, 'Europe/Paris', false, '2024-01-31 00:00+01');
	    SELECT perennial.set_billing_info(7, 1, '2024-02-03');
	    SELECT perennial.schedule_change(7, 1, 2, 3, '2024-02-04');
	    SELECT perennial.schedule_change(7, 1, NULL, NULL, '2024-02-05')" >/dev/null
	perennial run --as-of 2024-02-20 >/dev/null
	db "SELECT perennial.cancel(7, 1, '2024-02-21')" >/dev/null
	perennial run --as-of 2024-04-01 >/dev/null
	db "SELECT perennial.reactivate(7, 1, 3 - 1, '2024-05-05 12:00:00.5Z')" >/dev/null
	db "SELECT test.add(99, 'active', '2024-02-29')" >/dev/null
	ACTOR=$(db 'SELECT session_user')
	export ACTOR
}

teardown_file() {
	drop_own
}

@test "the history tells what happened, when, what it led to, and by whom" {
	exits 0 perennial history 1
	is "$(sed -e 's/  */ /g' -e 's/^ //' <<<"$output")" "subscription 1 of account 7
rev at what status until amount by
1 2024-01-30T23:00:00Z trial_started trialing 2024-02-13T23:00:00Z $ACTOR
2 2024-02-03T00:00:00Z billing_info_set trialing 2024-02-13T23:00:00Z $ACTOR
3 2024-02-04T00:00:00Z change_scheduled trialing 2024-02-13T23:00:00Z $ACTOR, price 2, quantity 3
4 2024-02-05T00:00:00Z change_scheduled trialing 2024-02-13T23:00:00Z $ACTOR, no change
5 2024-02-13T23:00:00Z converted active 2024-03-13T23:00:00Z 20.00 EUR run 1, trial-converts
6 2024-02-21T00:00:00Z cancelled pending_cancellation 2024-03-13T23:00:00Z $ACTOR
7 2024-03-13T23:00:00Z expired expired 2024-03-13T23:00:00Z run 2, cancelled
8 2024-05-05T12:00:00Z reactivated active 2025-05-05T12:00:00Z 200.00 EUR $ACTOR"
}

@test "the columns are aligned" {
	exits 0 perennial history 1
	is "$(sed -n '2,$p' <<<"$output" | cut -c28-29 | sort -u)" '  '
	is "$(awk 'NR == 2 { at = index($0, "amount") + 6 } NR == 7 { print substr($0, at - 3, 3) }' <<<"$output")" EUR
}

@test "json is one document with every column of the view but the bucket" {
	exits 0 perennial history --format json 1
	is "$(json "$output" 'json_array_length(j)')" 8
	is "$(json "$output" "j->4->>'rule' || ' ' || (j->4->>'amount') || ' ' || (j->4->>'period_start')")" \
		'trial-converts 2000 2024-02-13T23:00:00Z'
	is "$(json "$output" "(SELECT string_agg(k, ' ' ORDER BY k) FROM json_object_keys(j->0) k)")" \
		"$(db "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
		       WHERE attrelid = 'perennial.history'::regclass AND attname <> 'bucket'")"
}

@test "jsonl is a line for each entry" {
	exits 0 perennial history 1 --format jsonl
	is "$(wc -l <<<"$output")" 8
	is "$(json "$(sed -n 7p <<<"$output")" "j->>'kind' || ' ' || (j->>'run_id')")" 'expired 2'
}

@test "a subscription without history has none, in every form" {
	exits 0 perennial history 99
	is "$output" 'subscription 99 has no history'
	exits 0 perennial history 99 --format json
	is "$output" '[]'
	exits 0 perennial history 99 --format jsonl
	is "$output" ''
}

@test "what others wrote cannot command a terminal or break a line" {
	db "UPDATE perennial.event SET detail = E'a\nb\x1b[31mred' WHERE subscription_id = 1 AND revision = 2"
	exits 0 perennial history 1
	is "$(wc -l <<<"$output")" 10
	has "$output" "$ACTOR, a b [31mred"
}

@test "a hold tells its reason" {
	db "SELECT test.add(50, 'active', '2022-02-28')" >/dev/null
	perennial run --as-of 2024-04-02 --subscription 50 >/dev/null || :
	exits 0 perennial history 50
	has "$output" 'held'
	has "$output" 'catch_up_limit, rule too-far-behind'
}

@test "an unknown subscription is 65, a wrong argument 64" {
	refuses 65 'there is no subscription 4711' history 4711
	refuses 64 'history needs the id of a subscription' history
	refuses 64 'history takes the id of a subscription, not "ada"' history ada
	refuses 64 'history takes the id of a subscription, not "0"' history 0
	refuses 64 'not "99999999999999999999"' history 99999999999999999999
	refuses 64 'history takes no argument "2"' history 1 2
	refuses 64 '--format takes text, json or jsonl, not "csv"' history 1 --format csv
}

@test "a reader is enough, an application is not" {
	role reader 'IN ROLE perennial_reader'
	role app 'IN ROLE perennial_app'
	exits 0 as_role reader perennial history 1
	exits 77 as_role app perennial history 1
	is "$output" ''
}

@test "the history of a subscription that is gone is still shown" {
	db "SELECT perennial.subscribe(7, 1, 1, 'UTC', '2024-01-31'); DELETE FROM perennial.subscription WHERE subscription_id = 2" >/dev/null
	exits 0 perennial history 2
	has "$output" 'subscribed'
	is "$(db 'SELECT fault FROM perennial.broken_history WHERE subscription_id = 2')" 'its subscription is gone'
}

@test "nothing is written" {
	local before

	before=$(md5_of physical)
	perennial history 1 >/dev/null
	is "$(md5_of physical)" "$before"
}
