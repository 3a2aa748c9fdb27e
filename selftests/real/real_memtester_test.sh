#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# memtester on 128 MiB with a quarter of that as its budget, as a user that may not lock memory.
# It passes hundreds of times over all of its memory, far more than paging of a quarter can do in a
# test's time, so by default it does the tests of few passes; UPAGER_TEST_FULL=1 does all of them.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need memtester setpriv prlimit
[ -z "${UPAGER_TEST_QUICK:-}" ] || skip_all "it takes half a minute: unset UPAGER_TEST_QUICK"

MEMORY=128M

# Bit n is test n in memtester's order: the first eight (random value, the arithmetic ones,
# sequential increment) and the two that write single bytes and 16-bit words.
[ -n "${UPAGER_TEST_FULL:-}" ] || export MEMTESTER_TEST_MASK=$((0x180ff))

memtester_body()
{
	start "$@" prlimit --memlock=0:0 \
		setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all \
		memtester "$MEMORY" 1 >"$WORK/output" 2>&1
	program_started "$started_pid"
	program_wait
	# Backspaces and the spinning bar show progress only.
	tr -d '\b' <"$WORK/output" | sed 's/ [ |/\\-]*/ /g; /^pagesize/d' >"$WORK/result"
}

real_compare memtester memtester_body
ok "it ran without locked memory" grep -q 'Trying again, unlocked' "$WORK/result"
ok "it went through to the end" grep -q '^Done' "$WORK/result"
ok "it found no failure" test "$(grep -c FAILURE "$WORK/result")" -eq 0
done_testing
