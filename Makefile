# SPDX-License-Identifier: GPL-2.0-only
#
# make                 upagerd, upager, libupager.{so,a} in build/, and upager.ko where kernel headers are
# make check           check-host and check-vm, one total; T=NAME only runs tests whose path holds NAME
# make vm-debug        the module's tests on a kernel with KASAN, lockdep, kmemleak, which it builds first
# make vm-shell        a guest to look around in
# make tour            upager tour in a guest with the module; T=STEP only that
# make demo            redis with four times its budget, as a table (root)
# make bench           programs under upager and with kernel swap side by side, as a table (root); QUICK=1 is the
#                      short form, ONLY=TEXT runs those whose name holds TEXT, PAIRS=N each N times
# make fuzz            each fuzzer for FUZZ_SECONDS=60, or one: FUZZ=state
# make lint format     checkers; clang-format
# make install         DESTDIR=, PREFIX=/usr; install-module only the module, for the kernel of KDIR
# make setup           packages, by apt (root)
# V=1                  whole command lines
# CC=clang-14          another compiler
# SAN=address,undefined or SAN=thread: a build with sanitizers, in build/san-...
# RELEASE=1            a build without test hooks, in build/release; for `make install`, not for tests
# BUILD=DIR            another build directory
# KDIR=DIR             kernel headers for the module; `make module` insists on it
# KSELFTEST_DIR=DIR    tools/testing/selftests of a kernel tree instead of the package's

comma := ,
BUILD := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(RELEASE),/release)
PREFIX ?= /usr
LIBDIR ?= $(PREFIX)/lib
UNITDIR ?= $(PREFIX)/lib/systemd/system
KDIR ?= /lib/modules/$(shell uname -r)/build
KSELFTEST_DIR ?=

ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format-14

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all tests module check check-host check-vm vm-debug vm-shell demo tour bench fuzz fuzz-all fuzz-build \
	fuzz-run lint format install install-module install-module-source clean setup FORCE
.DEFAULT_GOAL := all

ifeq ($(or $(V),0),0)
# $(call run,WHAT,SUBJECT,COMMAND)
run = @printf '  %-7s %s\n' '$(1)' '$(2)' && $(3)
else
run = $(3)
endif

### Sources, by folder

