# layers: what may be used where.  A file includes only its own floor or lower ones: base, core, db, run or report, cmd.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
}

# Lines of the sources that match, but for the named files.
uses() {
	grep -nE "$1" src/*/*.c include/*/*.h | grep -vE "^($2):" || :
}

@test "no file includes a higher floor" {
	wrong=$(
		grep -nE '^#include "(core|db|run|report|cmd)/' src/base/*.c include/base/*.h
		grep -nE '^#include "(db|run|report|cmd)/' src/core/*.c include/core/*.h
		grep -nE '^#include "(run|report|cmd)/' src/db/*.c include/db/*.h
		grep -nE '^#include "(report|cmd)/' src/run/*.c include/run/*.h
		grep -nE '^#include "(run|cmd)/' src/report/*.c include/report/*.h
	) || :
	[ "$wrong" = "" ] || { echo "$wrong"; false; }
}

@test "there are no other floors" {
	[ "$(echo src/*/)" = "src/base/ src/cmd/ src/core/ src/db/ src/report/ src/run/" ]
	[ "$(echo include/*/)" = "include/base/ include/cmd/ include/core/ include/db/ include/report/ include/run/" ]
}

@test "only db knows libpq" {
	[ "$(uses '<libpq-fe|PQ[a-zA-Z]+\(|PGconn|PGresult' '(src|include)/db/[a-z_]*\.[ch]')" = "" ]
}

@test "one file knows libcrypto" {
	[ "$(uses '<openssl/|\bEVP_[A-Za-z]' 'src/cmd/export\.c')" = "" ]
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
