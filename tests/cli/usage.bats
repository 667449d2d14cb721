# usage: what the command line takes.  A mistake in it is told before anything else happens: no test here has a server.

# shellcheck shell=bats disable=SC2016,SC2086,SC2154

load helper

setup() {
	export PGHOST=127.0.0.1 PGPORT=1
	unset PGSERVICE
}

# wrong TEXT ARGUMENT...: a usage error that says TEXT and where to read more.
wrong() {
	refuses 64 "$@" && has "$stderr" 'hint: '
}

# An option's line in a help text: "  --limit N   stop after …", "  -c, --config FILE   …".
options_of() {
	sed -nE '/^options$/,$ s/^  ((-., )?--[a-z-]+( [A-Z]+)?) .*/\1/p'
}

commands() {
	perennial --help | sed -n '/^commands$/,/^$/ s/^  \([a-z]*\) .*/\1/p'
}

# A value that an option with this argument takes.
value_for() {
	case $1 in
	TIME) echo 2024-03-01 ;;
	N | ID) echo 7 ;;
	F) echo json ;;
	AGE) echo 1d ;;
	PERIOD | DATE | NAME | TEXT | CODE) echo x ;;
	FILE) echo /dev/null ;;
	CONNINFO) echo dbname=x ;;
	WHEN) echo always ;;
	*) return 1 ;;
	esac
}

@test "a missing command is a usage error" {
	wrong 'a command is missing'
}

@test "an unknown command is a usage error" {
	wrong 'there is no command "renew"' renew
	wrong 'there is no command ""' ''
	wrong 'there is no command "RUN"' RUN
}

@test "an unknown option before the command is a usage error" {
	wrong --frobnicate --frobnicate run
	wrong -z -z run
	wrong 'z' -vz run
}

@test "an unknown option of a command is a usage error" {
	local command

	for command in run plan migrate; do
		wrong --frobnicate $command --frobnicate
		wrong -z $command -z
	done
}

@test "an option of another command is a usage error" {
	wrong --limit plan --limit 5
	wrong --allow-future plan --allow-future
	wrong --detailed-exitcode run --detailed-exitcode
	wrong --print run --print
	wrong --as-of migrate --as-of 2024-03-01
}

@test "a mistyped command names the nearest" {
	wrong 'there is no command "paln"' paln
	has "$stderr" 'hint: did you mean plan?'
	wrong 'there is no command "RUN"' RUN
	has "$stderr" 'hint: did you mean run?'
	wrong 'there is no command "migrat"' migrat
	has "$stderr" 'hint: did you mean migrate?'
}

@test "a mistyped option names the nearest of its command" {
	wrong 'run has no option --limt' run --limt 5
	has "$stderr" 'hint: did you mean --limit?'
	wrong 'run has no option --wrokers=2' run --wrokers=2
	has "$stderr" 'hint: did you mean --workers?'
	wrong 'plan has no option --limt' plan --limt 5
	lacks "$stderr" 'did you mean'
	wrong 'run has no option --hlep' run --hlep
	has "$stderr" 'hint: did you mean --help?'
	wrong 'there is no option --verison' --verison
	has "$stderr" 'hint: did you mean --version?'
}

@test "what was typed does not command the terminal" {
	wrong 'there is no command "a 31mb"' $'a\xc2\x9b31mb'
	wrong 'there is no command "a [31mb"' $'a\e[31mb'
	wrong 'plan takes no argument "a 31mb"' plan $'a\xc2\x9b31mb'
}

@test "an option that is cut short names those that it could be" {
	wrong '--warn could be --warning or --warning-held' status --warn 3h
	wrong '--warn could be --warning or --warning-held' status --warn=3h
	wrong '--ver could be --verbose or --version' --ver
	wrong '--a could be --allow-over, --as-of or --allow-future' run --a
	wrong 'run has no option --=x' run --=x
}

@test "a mistyped format names the nearest of its command" {
	wrong '--format takes text, json, jsonl or csv, not "cvs"' plan --format cvs
	has "$stderr" 'hint: did you mean csv?'
	wrong '--format takes text or json, not "jsonl"' run --format jsonl
	has "$stderr" 'hint: did you mean json?'
}