DAEMON_SRC := $(filter-out daemon/cli/% daemon/lib/%,$(wildcard daemon/*.c daemon/*/*.c))
CLI_SRC := $(wildcard daemon/cli/*.c daemon/cli/map/*.c daemon/cli/metrics/*.c daemon/cli/top/*.c daemon/cli/tour/*.c)
# The daemon and the library share the packets of the control socket.
LIB_SRC := $(wildcard daemon/lib/*.c) daemon/control/proto.c
LIB_MAP := $(wildcard daemon/lib/libupager.map)
TARGET_SRC := $(wildcard selftests/targets/*.c)
KSELFTEST_SRC := $(wildcard selftests/*/*_test.c)
BENCH_SRC := $(wildcard selftests/bench/*.c)
COST_SRC := $(wildcard selftests/kmod/*_cost.c)
UNIT_SRC := $(wildcard selftests/unit/test_*.c)
KMOD_SRC := $(wildcard kmod/*.c)

OBJ := $(BUILD)/obj
AGENT_OBJ := $(OBJ)/daemon/agent/inside.o
MAIN_OBJ := $(OBJ)/daemon/main.o
COMMON_OBJ := $(filter-out $(MAIN_OBJ),$(DAEMON_SRC:%.c=$(OBJ)/%.o))
CLI_OBJ := $(CLI_SRC:%.c=$(OBJ)/%.o)
LIB_OBJ := $(LIB_SRC:%.c=$(OBJ)/pic/%.o)
TEST_OBJ := $(patsubst %.c,$(OBJ)/%.o,$(KSELFTEST_SRC) $(COST_SRC) $(UNIT_SRC) $(TARGET_SRC) $(BENCH_SRC))

COMMON := $(BUILD)/libcommon.a
# All of the command but its main(), for unit tests.
CLI_PARTS := $(OBJ)/libcli.a
LIBRARY := $(BUILD)/libupager.a
PROGRAMS := $(if $(wildcard daemon/main.c),$(BUILD)/upagerd) \
	    $(if $(wildcard daemon/cli/main.c),$(BUILD)/upager) \
	    $(BUILD)/libupager.so
TARGETS := $(TARGET_SRC:selftests/targets/%.c=$(BUILD)/selftests/targets/%)
BENCHES := $(BENCH_SRC:selftests/%.c=$(BUILD)/selftests/%)
KSELFTESTS := $(KSELFTEST_SRC:selftests/%.c=$(BUILD)/selftests/%)
COSTS := $(COST_SRC:selftests/%.c=$(BUILD)/selftests/%)
UNITS := $(UNIT_SRC:selftests/unit/%.c=$(BUILD)/unit/%)
SHELL_TESTS := $(wildcard selftests/*_test.sh selftests/*/*_test.sh selftests/*/*_test.py)

### Flags

# The linker takes from these what a program needs: jansson, smartcols and ncurses only ever
# reach `upager`.
PACKAGES := liburing libxxhash blkid libsystemd smartcols jansson libcap-ng inih libnl-genl-3.0

# clean, setup, demo and check work where nothing is installed yet.
ifneq ($(filter-out clean setup lint format fuzz fuzz-all,$(or $(MAKECMDGOALS),all)),)
# Not the flags of ncurses: it would have us ask for less than _GNU_SOURCE does.
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) cmocka && $(PKG_CONFIG) --exists ncursesw || echo missing)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) ncursesw)
ifeq ($(lastword $(PKG_CFLAGS)),missing)
$(error libraries are missing: run scripts/setup as root)
endif
endif

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wconversion -Werror
LANGUAGE := -std=gnu11 -D_GNU_SOURCE -Idaemon -I. -pthread $(if $(RELEASE),-DUPAGER_RELEASE)
HARDEN := -fstack-protector-strong -fstack-clash-protection
HARDEN_LINK := -Wl,-z,relro,-z,now,-z,noexecstack
ifneq ($(SAN),)
SAN_FLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
else
# 3 where the compiler can tell lengths that are known when it runs: the header warns where it cannot.
FORTIFY := $(shell $(CC) -E -dM -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -include features.h -x c \
	/dev/null 2>/dev/null | grep '__USE_FORTIFY_LEVEL 3')
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(if $(FORTIFY),3,2)
endif

BASE_CFLAGS := $(CFLAGS) $(LANGUAGE) $(WARN) $(PKG_CFLAGS)
# What runs inside a target: no libc, no stack protector's TLS, no vector registers, no runtime.
AGENT_CFLAGS := $(BASE_CFLAGS) -ffreestanding -fno-builtin -fno-stack-protector \
		-fcf-protection=none -mno-sse -mno-avx -fno-asynchronous-unwind-tables \
		-U_FORTIFY_SOURCE -fPIE
KSELFTEST_INCLUDE := $(or $(KSELFTEST_DIR),build/kselftest)
KSELFTEST_H := $(addprefix $(KSELFTEST_INCLUDE)/,kselftest.h kselftest_harness.h lib.mk \
	       $(addprefix kselftest/,runner.sh ktap_helpers.sh prefix.pl))

OBJ_CFLAGS = $(BASE_CFLAGS) $(HARDEN) $(SAN_FLAGS) -fPIE
$(AGENT_OBJ): OBJ_CFLAGS = $(AGENT_CFLAGS)
$(OBJ)/pic/%.o: OBJ_CFLAGS = $(BASE_CFLAGS) $(HARDEN) $(SAN_FLAGS) -fPIC
$(KSELFTEST_SRC:%.c=$(OBJ)/%.o) $(COST_SRC:%.c=$(OBJ)/%.o): OBJ_CFLAGS = $(BASE_CFLAGS) $(SAN_FLAGS) -fPIE \
					       -isystem $(KSELFTEST_INCLUDE) \
					       -Wno-unused-parameter
# Targets are ordinary programs: nothing but the C library, never a sanitizer's run-time.
$(TARGET_SRC:%.c=$(OBJ)/%.o) $(BENCH_SRC:%.c=$(OBJ)/%.o) $(OBJ)/plain/%.o: OBJ_CFLAGS = $(BASE_CFLAGS) -fPIE

# As a program outside of this tree finds the installed header.
$(OBJ)/selftests/targets/self_example.o: OBJ_CFLAGS += -Idaemon/lib

LINK := $(CC) $(CFLAGS) -pthread -pie $(SAN_FLAGS) $(HARDEN_LINK) -Wl,--as-needed $(LDFLAGS)

### Programs

all: $(PROGRAMS) $(LIBRARY)

# Everything is built again when the compiler or a flag changed.
$(OBJ)/.flags: FORCE
	@mkdir -p $(@D); \
	printf '%s\n' '$(CC) $(BASE_CFLAGS) $(HARDEN) $(SAN_FLAGS) $(KSELFTEST_INCLUDE) $(KDIR)' >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

define compile
@mkdir -p $(@D)
$(call run,CC,$<,$(CC) $(OBJ_CFLAGS) -MMD -MP -c -o $@ $<)
endef

$(OBJ)/%.o: %.c $(OBJ)/.flags
	$(compile)

$(OBJ)/pic/%.o: %.c $(OBJ)/.flags
	$(compile)

$(OBJ)/plain/%.o: %.c $(OBJ)/.flags
	$(compile)

# The injector copies the agent's code as it is: it must refer to nothing outside of itself.
$(OBJ)/.agent-checked: $(AGENT_OBJ)
	$(call run,CHECK,$<,! nm -u $< | grep . >&2 && touch $@)

# The files that it holds are no includes.
$(OBJ)/daemon/cli/map/page.o: $(wildcard daemon/cli/map/page/*)
$(OBJ)/daemon/cli/tour/html.o: daemon/cli/tour/tour.css

# Appended, not replaced: files of the same name in two folders are two members.
$(COMMON): $(COMMON_OBJ) $(if $(filter $(AGENT_OBJ),$(COMMON_OBJ)),$(OBJ)/.agent-checked)
	$(call run,AR,$@,rm -f $@ && ar qcs $@ $(COMMON_OBJ))

$(CLI_PARTS): $(filter-out $(OBJ)/daemon/cli/main.o,$(CLI_OBJ))
	$(call run,AR,$@,rm -f $@ && ar qcs $@ $^)

$(BUILD)/libupager.a: $(LIB_OBJ)
	$(call run,AR,$@,rm -f $@ && ar qcs $@ $(LIB_OBJ))

LIB_LINK := -shared $(if $(SAN),,-Wl$(comma)-z$(comma)defs) -Wl,-soname,libupager.so.0 $(LIB_MAP:%=-Wl,--version-script=%)
$(BUILD)/libupager.so: $(LIB_OBJ) $(LIB_MAP)
	$(call run,LD,$@,$(CC) $(CFLAGS) $(SAN_FLAGS) $(HARDEN_LINK) $(LIB_LINK) -o $@ $(LIB_OBJ))

$(BUILD)/upagerd: $(MAIN_OBJ) $(COMMON)
	$(call run,LD,$@,$(LINK) -o $@ $^ $(PKG_LIBS))

$(BUILD)/upager: $(CLI_OBJ) $(LIBRARY) $(COMMON)
	$(call run,LD,$@,$(LINK) -o $@ $^ $(PKG_LIBS) -lm)

### The module: built in a directory of its own per kernel, which gets copies of the sources.
### kmod-6.1 and kmod-6.12 are for the kernels that `scripts/vm fetch` took.

ifneq ($(KMOD_SRC),)
KMOD_FILES := Kbuild $(wildcard kmod/*.[ch] uapi/*.h) selftests/kmod/missed.c

module: $(BUILD)/upager.ko
ifneq ($(wildcard $(KDIR)/Makefile),)
all: $(BUILD)/upager.ko
install: install-module
endif

$(BUILD)/kmod-%/upager.ko: $(KMOD_FILES) $(OBJ)/.flags
	@mkdir -p $(@D) && cp --parents -u $(KMOD_FILES) $(@D) && cd $(@D) && \
		rm -f $(filter-out $(KMOD_FILES),$(patsubst $(@D)/%,%,$(wildcard $(@D)/kmod/*.c)))
	$(call run,KMOD,$@,$(MAKE) --no-print-directory -C $(or $(KDIR_$*),build/vm/$*/headers/build) \
		M=$(abspath $(@D)) modules >$(@D)/log 2>&1 || { cat $(@D)/log; false; })

