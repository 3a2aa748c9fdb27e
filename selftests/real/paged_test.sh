#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 120
#
# The least that must hold on every kernel, with the eviction that the kernel allows and with the one
# that stops the program: a static program with four times its budget reads what it wrote, pages of it
# really were outside, and the daemon stops when told to.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root

evictions()
{
	"$BUILD/upager" status --json | tr -d ' ",' | sed -n 's/^evictions://p'
}

# While the program runs, until some of it has left.
has_evicted()
{
	local n

	n=$(evictions)
	[ -n "$n" ] && [ "$n" -gt 1000 ]
}

run_known()
{
	rm -f "$WORK/go"
	mkfifo "$WORK/go"
	exec 3<>"$WORK/go"
	start "$BUILD/upager" run --budget 4M -- "$TARGETS/known_static" 16 2 \
		<"$WORK/go" >"$WORK/result" 3>&-
	program_pid=$started_pid
	ok "$1: pages leave" wait_for 60 has_evicted
	exec 3>&-
	wait "$program_pid"
	is "$1: the program exits 0" "$?" 0
	program_pid=
	is "$1: it read what it wrote" "$(cat "$WORK/result")" "0 words wrong"
}

for disable in poison move,poison; do
	export UPAGER_DISABLE=$disable
	ok "without $disable: daemon starts" daemon_start 64M
	run_known "without $disable"
	ok "without $disable: daemon stops with exit status 0" daemon_stop
	rm -f "$WORK/area"
done
done_testing
