# perennial: make, make check, make demo, make bench, make bench-reports, make install.
# BUILD=release|clang|asan|tsan|cov|faults|fuzz|analyze chooses build/<mode>/.

BUILD      ?= release
B          := build/$(BUILD)
prefix     ?= /usr/local
sysconfdir ?= /etc
bindir     := $(prefix)/bin
mandir     := $(prefix)/share/man
docdir     := $(prefix)/share/doc/perennial

CC         ?= cc
PKG_CONFIG ?= pkg-config
AWK        ?= awk
INSTALL    ?= install

# Folders of others, at the place below our prefix that pkg-config tells for theirs: $(call below,PACKAGE,VARIABLE,
# DEFAULT).  The default counts without the package, or where it says a fixed place.
below = $(or $(filter $(prefix)/%,$(shell $(PKG_CONFIG) --define-variable=prefix=$(prefix) \
	--define-variable=root_prefix=$(prefix) --define-variable=rootprefix=$(prefix) \
	--define-variable=datadir=$(prefix)/share --variable=$(2) $(1) 2>/dev/null)),$(prefix)/$(3))
unitdir     = $(call below,systemd,systemdsystemunitdir,lib/systemd/system)
sysusersdir = $(call below,systemd,sysusersdir,lib/sysusers.d)
bashdir     = $(call below,bash-completion,completionsdir,share/bash-completion/completions)
# Packages of Debian say zshdir=/usr/share/zsh/vendor-completions.
zshdir     := $(prefix)/share/zsh/site-functions

VERSION  := 0.1.0
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-overlength-strings
HARDEN   := -fPIE -fstack-protector-strong
LINK     := -pie -Wl,-z,relro,-z,now
OPT_release := -O2 -g -D_FORTIFY_SOURCE=2
OPT_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_cov     := -O0 -g --coverage
OPT_clang   := $(OPT_release)
# The program with the points at which tests kill it.
OPT_faults  := $(OPT_release) -DFAULT_POINTS
OPT_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_analyze := -O2 -g -fanalyzer
OPT         := $(or $(OPT_$(BUILD)),\
	$(error BUILD is release, clang, asan, tsan, cov, faults, fuzz or analyze, not $(BUILD)))

CFLAGS   ?=
LDFLAGS  ?=
# make check sets WERROR=-Werror; whoever builds with another compiler is not stopped by a new warning.
WERROR   ?=
FUZZ_SECONDS ?= 10
override CPPFLAGS += -D_POSIX_C_SOURCE=200809L -DPERENNIAL_VERSION='"$(VERSION)"' -DSYSCONFDIR='"$(sysconfdir)"' \
	-Iinclude -I$(B)/gen $(shell $(PKG_CONFIG) --cflags libpq libconfig libcrypto 2>/dev/null)
ALL_CFLAGS  := -std=c11 $(WARNINGS) $(WERROR) $(HARDEN) $(OPT) $(CFLAGS)
ALL_LDFLAGS := $(LINK) $(OPT) $(LDFLAGS)
LIBS     := $(shell $(PKG_CONFIG) --libs libpq libconfig libcrypto 2>/dev/null)

