#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the daemon writes down of who comes and goes; a name that a program chose makes no line of its own.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need python3

UPAGER=$BUILD/upager

attach()
{
	"$UPAGER" attach "$@" "$program_pid" >"$WORK/out"
}

says()
{
	[ "$(grep -cFx -- "$1" "$WORK/upagerd.log")" -eq "${2:-1}" ]
}

ok "daemon starts" daemon_start 64M
start python3 -c 'import time
open("/proc/self/comm", "wb").write(b"\x1b[1mx\nupagerd: y")
print("ready", flush=True)
time.sleep(1000)' >"$WORK/ready"
program_pid=$started_pid
ok "the program runs" wait_for 10 grep -q ready "$WORK/ready"
ok "attach" attach --budget 16M
name="?[1mx"
ok "is written down" says "upagerd: process $program_pid ($name) is paged: budget 16.0M, asked for by user 0"
ok "detach" "$UPAGER" detach "$program_pid"
ok "is written down, too" says "upagerd: process $program_pid ($name) is detached: it has everything back"
ok "a family" attach --family --budget 16M
ok "as such" says "upagerd: process $program_pid ($name) is paged: budget 16.0M of a family, asked for by user 0"
ok "run" "$UPAGER" run --budget 16M -- true
ok "is watched" wait_for 5 grep -qE '^upagerd: process [0-9]+ \(upager\) is watched: budget 16\.0M, ' "$WORK/upagerd.log"
ok "daemon stops" daemon_stop
ok "and gives back" says "upagerd: process $program_pid ($name) is detached: it has everything back" 2
done_testing
