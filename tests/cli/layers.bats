# layers: what may be used where.  A file includes only its own floor or lower ones: base, core, db, run, cmd.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
}

# Lines of the sources that match, but for the named files.
uses() {
	grep -nE "$1" src/*/*.c include/*/*.h | grep -vE "^($2):" || :
}

@test "no file includes a higher floor" {
	wrong=$(
		grep -nE '^#include "(core|db|run|cmd)/' src/base/*.c include/base/*.h
		grep -nE '^#include "(db|run|cmd)/' src/core/*.c include/core/*.h
		grep -nE '^#include "(run|cmd)/' src/db/*.c include/db/*.h
		grep -nE '^#include "cmd/' src/run/*.c include/run/*.h
	) || :
	[ "$wrong" = "" ] || { echo "$wrong"; false; }
}

@test "only db knows libpq" {
	[ "$(uses '<libpq-fe|PQ[a-zA-Z]+\(|PGconn|PGresult' '(src|include)/db/[a-z_]*\.[ch]')" = "" ]
}

@test "only cmd prints, but for the log, memory that cannot be had, and the fault points of a test build" {
	[ "$(uses '\b(printf|puts|putchar|fputs|fprintf)\(' 'src/cmd/[a-z_]*\.c|src/base/(log|memory|fault_point)\.c')" = "" ]
}

@test "one file reads the clock" {
	[ "$(uses '\b(clock_gettime|gettimeofday|time)\(' 'src/base/clock\.c')" = "" ]
}

@test "the core does no input or output, and has no state" {
	[ "$(grep -nE '<(stdio|unistd|time|syslog)\.h>|^static [^(]*[^(),]* = \{?$' src/core/*.c | grep -v const)" = "" ]
}

@test "C holds no SQL" {
	[ "$(uses '"[^"]*\b(SELECT|UPDATE|DELETE|INSERT|BEGIN|ROLLBACK) ' none)" = "" ]
}

@test "no file is longer than 400 lines and no function longer than 60" {
	long=$(wc -l src/*/*.c include/*/*.h | awk '$2 != "total" && $1 > 400 { print $2 }')
	[ "$long" = "" ]
	long=$(awk 'FNR == 1 { start = 0 } /^{/ { start = FNR } /^}/ { if (start && FNR - start > 60) print FILENAME ":" start; start = 0 }' src/*/*.c)
	[ "$long" = "" ]
}