KDIR_host := $(KDIR)
$(BUILD)/upager.ko: $(BUILD)/kmod-host/upager.ko
	@cp $< $@
endif

### Tests

tests: all $(TARGETS) $(BENCHES) $(KSELFTESTS) $(COSTS) $(UNITS)

# 10 s of unpacking, once; by way of a directory of its own, so that two builds do not mix.
ifeq ($(KSELFTEST_DIR),)
KERNEL_SOURCE := /usr/src/linux-source-6.12.tar.xz
$(KSELFTEST_H) &:
	@test -e $(KERNEL_SOURCE) || { \
		echo "$(KERNEL_SOURCE) is missing: run scripts/setup as root, or name a" \
			"kernel's tools/testing/selftests with KSELFTEST_DIR=" >&2; false; }
	$(call run,TAR,$(KSELFTEST_INCLUDE),mkdir -p $(KSELFTEST_INCLUDE) && \
		dir=$$(mktemp -d $(KSELFTEST_INCLUDE)/new.XXXXXX) && \
		tar -xJf $(KERNEL_SOURCE) -C $$dir --strip-components=4 --touch --occurrence=1 \
			$(KSELFTEST_H:$(KSELFTEST_INCLUDE)/%=linux-source-6.12/tools/testing/selftests/%) && \
		cp -a $$dir/. $(KSELFTEST_INCLUDE) && rm -r $$dir)
