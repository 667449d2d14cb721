# docs: the help, the manual pages, the sample configuration, the README and the units say the same.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
}

# The options that a command's help lists, or those of the program without one.
options_of() {
	"$PERENNIAL" "$@" --help | grep -o -- ' --[a-z-]*' | sort -u
}

# The commands that the help lists.
commands() {
	"$PERENNIAL" --help | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

@test "every option in the help is in the manual page" {
	for command in "" $(commands); do
		# shellcheck disable=SC2086 # no command is no word
		for option in $(options_of $command); do
			grep -q -- "Fl -${option#--}" src/perennial.8 || { echo "$command $option"; false; }
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
		grep -q "perennial.* $command" README.md
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
	for rule in $(sed -n 's/^\t{ "\([a-z-]*\)", [a-z_]*, [a-z_]* },$/\1/p' src/core/decide.c); do
		grep -q "^\.It $rule\$" src/perennial.8
	done
}

@test "the manual pages have no fault that mandoc knows" {
	run mandoc -Tlint -Wwarning src/perennial.8 conf/perennial.conf.5 sql/perennial-schema.7
	[ "$output" = "" ]
}

@test "every query is used" {
	for query in sql/query/*.sql; do
		name=$(basename "$query" .sql)
		grep -qw "QUERY_${name^^}" src/*/*.c || { echo "$name"; false; }
	done
}

@test "C is formatted as .clang-format says" {
	clang-format --dry-run -Werror src/*/*.c include/*/*.h tests/unit/*.c
}

@test "a shell script has no fault that shellcheck knows" {
	shellcheck .ci/run tests/check tests/require tests/run tests/server tests/demo/demo tests/demo/life tests/faults/fuzz/run sql/example-consumer
}
