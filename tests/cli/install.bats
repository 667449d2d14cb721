# install: what make install lays down, and the units as systemd sees them.

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
	export ROOT=$BATS_FILE_TMPDIR
	# Paths are compiled in: a build of its own, so that the one under test stays as it is.
	export MAKEFLAGS= B=$ROOT/build
	make B="$B" install prefix="$ROOT/usr" sysconfdir="$ROOT/etc"
}

@test "the program, manual pages, units and a configuration are installed" {
	[ -x "$ROOT/usr/bin/perennial" ]
	[ -f "$ROOT/usr/share/man/man8/perennial.8" ]
	[ -f "$ROOT/usr/share/man/man5/perennial.conf.5" ]
	[ -f "$ROOT/usr/share/man/man7/perennial-schema.7" ]
	[ -f "$ROOT/usr/share/man/man7/perennial-reports.7" ]
	[ -x "$ROOT/usr/share/doc/perennial/example-consumer" ]
	[ -f "$ROOT/usr/lib/systemd/system/perennial.service" ]
	[ -f "$ROOT/usr/lib/systemd/system/perennial.timer" ]
	[ -f "$ROOT/etc/perennial/perennial.conf" ]
}

@test "the units name the installed program and configuration" {
	grep -q "^ExecStart=$ROOT/usr/bin/perennial run\$" "$ROOT/usr/lib/systemd/system/perennial.service"
	grep -q "^LoadCredential=pg_service.conf:$ROOT/etc/perennial/pg_service.conf\$" "$ROOT/usr/lib/systemd/system/perennial.service"
	! grep -q '@' <(grep -v '^SystemCallFilter' "$ROOT/usr/lib/systemd/system/perennial.service")
}

@test "systemd finds no fault in the units" {
	run systemd-analyze verify --man=no "$ROOT/usr/lib/systemd/system/perennial.service" \
		"$ROOT/usr/lib/systemd/system/perennial.timer"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

@test "the service's exposure is at most 1.3" {
	systemd-analyze security --offline=true --threshold=13 "$ROOT/usr/lib/systemd/system/perennial.service"
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

@test "a configuration that is there is not overwritten" {
	cd "$BATS_TEST_DIRNAME/../.."
	echo '# mine' >"$ROOT/etc/perennial/perennial.conf"
	make B="$B" install prefix="$ROOT/usr" sysconfdir="$ROOT/etc"
	[ "$(cat "$ROOT/etc/perennial/perennial.conf")" = '# mine' ]
}

@test "uninstall removes all but the configuration" {
	cd "$BATS_TEST_DIRNAME/../.."
	make B="$B" uninstall prefix="$ROOT/usr" sysconfdir="$ROOT/etc"
	[ "$(find "$ROOT/usr" "$ROOT/etc" -type f)" = "$ROOT/etc/perennial/perennial.conf" ]
}

@test "DESTDIR stands before every path" {
	cd "$BATS_TEST_DIRNAME/../.."
	make B="$B" install DESTDIR="$ROOT/stage" prefix=/usr
	[ -x "$ROOT/stage/usr/bin/perennial" ]
	[ -f "$ROOT/stage/etc/perennial/perennial.conf" ]
	grep -q '^ExecStart=/usr/bin/perennial run$' "$ROOT/stage/usr/lib/systemd/system/perennial.service"
}