endif

$(KSELFTEST_SRC:%.c=$(OBJ)/%.o) $(COST_SRC:%.c=$(OBJ)/%.o): | $(KSELFTEST_H)

$(KSELFTESTS) $(COSTS): $(BUILD)/selftests/%: $(OBJ)/selftests/%.o $(COMMON) $(LIBRARY)
	@mkdir -p $(@D)
	$(call run,LD,$@,$(LINK) -o $@ $< $(LIBRARY) $(COMMON) $(PKG_LIBS))

$(UNITS): $(BUILD)/unit/%: $(OBJ)/selftests/unit/%.o $(CLI_PARTS) $(COMMON) $(LIBRARY)
	@mkdir -p $(@D)
	$(call run,LD,$@,$(LINK) $(WRAP:%=-Wl,--wrap=%) -o $@ $< $(CLI_PARTS) $(LIBRARY) $(COMMON) $(PKG_LIBS) -lcmocka -lm)

# What a test has in the place of the kernel.
$(BUILD)/unit/test_aside: WRAP := uffd_has_unread uffd_covers vma_find

# A target may be a client too; its library has no sanitizer either.
TARGET_LIB := $(if $(SAN),$(OBJ)/libtarget.a,$(LIBRARY))

$(OBJ)/libtarget.a: $(LIB_SRC:%.c=$(OBJ)/plain/%.o)
	$(call run,AR,$@,rm -f $@ && ar qcs $@ $^)