# Folders are prerequisites: a deleted or renamed file rebuilds what was made from it.
sources   := $(sort $(wildcard src/*/*.c))
queries   := $(sort $(wildcard sql/query/*.sql))
reports   := $(sort $(wildcard sql/report/*.sql))
schema    := $(sort $(wildcard sql/schema/*.sql))
generated := $(B)/gen/query.c $(B)/gen/report.c $(B)/gen/migration.c
ids       := $(B)/gen/db/query_id.h $(B)/gen/report/report_id.h
objects   := $(sources:src/%.c=$(B)/obj/%.o) $(generated:$(B)/gen/%.c=$(B)/obj/gen/%.o)
library   := $(filter-out $(B)/obj/cmd/main.o,$(objects))
services  := $(patsubst systemd/%,$(B)/systemd/%,$(sort $(wildcard systemd/*.service systemd/*.timer)))
unit_tests := $(patsubst tests/unit/%.c,$(B)/tests/%,$(sort $(wildcard tests/unit/*_test.c)))
preloaded  := $(B)/tests/failing_allocations.so $(B)/tests/wrong_clock.so
fuzzers    := $(patsubst tests/faults/fuzz/%.c,$(B)/%,$(sort $(wildcard tests/faults/fuzz/*_fuzz.c)))

# make V=1 shows the commands.
ifneq ($(V),1)
.SILENT:
endif

.PHONY: all install uninstall unit tests check fuzz fuzzers tidy demo bench bench-reports clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/perennial

$(B)/perennial: $(objects)
	echo "LD $@"
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# What is OWNED_BY a release, gcc 12 takes for allocated before the function has run, and for freed before its release
# has: that is wrong where the two are defined.  In an array it loses sight of what is released.
build/analyze/obj/db/conn.o build/analyze/obj/db/connect.o build/analyze/obj/db/check.o build/analyze/obj/cmd/explain.o: \
	ALL_CFLAGS += -Wno-analyzer-malloc-leak -Wno-analyzer-use-after-free

# Other flags rebuild what was built with these.
flags := $(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(B)/flags: FORCE
	mkdir -p $(@D)
	echo '$(subst ','\'',$(flags))' | cmp -s - $@ || echo '$(subst ','\'',$(flags))' > $@

FORCE:

$(B)/obj/%.o: src/%.c $(ids) $(B)/flags
	echo "CC $<"
	mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/gen/%.o: $(B)/gen/%.c $(ids) $(B)/flags
	echo "CC $<"
	mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/gen/db/query_id.h: $(queries) sql/query sql/embed.awk
	mkdir -p $(@D)
	$(AWK) -v part=header -f sql/embed.awk $(queries) > $@.new
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(B)/gen/report/report_id.h: $(reports) sql/report sql/embed.awk
	mkdir -p $(@D)
	$(AWK) -v part=report_header -f sql/embed.awk $(reports) > $@.new
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(B)/gen/query.c: $(queries) sql/query $(wildcard sql/query/*.inc) sql/embed.awk
	mkdir -p $(@D)
	$(AWK) -v part=queries -f sql/embed.awk $(queries) > $@

$(B)/gen/report.c: $(reports) sql/report sql/embed.awk
	mkdir -p $(@D)
	$(AWK) -v part=reports -f sql/embed.awk $(reports) > $@

$(B)/gen/migration.c: $(schema) sql/schema sql/embed.awk
	mkdir -p $(@D)
	$(AWK) -v part=migrations -f sql/embed.awk $(schema) > $@

$(B)/tests/%: tests/unit/%.c $(library) $(B)/flags
	echo "CC $<"
	mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(library) $(LIBS) $(shell $(PKG_CONFIG) --libs cmocka)

# Without the sanitizers of the build: it is for the program that has none.
$(B)/tests/%.so: tests/faults/%.c $(B)/flags
	echo "CC $<"
	mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) $(WERROR) -O2 -g -fPIC -shared $(CFLAGS) $(LDFLAGS) -o $@ $<

$(B)/%_fuzz: tests/faults/fuzz/%_fuzz.c $(library) $(B)/flags
	echo "CC $<"
	mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(library) $(LIBS)

-include $(wildcard $(B)/obj/*/*.d $(B)/tests/*.d $(B)/*_fuzz.d)

# The units of systemd name the program and the configuration by their full paths.
$(B)/systemd/%: systemd/% FORCE
	mkdir -p $(@D)
	sed -e 's|@bindir@|$(bindir)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' $< > $@

# What install lays down and uninstall removes.  The configuration belongs to whoever wrote it: neither touches one that
# is there, and the sample stands beside the documentation.
installed = $(bindir)/perennial $(addprefix $(unitdir)/,$(notdir $(services))) $(sysusersdir)/perennial.conf \
	$(mandir)/man8/perennial.8 $(mandir)/man5/perennial.conf.5 \
	$(addprefix $(mandir)/man7/,perennial-schema.7 perennial-reports.7 perennial-recovery.7) \
	$(bashdir)/perennial $(zshdir)/_perennial $(docdir)/example-consumer $(docdir)/perennial.conf
settings  = $(DESTDIR)$(sysconfdir)/perennial

install: $(B)/perennial $(services)
	$(INSTALL) -d $(patsubst %,"$(DESTDIR)%",$(sort $(dir $(installed)))) "$(settings)"
	$(INSTALL) -m 755 $(B)/perennial "$(DESTDIR)$(bindir)"
	$(INSTALL) -m 644 $(services) "$(DESTDIR)$(unitdir)"
	$(INSTALL) -m 644 systemd/perennial.sysusers "$(DESTDIR)$(sysusersdir)/perennial.conf"
	$(INSTALL) -m 644 src/perennial.8 "$(DESTDIR)$(mandir)/man8"
	$(INSTALL) -m 644 conf/perennial.conf.5 "$(DESTDIR)$(mandir)/man5"
	$(INSTALL) -m 644 sql/perennial-schema.7 sql/perennial-reports.7 src/perennial-recovery.7 \
		"$(DESTDIR)$(mandir)/man7"
	$(INSTALL) -m 644 src/perennial.bash "$(DESTDIR)$(bashdir)/perennial"
	$(INSTALL) -m 644 src/_perennial "$(DESTDIR)$(zshdir)"
	$(INSTALL) -m 755 sql/example-consumer "$(DESTDIR)$(docdir)"
	$(INSTALL) -m 644 conf/perennial.conf "$(DESTDIR)$(docdir)"
	test -e "$(settings)/perennial.conf" || $(INSTALL) -m 644 conf/perennial.conf "$(settings)"
	cmp -s conf/perennial.conf "$(settings)/perennial.conf" || \
		echo "kept $(settings)/perennial.conf; the sample of this version is $(DESTDIR)$(docdir)/perennial.conf"

uninstall:
	rm -f $(patsubst %,"$(DESTDIR)%",$(installed))
	rmdir "$(DESTDIR)$(docdir)" 2>/dev/null || true

# The tests without a database.
unit: $(unit_tests)
	prove --exec tests/run $(unit_tests)

# Every test, or the files in T, with warnings as errors.  What is missing on the machine is installed first, or named.
check:
	tests/require check
	$(MAKE) --no-print-directory BUILD=$(BUILD) WERROR=-Werror all tests
	test $(BUILD) != release || $(MAKE) --no-print-directory BUILD=faults WERROR=-Werror all
	tests/check $(B) $(T)

tests: $(unit_tests) $(preloaded)

fuzzers: $(fuzzers)

# Random input for whatever reads some, each of them for FUZZ_SECONDS.
fuzz:
	tests/require ci
	$(MAKE) --no-print-directory BUILD=fuzz CC=clang WERROR=-Werror fuzzers
	prove --failures --comments --jobs "$$(nproc)" --exec 'tests/faults/fuzz/run $(FUZZ_SECONDS)' \
		$(fuzzers:$(B)/%=build/fuzz/%)

# What clang-tidy and gcc's analyzer say of the sources.  One file at a time: clang-tidy 14 loses its way in several.
tidy: $(ids)
	tests/require ci
	printf '%s\n' $(sources) | xargs -P "$$(nproc)" -I @ sh -c \
		'clang-tidy --quiet @ -- -std=c11 $(subst ','\'',$(CPPFLAGS)) 2>/dev/null'
	$(MAKE) --no-print-directory BUILD=analyze CC=gcc WERROR=-Werror all

# The whole job on a throw-away server.
demo:
	tests/require demo
	$(MAKE) --no-print-directory all
	PERENNIAL="$(CURDIR)/$(B)/perennial" tests/server tests/demo/demo

# How fast a run is, beside the best SQL that is written by hand, on a server of its own that loses nothing.  BENCH has
# options: --long, --short, --json FILE, and the parts that are wanted.
bench:
	tests/require bench
	$(MAKE) --no-print-directory all
	PERENNIAL="$(CURDIR)/$(B)/perennial" tests/bench/bench $(BENCH)

# How long the reports of a year take, on a throw-away server.
bench-reports:
	tests/require bench
	$(MAKE) --no-print-directory all
	PERENNIAL="$(CURDIR)/$(B)/perennial" tests/server tests/bench/reports

clean:
	rm -rf build
