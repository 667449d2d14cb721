# install: what make install lays down, and the units as systemd sees them.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
}

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
	export ROOT=$BATS_FILE_TMPDIR
	# Paths are compiled in: a build of its own, so that the one under test stays as it is.
	export MAKEFLAGS= B=$ROOT/build
	make B="$B" install prefix="$ROOT/usr" sysconfdir="$ROOT/etc"
}

# What is installed below the root, without the configuration.
LAID_DOWN='usr/bin/perennial
usr/lib/systemd/system/perennial-alert@.service
usr/lib/systemd/system/perennial.service
usr/lib/systemd/system/perennial.timer
usr/lib/sysusers.d/perennial.conf
usr/share/bash-completion/completions/perennial
usr/share/doc/perennial/example-consumer
usr/share/doc/perennial/perennial.conf
usr/share/man/man5/perennial.conf.5
usr/share/man/man7/perennial-recovery.7
usr/share/man/man7/perennial-reports.7
usr/share/man/man7/perennial-schema.7
usr/share/man/man8/perennial.8
usr/share/zsh/site-functions/_perennial'

# files FOLDER: those below it that are no folders.
files() {
	(cd "$1" && find . -path ./build -prune -o ! -type d -print | sed 's|^\./||' | LC_ALL=C sort)
}

# make_install TARGET [VARIABLE=VALUE...]
make_install() {
	make -C "$BATS_TEST_DIRNAME/../.." --no-print-directory B="$B" prefix="$ROOT/usr" sysconfdir="$ROOT/etc" "$@"
}

@test "the program, manual pages, completion, units and a configuration are installed, and nothing else" {
	[ "$(files "$ROOT")" = "etc/perennial/perennial.conf
$LAID_DOWN" ]
	[ "$(find "$ROOT/usr" -type f -perm -1 -printf '%f\n' | sort)" = "example-consumer
perennial" ]
}

@test "the units name the installed program and configuration" {
	grep -q "^ExecStart=$ROOT/usr/bin/perennial run\$" "$ROOT/usr/lib/systemd/system/perennial.service"
	grep -q "^LoadCredential=pg_service.conf:$ROOT/etc/perennial/pg_service.conf\$" "$ROOT/usr/lib/systemd/system/perennial.service"
	run ! grep -E '@[a-z]+@' "$ROOT"/usr/lib/systemd/system/*
}

@test "systemd finds no fault in the units" {
	# The unit that OnFailure= names is found where it was installed.
	SYSTEMD_UNIT_PATH=$ROOT/usr/lib/systemd/system: run systemd-analyze verify --man=no \
		"$ROOT"/usr/lib/systemd/system/perennial.{service,timer} \
		"$ROOT/usr/lib/systemd/system/perennial-alert@perennial.service.service"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

@test "the service's exposure is at most 1.3" {
	systemd-analyze security --offline=true --threshold=13 "$ROOT/usr/lib/systemd/system/perennial.service"
}

@test "the alert's exposure is at most 1.3" {
	systemd-analyze security --offline=true --threshold=13 "$ROOT/usr/lib/systemd/system/perennial-alert@.service"
}

@test "systemd-sysusers makes the user that the service runs as" {
	mkdir "$ROOT/sysroot" "$ROOT/sysroot/etc"
	systemd-sysusers --root="$ROOT/sysroot" - <"$ROOT/usr/lib/sysusers.d/perennial.conf"
	user=$(sed -n 's/^User=//p' "$ROOT/usr/lib/systemd/system/perennial.service")
	grep -q "^$user:x:[0-9]*:[0-9]*:[^:]*:/:/usr/sbin/nologin\$" "$ROOT/sysroot/etc/passwd"
	rm -r "$ROOT/sysroot"
}

@test "bash-completion finds the completion where it was installed" {
	run env XDG_DATA_DIRS="$ROOT/usr/share" bash --norc -c '. /usr/share/bash-completion/bash_completion
		_completion_loader perennial
		complete -p perennial'
	[ "$output" = 'complete -F _perennial perennial' ]
}

@test "the program reads the configuration of where it was installed" {
	echo 'nonsense = 1;' >"$ROOT/etc/perennial/perennial.conf"
	run "$ROOT/usr/bin/perennial" plan
	[ "$status" -eq 78 ]
	[[ $output == *"$ROOT/etc/perennial/perennial.conf:1: nonsense: unknown key"* ]]
}

@test "the timer fires at each full hour of UTC" {
	calendar=$(sed -n 's/^OnCalendar=//p' "$ROOT/usr/lib/systemd/system/perennial.timer")
	run systemd-analyze calendar --base-time='2024-03-31 00:30:00 UTC' --iterations=2 "$calendar"
	[[ $output == *"2024-03-31 01:00:00 UTC"* && $output == *"2024-03-31 02:00:00 UTC"* ]]
}

@test "a configuration that is there is not overwritten, and the sample is told" {
	echo '# mine' >"$ROOT/etc/perennial/perennial.conf"
	run make_install install
	[ "$status" -eq 0 ]
	[ "$(cat "$ROOT/etc/perennial/perennial.conf")" = '# mine' ]
	kept="kept $ROOT/etc/perennial/perennial.conf"
	[ "$output" = "$kept; the sample of this version is $ROOT/usr/share/doc/perennial/perennial.conf" ]
	cmp conf/perennial.conf "$ROOT/usr/share/doc/perennial/perennial.conf"
}

@test "a configuration that is the sample is no matter" {
	cp conf/perennial.conf "$ROOT/etc/perennial/perennial.conf"
	run make_install install
	[ "$output" = "" ]
}

@test "folders of others lie below the prefix, whatever pkg-config knows of them" {
	# One that knows no folders, and one that knows them elsewhere.
	for answer in 'exit 1' 'echo /elsewhere; exit'; do
		printf '#!/bin/sh\ncase "$*" in *--variable=*) %s ;; esac\nexec pkg-config "$@"\n' "$answer" \
			>"$ROOT/build/pkg-config"
		chmod +x "$ROOT/build/pkg-config"
		make_install install PKG_CONFIG="$ROOT/build/pkg-config" DESTDIR="$ROOT/other"
		[ "$(files "$ROOT/other$ROOT" | grep -v ^etc/)" = "$LAID_DOWN" ]
		[ ! -e "$ROOT/other/elsewhere" ]
		rm -r "$ROOT/other"
	done
}

@test "uninstall removes all but the configuration" {
	# What is others' stays.
	touch "$ROOT/usr/share/doc/perennial/mine"
	make_install uninstall
	[ "$(files "$ROOT")" = "etc/perennial/perennial.conf
usr/share/doc/perennial/mine" ]
	rm "$ROOT/usr/share/doc/perennial/mine"
	make_install uninstall
	[ ! -e "$ROOT/usr/share/doc/perennial" ]
}

@test "DESTDIR stands before every path" {
	make_install install DESTDIR="$ROOT/stage" prefix=/usr
	[ "$(files "$ROOT/stage")" = "$(printf '%s\n' "${ROOT#/}/etc/perennial/perennial.conf" "$LAID_DOWN" | LC_ALL=C sort)" ]
	grep -q '^ExecStart=/usr/bin/perennial run$' "$ROOT/stage/usr/lib/systemd/system/perennial.service"
	make_install uninstall DESTDIR="$ROOT/stage" prefix=/usr
	[ "$(files "$ROOT/stage")" = "${ROOT#/}/etc/perennial/perennial.conf" ]
}