$(TARGETS): $(BUILD)/selftests/targets/%: $(OBJ)/selftests/targets/%.o $(TARGET_LIB)
	@mkdir -p $(@D)
	$(call run,LD,$@,$(CC) $(CFLAGS) -pthread $(if $(filter %_static,$@),-static,-pie) -o $@ $^)

$(BENCHES): $(BUILD)/selftests/%: $(OBJ)/selftests/%.o
	@mkdir -p $(@D)
	$(call run,LD,$@,$(CC) $(CFLAGS) -pthread -pie -o $@ $< -lm)

RUN_TESTS = scripts/run-tests --build $(BUILD) $(T:%=--only %) $(if $(SAN),--time-factor 4) \
	$(if $(AGAIN),--again)

check: tests
	@$(RUN_TESTS) --then scripts/vm-check $(UNITS) $(KSELFTESTS) $(SHELL_TESTS)

check-host: tests
	@$(RUN_TESTS) $(UNITS) $(KSELFTESTS) $(SHELL_TESTS)

check-vm: tests
	@BUILD=$(BUILD) scripts/vm-check $(T:%=--only %)

vm-debug: tests
	@scripts/vm debug-kernel
	@BUILD=$(BUILD) scripts/vm-check $(T:%=--only %) debug

vm-shell: all
	@BUILD=$(BUILD) scripts/vm shell

# A disk, so that what is read can be cold, and a program with libraries.
tour: all
	@BUILD=$(BUILD) scripts/vm run --disk 1G --host /bin/cat --host /sbin/mkfs.ext4 -- \
		'mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt && TMPDIR=/mnt upager tour $(T)'

demo: all $(BUILD)/selftests/targets/rss_sample
	@BUILD=$(BUILD) scripts/demo-run

bench: all $(BENCHES)
	@selftests/bench/bench.py --build $(BUILD) $(if $(QUICK),--quick) $(ONLY:%=--only %) $(PAIRS:%=--pairs %)

### Fuzzing, with clang's libFuzzer: a build of everything for it, then each for FUZZ_SECONDS

FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst selftests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard selftests/fuzz/fuzz_$(or $(FUZZ),*).c))

FUZZ_MAKE = $(MAKE) --no-print-directory BUILD=build/fuzz CC=clang-14 CFLAGS='-O1 -g1' \
	    SAN=address,undefined,fuzzer-no-link

fuzz:
	$(FUZZ_MAKE) fuzz-run

fuzz-all:
	$(FUZZ_MAKE) fuzz-build

fuzz-build: $(FUZZERS)

fuzz-run: $(FUZZERS)
	selftests/fuzz/run $(BUILD) $(FUZZ_SECONDS) $(FUZZERS)

$(FUZZERS): $(BUILD)/fuzz/%: $(OBJ)/selftests/fuzz/%.o $(COMMON)
	@mkdir -p $(@D)
	$(call run,LD,$@,$(LINK) $(WRAP:%=-Wl$(comma)--wrap=%) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS))

$(BUILD)/fuzz/fuzz_state: WRAP := statefile_map_old

### Sources

C_FILES = $(shell find daemon kmod selftests uapi -name '*.[ch]')

lint:
	@scripts/lint

format:
	@$(CLANG_FORMAT) -i $(C_FILES)

### Installation

VERSION = $(shell sed -n 's/^#define UPAGER_VERSION[^"]*"\(.*\)"/\1/p' daemon/lib/upager.h)

# $(call install,MODE,FILE,DIRECTORY[,NAME])
install_file = install -D -m $(1) $(2) $(DESTDIR)$(3)/$(or $(4),$(notdir $(2)))
fill_in = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION)|g'

$(BUILD)/%: daemon/%.in $(OBJ)/.flags
	$(call run,GEN,$@,$(fill_in) $< >$@)

$(BUILD)/%: daemon/lib/%.in $(OBJ)/.flags
	$(call run,GEN,$@,$(fill_in) $< >$@)

