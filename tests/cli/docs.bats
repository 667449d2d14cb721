# docs: the help, the manual pages, the sample configuration, the README and the units say the same.
# shellcheck shell=bats

load helper

setup_file() {
	own_database
}

teardown_file() {
	drop_own
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
}

# The options that a command's help lists, or those of the program without one.
options_of() {
	"$PERENNIAL" "$@" --help | grep -o -- ' --[a-z-]*' | sort -u
}

# The reports that the help lists.
reports() {
	"$PERENNIAL" report --help | sed -n '/^reports/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# under MACRO NAME [MACRO]: what stands in the page of the reports below this heading, up to the next of either kind.
under() {
	awk -v heading=".$1 $2" -v ends="^[.](Sh${3+|$3}) " '$0 == heading { inside = 1; next } $0 ~ ends { inside = 0 } inside' \
		sql/perennial-reports.7
}

# The names that lists explain: each by a line of its own.
explained() {
	sed -n 's/^\.It \(Va \)\?//p' | sed 's/ , /\n/g' | sort
}

# columns_of REPORT [OPTION]: what it prints, without what is the same as another column in minor units.
columns_of() {
	perennial report "$@" --format csv | awk -F , 'NR == 1 {
		for (i = 1; i <= NF; i++)
			known[$i]
		for (i = 1; i <= NF; i++) {
			base = $i
			if (!sub(/_minor$/, "", base) || !(base in known))
				print $i
		}
	}'
}