@test "what is near to nothing names nothing" {
	local arguments

	for arguments in renew '' x 'run --frobnicate' 'run -z' 'plan --format xml' --frobnicate; do
		exits 64 perennial $arguments
		has "$stderr" 'hint: perennial --help lists the commands'
		lacks "$stderr" 'did you mean'
	done
}

@test "an option without its value is a usage error" {
	local option

	for option in -c -d --config --database; do
		wrong 'needs a value' $option
	done
	for option in --as-of --batch-size --limit --subscription --format; do
		wrong "$option needs a value" run $option
	done
	for option in --as-of --subscription --format; do
		wrong "$option needs a value" plan $option
	done
}

@test "a value for an option that takes none is a usage error" {
	wrong '--dry-run takes no value' run --dry-run=yes
	wrong '--help takes no value' run --help=yes
	wrong '--verbose takes no value' --verbose=3 run
}

@test "an option cut short so that it could be two is a usage error" {
	wrong --a run --a
}

@test "run knows the formats text and json, no others" {
	local format

	for format in jsonl csv xml JSON ''; do
		wrong "--format takes text or json, not \"$format\"" run --format "$format"
	done
}

@test "plan knows the formats text, json, jsonl and csv, no others" {
	local format

	for format in xml JSON jso ''; do
		wrong "--format takes text, json, jsonl or csv, not \"$format\"" plan --format "$format"
	done
}

@test "an argument that no command takes is a usage error" {
	wrong 'takes no argument "17"' run 17
	wrong 'takes no argument "now"' plan --as-of 2024-03-01 now
	wrong 'takes no argument "up"' migrate up
	wrong 'takes no argument "--limit"' run -- --limit
}

@test "--batch-size takes whole numbers from 1 to 10000" {
	local value

	for value in 0 -1 10001 abc 1.5 1e3 0x10 12k '' ' ' 99999999999999999999 -99999999999999999999 4294967297; do
		wrong "--batch-size takes a whole number from 1 to 10000, not \"$value\"" run --batch-size "$value"
	done
}

@test "--limit takes whole numbers from 1 on" {
	local value

	for value in 0 -1 abc 2.0 '' 9223372036854775808; do
		wrong "--limit takes a whole number from 1 on, not \"$value\"" run --limit "$value"
	done
}

@test "--subscription takes whole numbers from 1 on" {
	local command value

	for command in run plan; do
		for value in 0 -1 abc 1,2 '' 9223372036854775808; do
			wrong "--subscription takes a whole number from 1 on, not \"$value\"" $command --subscription "$value"
		done
	done
}

@test "--as-of takes nothing but a time that exists" {
	local command value

	for command in run plan; do
		for value in yesterday now infinity -infinity '' ' ' 2024 2024-03 20240301 2024-3-1 01.03.2024 2024-03-01x \
			' 2024-03-01' '2024-03-01 ' 1709251200 2024-02-30 2023-02-29 2024-13-01 2024-00-10 2024-01-00 \
			2024-03-01T24:00 2024-03-01T12:60 2024-03-01T12:00:60 2024-03-01T12 2024-03-01T12:00:00. \
			2024-03-01T12:00:00+1 2024-03-01T12:00:00+25 2024-03-01T12:00:00Europe/Paris 2024-03-01T12:00:00ZZ \
			12024-03-01 -2024-03-01 '2024-03-01 BC'; do
			wrong "--as-of: \"$value\" is not a time" $command --as-of "$value"
		done
	done
}

@test "--as-of takes only the years 2000 to 2999" {
	local command value

	for command in run plan; do
		for value in 1999-12-31 1999-12-31T23:59:59.999999Z 2000-01-01T00:00:00+00:01 3000-01-01 \
			2999-12-31T23:59:59-00:01 0001-01-01 9999-12-31; do
			wrong "--as-of: $value is not within the years 2000 to 2999" $command --as-of "$value"
		done
	done
}

@test "the first and the last instant of the years 2000 to 2999 are taken" {
	exits 0 perennial run --as-of 2000-01-01T00:00:00Z --help
	exits 0 perennial run --as-of 2999-12-31T23:59:59.999999Z --help
}