$(BUILD)/%: kmod/%.in $(OBJ)/.flags
	$(call run,GEN,$@,$(fill_in) $< >$@)

# Where modprobe looks first, of the kernel that it is for: not all headers tell that in one place.
MODULE_RELEASE = $(firstword $(shell /sbin/modinfo -F vermagic $(BUILD)/upager.ko))
install-module: $(BUILD)/upager.ko
	$(call install_file,644,$<,/lib/modules/$(MODULE_RELEASE)/updates)
	$(if $(DESTDIR),,depmod $(MODULE_RELEASE))

# For dkms, which builds it for each kernel that comes.
install-module-source: $(BUILD)/dkms.conf
	$(call install_file,644,$<,$(PREFIX)/src/upager-$(VERSION))
	for file in Kbuild $(wildcard kmod/*.[ch]) uapi/upager.h; do \
		install -D -m 644 $$file $(DESTDIR)$(PREFIX)/src/upager-$(VERSION)/$$file || exit; \
	done

install: all install-module-source $(BUILD)/upagerd.service $(BUILD)/libupager.pc
	$(call install_file,755,$(BUILD)/upagerd,$(PREFIX)/sbin)
	$(call install_file,755,$(BUILD)/upager,$(PREFIX)/bin)
	$(call install_file,755,$(BUILD)/libupager.so,$(LIBDIR),libupager.so.0)
	ln -sf libupager.so.0 $(DESTDIR)$(LIBDIR)/libupager.so
	$(call install_file,644,$(BUILD)/libupager.a,$(LIBDIR))
	$(call install_file,644,$(BUILD)/libupager.pc,$(LIBDIR)/pkgconfig)
	$(call install_file,644,daemon/lib/upager.h,$(PREFIX)/include/upager)
	$(call install_file,644,uapi/upager_proto.h,$(PREFIX)/include/upager/uapi)
	$(call install_file,644,daemon/man/upagerd.8,$(PREFIX)/share/man/man8)
	$(call install_file,644,daemon/man/upager.1,$(PREFIX)/share/man/man1)
	$(call install_file,644,daemon/man/upager-map.1,$(PREFIX)/share/man/man1)
	$(call install_file,644,daemon/man/upager-tour.1,$(PREFIX)/share/man/man1)
	$(call install_file,644,daemon/man/upager-metrics.1,$(PREFIX)/share/man/man1)
	$(call install_file,644,scripts/completion/upager.sh,$(PREFIX)/share/bash-completion/completions,upager)
	ln -sf upager $(DESTDIR)$(PREFIX)/share/bash-completion/completions/upagerd
	$(call install_file,644,scripts/grafana-dashboard.json,$(PREFIX)/share/upager)
	$(call install_file,644,daemon/man/upager.4,$(PREFIX)/share/man/man4)
	$(call install_file,644,daemon/man/upager_cow.7,$(PREFIX)/share/man/man7)
	$(call install_file,644,daemon/man/upager-security.7,$(PREFIX)/share/man/man7)
	$(call install_file,644,daemon/man/upager_register.3,$(PREFIX)/share/man/man3)
	for page in unregister advise join; do \
		ln -sf upager_register.3 $(DESTDIR)$(PREFIX)/share/man/man3/upager_$$page.3; \
	done
	$(call install_file,644,$(BUILD)/upagerd.service,$(UNITDIR))
	$(call install_file,644,daemon/upager.sysusers,$(PREFIX)/lib/sysusers.d,upager.conf)

clean:
	rm -rf $(BUILD)

setup:
	@scripts/setup

DEPENDENCIES := $(COMMON_OBJ) $(MAIN_OBJ) $(CLI_OBJ) $(LIB_OBJ) $(TEST_OBJ) \
		$(LIB_SRC:%.c=$(OBJ)/plain/%.o) $(FUZZERS:$(BUILD)/%=$(OBJ)/selftests/%.o)
-include $(DEPENDENCIES:.o=.d)
