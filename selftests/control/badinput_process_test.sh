#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
#
# A process that cannot be meant, or not so: each gets one line that names cause and remedy and the
# exit status of the contract; it is as it was and goes on, and nothing that is paged is lost.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/control/worker.sh
. "${0%/*}/worker.sh"

need_root
need /usr/bin/python3 setpriv

# Set by run_target.
strict_pid='' reaper_pid=''

workers_begin

## Who is meant

dead=$(sh -c 'echo $$')
ok "a dead process" refused 1 "no such process" "$UPAGER" attach "$dead"
ok "a number beyond all processes" refused 1 "no such process" "$UPAGER" attach 4194304
for pid in 0 -1 1x '' 99999999999; do
	ok "'$pid' is no process id" refused 2 "is no process id" "$UPAGER" attach -- "$pid"
done
start_other sh -c 'sleep 0 & exec sleep 60'
parent=$started_pid
has_zombie()
{
	zombie=$(cut -d' ' -f1 "/proc/$parent/task/$parent/children") &&
		grep -q '^State:.*Z' "/proc/$zombie/status"
}
wait_for 10 has_zombie
ok "a zombie" untouched "$parent" 1 "has ended" "$UPAGER" attach "$zombie"
if [ -e /proc/2/comm ] && [ ! -s /proc/2/maps ] && [ "$(cut -d' ' -f4 /proc/2/stat)" = 0 ]; then
	ok "a kernel thread" refused 1 "process 2 is a kernel thread" "$UPAGER" attach 2
	ok "a kernel thread is not watched either" refused 1 "is not paged" "$UPAGER" status 2
fi
thread=$(find "/proc/$plain_pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$plain_pid" |
	head -n 1)
ok "a thread" untouched "$plain_pid" 1 "not a process id" "$UPAGER" attach "$thread"
ok "the daemon itself" untouched "$daemon_pid" 1 "is the pager itself" "$UPAGER" attach "$daemon_pid"
read -r keeper _ <"$RUN/state/keeper.pid"
# Again if mappings changed between the two reads.
find_agent()
{
	agent=$(pgrep -x upager-agent | while read -r pid; do
		cmp -s "/proc/$pid/maps" "/proc/$paged_pid/maps" && echo "$pid"
	done)
	[ -n "$agent" ]
}
ok "there is an agent" wait_for 10 find_agent
ok "an agent" untouched "$paged_pid" 1 "own agent" "$UPAGER" attach --budget 4M "$agent"
ok "its keeper" untouched "$keeper" 1 "is the pager" "$UPAGER" attach "$keeper"

## Budgets

ok "a budget of zero" untouched "$plain_pid" 2 "a budget of zero" \
	"$UPAGER" attach --budget 0 "$plain_pid"
ok "a budget of 1K" untouched "$plain_pid" 1 "is too small: give at least" \
	"$UPAGER" attach --budget 1K "$plain_pid"
ok "a budget larger than memory" untouched "$plain_pid" 2 "larger than memory" \
	"$UPAGER" attach --budget 1024T "$plain_pid"
for size in 1X -4M 4MB ' 4M' 4M4 nan ''; do
	ok "a budget of '$size'" untouched "$plain_pid" 2 "is no size" \
		"$UPAGER" attach --budget "$size" "$plain_pid"
done
ok "no live budget of zero" refused 2 "a budget of zero" "$UPAGER" budget "$paged_pid" 0
ok "no live budget of 1K" refused 1 "is too small" "$UPAGER" budget "$paged_pid" 1K
ok "no live budget larger than memory" refused 2 "larger than memory" \
	"$UPAGER" budget "$paged_pid" 1024T
ok "the budget is what it was" sh -c "'$UPAGER' status --json '$paged_pid' |
	/usr/bin/python3 -c 'import json, sys
sys.exit(json.load(sys.stdin)[\"processes\"][0][\"budget_bytes\"] != 4 << 20)'"

## Attached or not

ok "already attached" refused 1 "is paged already" "$UPAGER" attach --budget 8M "$paged_pid"
for command in detach populate status; do
	ok "$command of a process that is not paged" untouched "$plain_pid" 1 "is not paged" \
		"$UPAGER" "$command" "$plain_pid"
done
ok "budget of a process that is not paged" untouched "$plain_pid" 1 "is not paged" \
	"$UPAGER" budget "$plain_pid" 8M
for command in detach populate; do
	ok "$command of a dead process" refused 1 "no such process" "$UPAGER" "$command" "$dead"
done
ok "status of a dead process" refused 1 "is not paged" "$UPAGER" status "$dead"
ok "a paged program works" paged_well

## Programs that cannot be attached

/usr/bin/python3 - "$plain_pid" >"$WORK/tracer.out" <<'PYTHON' &
import ctypes, sys, time
PTRACE_SEIZE = 0x4206
ret = ctypes.CDLL(None, use_errno=True).ptrace(PTRACE_SEIZE, int(sys.argv[1]), 0, 0)
print("traced" if ret == 0 else "failed", flush=True)
time.sleep(60)
PYTHON
tracer=$!
wait_for 10 grep -q traced "$WORK/tracer.out"
ok "a process that is traced" untouched "$plain_pid" 1 "$tracer" "$UPAGER" attach "$plain_pid"
kill "$tracer"
wait "$tracer" 2>/dev/null
ok "it goes on" working plain

# Each call would be the end of the process: the action is KILL_PROCESS.
for call in 41:socket 53:socketpair 56:clone 9:mmap 10:mprotect; do
	name=filtered${call%%:*}
	run_target "$name" inject_shell
	pid=${name}_pid
	ask "$name" "map 10" >/dev/null
	if [ "${call%%:*}" = 41 ]; then
		# Not what attach needs: no reason to refuse.
		ask "$name" "filter 41 $((0x80000000))" >/dev/null
		try "$UPAGER" attach --budget 4M "${!pid}"
		is "a filter that forbids what is not needed" "$status" 0
		try "$UPAGER" detach "${!pid}"
		is "and detach" "$status" 0
	else
		ask "$name" "filter ${call%%:*} $((0x80000000))" >/dev/null
		ok "a filter that forbids ${call##*:}" untouched "${!pid}" 1 "${call##*:}" \
			"$UPAGER" attach --budget 4M "${!pid}"
	fi
	is "it goes on" "$(ask "$name" "fill 1")" 0
done
run_target strict inject_shell
ask strict strict >/dev/null
ok "strict seccomp" untouched "$strict_pid" 1 "strict seccomp" "$UPAGER" attach --budget 4M "$strict_pid"
run_target reaper inject_shell
ask reaper "subreaper 1" >/dev/null
ok "a program that adopts orphans" untouched "$reaper_pid" 3 "adopt" \
	"$UPAGER" attach --budget 4M "$reaper_pid"
ok "a paged program works" paged_well

## Nothing was lost

workers_end

done_testing
