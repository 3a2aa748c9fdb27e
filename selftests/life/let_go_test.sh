#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Once `upager run` has been waited for, nothing of the program is left: the agent, which shares its memory,
# keeps neither its file from being written nor what it has mapped.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root

rounds=10
UPAGER=$BUILD/upager

# Runs a copy of a program and writes over it at once, as an installer would; how often that was refused.
busy_copies()
{
	local n busy=0

	for ((n = 0; n < rounds; n++)); do
		cp "$TARGETS/known_static" "$WORK/copy" || return
		"$UPAGER" run --budget 4M -- "$WORK/copy" 32 1 </dev/null >"$WORK/result" || return
		{ : >>"$WORK/copy"; } 2>/dev/null || busy=$((busy + 1))
		rm "$WORK/copy"
	done
	echo "$busy"
}

ok "daemon starts" daemon_start 64M
is "programs that were left" "$(busy_copies)" 0
ok "daemon stops" daemon_stop
done_testing