# The commands that the help lists.
commands() {
	"$PERENNIAL" --help | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

@test "every option in the help is in the manual page" {
	for command in "" $(commands); do
		# shellcheck disable=SC2086 # no command is no word
		for option in $(options_of $command); do
			grep -Eq -- "Fl -${option#--}( |\$)" src/perennial.8 || { echo "$command $option"; false; }
		done
	done
}

@test "every option in the manual page is in a help" {
	all=$(options_of; for command in $(commands); do options_of "$command"; done)
	for option in $(grep -o -- '^\.It Fl \(. , Fl \)\?-[a-z-]*' src/perennial.8 | grep -o -- '-[a-z-]*$'); do
		grep -q -- "^ -$option\$" <<<"$all" || { echo "$option"; false; }
	done
}

@test "every command in the help is in the manual page and the README" {
	for command in $(commands); do
		grep -q "^\.Ss $command" src/perennial.8
		grep -Eq "perennial.* $command( |\$)" README.md
	done
}

@test "the README shows the usage as --help prints it" {
	usage=$("$PERENNIAL" --help)
	readme=$(cat README.md)
	[[ $readme == *"$usage"* ]]
}

@test "every key of the configuration is in its manual page and in the sample" {
	keys=$(sed -n 's/^\t{ "\([a-z_]*\.[a-z_]*\)", KEY_.*/\1/p' src/cmd/config.c)
	[ "$(wc -l <<<"$keys")" -ge 8 ]
	for key in $keys; do
		grep -q "^\.Ss ${key%.*}" conf/perennial.conf.5
		grep -q "^\.It Va ${key#*.}" conf/perennial.conf.5
		grep -q "^#	${key#*.} = " conf/perennial.conf
	done
}

@test "the manual page of the configuration has no other keys" {
	for key in $(sed -n 's/^\.It Va //p' conf/perennial.conf.5); do
		grep -q "\.$key\", KEY_" src/cmd/config.c
	done
}

@test "every exit code of the program is in the manual page" {
	for code in $(sed -n 's/^\tEXIT_[A-Z_]* = \([0-9]*\),.*/\1/p' include/base/error.h); do
		grep -q "^\.It $code\$" src/perennial.8 || { echo "$code"; false; }
	done
}

@test "every rule is in the manual page" {
	rules=$(sed -n 's/^\t{ "\([a-z-]*\)", "[a-z ]*", [a-z_]*,.*/\1/p' src/core/decide.c)
	is "$(wc -l <<<"$rules")" "$(sed -n 's/^#define RULES //p' include/core/decide.h)"
	for rule in $rules; do
		grep -q "^\.It $rule\$" src/perennial.8
	done
}

@test "the manual pages have no fault that mandoc knows" {
	run mandoc -Tlint -Wwarning src/*.[78] conf/*.5 sql/*.7
	[ "$output" = "" ]
}

@test "every report has its place in the manual page of the reports, in the order of the help, and no other has" {
	[ "$(reports | wc -l)" -ge 12 ]
	is "$(under Sh REPORTS | sed -n 's/^\.Ss //p')" "$(reports)"
}

@test "every report is named in the manual page of the program" {
	section=$(sed -n '/^\.Ss report/,/^\.Ss prune/p' src/perennial.8)
	for report in $(reports); do
		grep -qw "$report" <<<"$section" || { echo "$report"; false; }
	done
}

@test "every column of a report is explained in its place, and no other" {
	common=$(under Sh REPORTS Ss | explained)
	is "$(wc -w <<<"$common")" 3
	for report in $(reports); do
		columns=$(columns_of "$report")
		# Those of the tie-out in detail are told in words.
		[ "$report" != billed ] || columns+=$'\n'$(columns_of "$report" --detail)
		explained=$(under Ss "$report" Ss | explained)
		is "$report lacks $(comm -23 <(sort -u <<<"$columns") <(sort -u <<<"$explained"$'\n'"$common"))" "$report lacks "
		is "$report knows no $(comm -13 <(sort -u <<<"$columns") <(echo "$explained"))" "$report knows no "
	done
}

@test "where a report takes a currency or a plan, its place in the manual page says so" {
	for report in $(reports); do
		for option in currency plan; do
			takes=yes
			# No such currency or plan is another error than no such option.
			run perennial report "$report" "--$option" nothing
			[[ $output != *"does not take --$option"* ]] || takes=no
			says=no
			! under Ss "$report" Ss | grep -q "^\.Fl -$option" || says=yes
			is "$report $option $says" "$report $option $takes"
		done
	done
}

@test "every check of the tie-out is in the manual page of the reports, and no other" {
	checks=$(sed -n "s/^\t*SELECT [0-9]*, '\([a-z ]*\)', \(true\|false\),.*/\1/p" sql/schema/*.sql | sort -u)
	[ "$(wc -l <<<"$checks")" -ge 17 ]
	# A database without subscriptions has these only.
	invariants=$(perennial report tieout --format csv | sed '1d; s/,.*//')
	[ "$(wc -l <<<"$invariants")" -ge 20 ]
	is "$(under Sh TIE-OUT | explained)" "$(sort <<<"$checks"$'\n'"$invariants")"
}

@test "every format of a report is in the manual page of the reports, and no other" {
	formats=$("$PERENNIAL" report --help | sed -n 's/^  --format F *//p')
	is "$(under Sh FORMATS Ss | explained)" "$(sed 's/ or /, /; s/, /\n/g' <<<"$formats" | sort)"
}

@test "every query is used" {
	for query in sql/query/*.sql; do
		name=$(basename "$query" .sql)
		grep -qw "QUERY_${name^^}" src/*/*.c || { echo "$name"; false; }
	done
	for query in sql/report/*.sql; do
		name=$(basename "$query" .sql)
		grep -qw "REPORT_${name^^}" src/*/*.c || { echo "$name"; false; }
	done
}

@test "C is formatted as .clang-format says" {
	clang-format --dry-run -Werror src/*/*.c include/*/*.h tests/unit/*.c
}

@test "a shell script has no fault that shellcheck knows" {
	shellcheck .ci/run tests/check tests/require tests/run tests/server tests/demo/demo tests/demo/life tests/demo/month_end tests/bench/reports tests/faults/fuzz/run tests/cli/machine \
		sql/example-consumer src/perennial.bash
}
