#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# TIMEOUT 600
#
# Each fuzzer for a moment, from its seeds. `make fuzz` has them go on for longer.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

SECONDS_EACH=3

need clang-14 make python3
[ -z "${UPAGER_TEST_QUICK:-}" ] || skip_all "to build them takes a minute and a half: unset UPAGER_TEST_QUICK"
case $BUILD in
*/san-* | */release) skip_all "they are built with sanitizers of their own" ;;
esac

# Everything by another compiler: not what the build that is tested was told.
env -u MAKEFLAGS -u MAKELEVEL -u BUILD -u SAN -u CC make -s -j2 fuzz-all >"$WORK/build" 2>&1 || {
	diag_file "$WORK/build"
	ok "the fuzzers are built" false
	done_testing
}

holds()
{
	selftests/fuzz/run build/fuzz "$SECONDS_EACH" "$1" >"$WORK/out" 2>&1 && return
	tail -n 60 "$WORK/out" | sed 's/^/# /'
	return 1
}

for fuzzer in build/fuzz/fuzz/fuzz_*; do
	ok "${fuzzer##*/}" holds "$fuzzer"
done
done_testing
