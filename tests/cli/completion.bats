# completion: bash and zsh offer what the help says, and nothing else.
# shellcheck shell=bats disable=SC2086,SC2154

load helper

setup_file() {
	# Files to choose from.
	mkdir "$BATS_FILE_TMPDIR/files"
	touch "$BATS_FILE_TMPDIR/files/october.conf" "$BATS_FILE_TMPDIR/files/other.conf"
	cd "$BATS_FILE_TMPDIR/files" || exit
	ask_zsh
}

setup() {
	cd "$BATS_FILE_TMPDIR/files" || exit
}

# offered WORD...: what bash offers for the last word, sorted, in one line; a shell of its own, without anything loaded.
offered() {
	PATH=${PERENNIAL%/*}:$PATH bash --norc --noprofile -uc '
		. "$0"
		complete -p perennial >/dev/null
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_perennial
		((!${#COMPREPLY[@]})) || printf "%s\n" "${COMPREPLY[@]}"' "$SOURCE/src/perennial.bash" "$@" | sort | paste -s -d ' '
}

# Lines of zsh's answers: "perennial plan --f: --format".
ask_zsh() {
	local command option value
	local -a question=('perennial ' 'perennial r' 'perennial -' 'perennial -c oct' 'perennial --config=oct'
		'perennial -c october.conf -d "dbname=a b" -v repo' 'perennial -c october.conf report tie'
		'perennial report --output o' 'perennial nonsense ' 'perennial nonsense -')

	for command in $(commands); do
		question+=("perennial $command " "perennial $command -")
		while read -r option value _; do
			[[ -z $value ]] || question+=("perennial $command $option ")
		done < <(options_of "$command")
	done
	question+=('perennial report --format=j' './missing ')
	mkdir "$BATS_FILE_TMPDIR/home"
	zsh -f "$BATS_TEST_DIRNAME/complete.zsh" "$SOURCE/src" "${PERENNIAL%/*}" "$BATS_FILE_TMPDIR/home" "${question[@]}" \
		>"$BATS_FILE_TMPDIR/zsh" 3>&-
}

# zsh_offered WORDS: what zsh offered for these words; only what was asked is answered.
zsh_offered() {
	grep -qF "$1: " "$BATS_FILE_TMPDIR/zsh" || echo "zsh was not asked for: $1"
	sed -n "s|^$1: ||p" "$BATS_FILE_TMPDIR/zsh"
}

commands() {
	"$PERENNIAL" --help | awk '/^commands$/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

# The options of a help, a line each: --format F text, json or csv.  Those without a value have their name only.
options_of() {
	"$PERENNIAL" "$@" --help | awk '/^options$/ { on = 1; next } /^$/ { on = 0 } on {
		sub(/^  (-., )?/, "")
		if ($2 !~ /^[A-Z]+$/)
			$0 = $1
		print
	}'
}

# What should be offered for the value of an option, from its line.
values_of() {
	case $2 in
	FILE) echo 'october.conf other.conf' ;;
	F | WHEN) sed 's/.*: //; s/ ([^)]*)//g; s/, \| or /\n/g' <<<"${*:3}" | in_line ;;
	esac
}

in_line() {
	sort | paste -s -d ' '
}

@test "bash offers the commands of the help" {
	is "$(offered perennial '')" "$(commands | in_line)"
	is "$(offered perennial mi)" migrate
}

@test "bash offers the options of the program, and of each command" {
	local command

	is "$(offered perennial -)" "$(options_of | cut -d ' ' -f 1 | in_line)"
	for command in $(commands); do
		is "$command $(offered perennial "$command" -)" "$command $(options_of "$command" | cut -d ' ' -f 1 | in_line)"
	done
	is "$(offered perennial report --ma)" --manifest
}

@test "bash offers file names and formats for the options that take them, and nothing for other values" {
	local command option value text count=0

	for command in '' $(commands); do
		while read -r option value text; do
			[[ -n $value ]] || continue
			is "$command $option $(offered perennial $command "$option" '')" \
				"$command $option $(values_of "$option" "$value" "$text")"
			count=$((count + 1))
		done < <(options_of $command)
	done
	((count >= 20))
}

@test "bash offers the values of an option also behind a sign of equality" {
	is "$(offered perennial report --format =)" "$(offered perennial report --format '')"
	is "$(offered perennial report --format = j)" 'json jsonl'
	is "$(offered perennial --config = oct)" october.conf
	is "$(offered perennial -c oct)" october.conf
}

@test "bash offers the names of the reports, wherever the options stand" {
	local reports

	reports=$("$PERENNIAL" report --help | sed -n '/^reports$/,/^$/ s/^  \([a-z]*\) .*/\1/p' | in_line)
	is "$(offered perennial report '')" "$reports"
	is "$(offered perennial report --detail '')" "$reports"
	is "$(offered perennial report --period 2026-10 '')" "$reports"
	is "$(offered perennial report --format = csv ti)" tieout
}

@test "bash finds the command behind the options of the program" {
	is "$(offered perennial -c october.conf -d 'dbname=a b' -v repo)" report
	is "$(offered perennial --config = october.conf -q plan --hel)" --help
	# The value of an option is no command.
	is "$(offered perennial -d report '')" "$(commands | in_line)"
	is "$(offered perennial report --plan run --mani)" --manifest
}

@test "bash offers nothing, and says nothing, where the program knows nothing or is not there" {
	local words

	for words in 'perennial nonsense -' 'perennial nonsense x' './missing -' 'false r'; do
		exits 0 offered $words
		is "$words $output$stderr" "$words "
	done
}

@test "zsh takes the completion for correct" {
	zsh -fn "$SOURCE/src/_perennial"
	zsh -fn "$SOURCE/tests/cli/complete.zsh"
}

@test "zsh offers the commands of the help" {
	is "$(zsh_offered 'perennial ')" "$(commands | in_line)"
}

@test "zsh offers the options of the program, and of each command" {
	local command

	is "$(zsh_offered 'perennial -' | tr ' ' '\n' | grep -- -- | in_line)" "$(options_of | cut -d ' ' -f 1 | in_line)"
	for command in $(commands); do
		is "$command $(zsh_offered "perennial $command -" | tr ' ' '\n' | grep -- -- | in_line)" \
			"$command $(options_of "$command" | cut -d ' ' -f 1 | in_line)"
	done
}

@test "zsh offers file names and formats for the options that take them, and nothing for other values" {
	local command option value text count=0

	for command in $(commands); do
		while read -r option value text; do
			[[ -n $value ]] || continue
			is "$command $option $(zsh_offered "perennial $command $option ")" \
				"$command $option $(values_of "$option" "$value" "$text")"
			count=$((count + 1))
		done < <(options_of "$command")
	done
	((count >= 18))
	is "$(zsh_offered 'perennial report --format=j')" 'json jsonl'
}

@test "zsh offers the names of the reports" {
	is "$(zsh_offered 'perennial report ')" "$(offered perennial report '')"
}

@test "zsh finds the command behind the options of the program" {
	is "$(zsh_offered 'perennial -c oct')" october.conf
	is "$(zsh_offered 'perennial --config=oct')" october.conf
	is "$(zsh_offered 'perennial -c october.conf -d "dbname=a b" -v repo')" report
	is "$(zsh_offered 'perennial -c october.conf report tie')" tieout
}

@test "zsh offers nothing where the program knows nothing" {
	is "$(zsh_offered 'perennial nonsense ')$(zsh_offered 'perennial nonsense -')" ''
}