@test "a usage error tells where to read more" {
	refuses 64 'hint: perennial --help lists the commands' run --frobnicate
}

@test "--help shows the commands and options, and nothing on stderr" {
	local word

	exits 0 perennial --help
	is "$stderr" ''
	for word in 'usage: perennial' run plan migrate --config --database --verbose --quiet --help --version; do
		has "$output" "$word"
	done
	is "$(perennial -h)" "$output"
}

@test "--help after a command shows that command's options, and nothing on stderr" {
	local command

	for command in $(commands); do
		exits 0 perennial $command --help
		is "$stderr" ''
		has "$output" "] $command "
		is "$(perennial $command -h)" "$output"
	done
}

@test "every option that the help of a command names is accepted" {
	local command option argument count=0

	for command in $(commands); do
		while read -r option argument; do
			exits 0 perennial $command ${option//,/} ${argument:+$(value_for "$argument")} --help
			count=$((count + 1))
		done < <(perennial $command --help | options_of | sed 's/^-h, //')
	done
	((count >= 25))
}

@test "every option that the program's help names is accepted, in its long and its short form" {
	local short long argument count=0

	while read -r short long argument; do
		exits 0 perennial "${short%,}" ${argument:+$(value_for "$argument")} --help
		exits 0 perennial "$long" ${argument:+$(value_for "$argument")} --help
		count=$((count + 1))
	done < <(perennial --help | options_of | sed 's/^--.*/& &/; s/^\(--[a-z]*\) \([A-Z]*\) --[a-z]* .*/\1 \1 \2/')
	is "$count" 7
}

@test "no line of a help text is longer than 100 columns" {
	local command

	for command in '' $(commands); do
		perennial $command --help
	done >"$BATS_TEST_TMPDIR/help"
	is "$(LC_ALL=C.UTF-8 awk 'length > 100' "$BATS_TEST_TMPDIR/help")" ''
}

@test "help texts stand in columns" {
	local command

	for command in '' $(commands); do
		perennial $command --help | sed '/^examples$/,$ d'
	done >"$BATS_TEST_TMPDIR/help"
	run ! grep -E '^  .{24}[^ ]' "$BATS_TEST_TMPDIR/help"
}

@test "the help of each command ends with three examples, which it understands" {
	local command example count

	for command in $(commands); do
		count=0
		while read -r example; do
			example=${example%% [|>]*}
			# What follows is asked for help: it is read, and nothing is done.
			exits 0 bash -c "\"\$0\" $example --help" "$PERENNIAL"
			has "$output" "] $command"
			count=$((count + 1))
		done < <(perennial $command --help | sed -n '/^examples$/,$ s/^  perennial //p')
		is "$command $count" "$command 3"
	done
}

@test "every format that the help of a command names is accepted" {
	local command format

	for command in run plan; do
		for format in $(perennial $command --help | sed -n 's/^  --format F *//p' | sed 's/,/ /g; s/ or / /'); do
			exits 0 perennial $command --format "$format" --help
		done
	done
}

@test "--version says the version of the program, of its libraries and of the schema that it needs" {
	local schema

	schema=$(find "$SOURCE/sql/schema" -name '[0-9]*.sql' | sed 's/.*\/0*\([0-9]*\)_.*/\1/' | sort -n | tail -n 1)
	exits 0 perennial --version
	is "${lines[0]}" "perennial $(sed -n 's/^VERSION *:= *//p' "$SOURCE/Makefile")"
	[[ ${lines[1]} =~ ^libpq\ [0-9]+\.[0-9]+$ ]]
	has "${lines[2]}." "libconfig $(pkg-config --modversion libconfig)."
	is "${lines[3]}" "schema $schema"
	is "${#lines[@]}" 4
	is "$stderr" ''
	is "$(perennial -V)" "$output"
}

@test "help that cannot be written is exit code 73" {
	run --separate-stderr sh -c '"$0" --help >/dev/full' "$PERENNIAL"
	is "$status" 73
	has "$stderr" 'cannot write to standard output: No space left on device'
	run --separate-stderr sh -c '"$0" run --help >/dev/full' "$PERENNIAL"
	is "$status" 73
}
