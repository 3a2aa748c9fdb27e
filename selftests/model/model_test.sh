#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# TIMEOUT 900
#
# The model of a page's states holds, and every fault that is built into it is found.
# UPAGER_MODEL_ALL=1 looks at more at once: some minutes, and 4 GiB of memory.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need spin gcc

model=$(realpath -- "${0%/*}/page.pml")
cd "$WORK" || exit 1

# prepare OPTION...
prepare()
{
	spin "$@" -a "$model" >&2 && gcc -O1 -DSAFETY -w -o pan pan.c >&2
}

holds()
{
	env "$@" ./pan -m100000 -w22 >pan.out 2>&1
	cat pan.out >&2
	grep -q "errors: 0$" pan.out && ! grep -q "not completed\|max search depth" pan.out
}

# finds N: something wrong is read, or written.
finds()
{
	env BUILT_IN="$1" EVICTIONS=2 ./pan -m100000 -w22 >pan.out 2>&1
	cat pan.out >&2
	grep -q "assertion violated" pan.out
}

ok "the model is made" prepare
ok "nothing is lost, and nobody waits for ever" holds
ok "found: a page is dropped before it is written" finds 1
ok "found: an event is lost with the daemon" finds 2
ok "found: a REMAP is replayed from the start" finds 3
ok "found: a MOVE between reading and applying an event [F1]" finds 4
ok "found: a slot is used again that a dead daemon still writes to [F5]" finds 5
ok "found: the staging of a dead agent is not looked at, where an event waits" finds 6
if [ "${UPAGER_MODEL_ALL-}" ]; then
	ok "a page leaves twice" holds EVICTIONS=2
	prepare -DKILLS=0 -DCRASHES=2
	ok "the daemon dies twice" holds EVICTIONS=2
	prepare -DKILLS=0 -DOPS=2 -DREADS=1
	ok "two operations, and another thread" holds
fi
done_testing
