#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Commands that take long say on a terminal how far they have come, nothing elsewhere, and can be interrupted.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need python3 script

UPAGER=$BUILD/upager
MIB=48

cat >"$WORK/program.py" <<'PY'
import os, sys, time
memory = bytearray(48 << 20)
for at in range(0, len(memory), 4096):
    memory[at] = at // 4096 % 251 + 1
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
for at in range(0, len(memory), 4096):
    if memory[at] != at // 4096 % 251 + 1:
        sys.exit("page %d is wrong" % (at // 4096))
PY

# has FIELD TEST: of `upager status --json`, as f.
has()
{
	"$UPAGER" status --json "$program_pid" | python3 -c 'import json, sys
f = json.load(sys.stdin)["processes"][0][sys.argv[1]]
sys.exit(not eval(sys.argv[2]))' "$1" "$2"
}

# on_terminal COMMAND ARG...: what a terminal would see of it, in $WORK/seen; its exit status.
on_terminal()
{
	TERM=xterm script -qefc "$UPAGER $*" "$WORK/seen" </dev/null >"$WORK/script.log"
}

seen()
{
	grep -qE -- "$1" "$WORK/seen"
}

# What is written out over a line stays: the last thing is to clear it.
cleared()
{
	tail -c 400 "$WORK/seen" | tr -d '\r' | grep -qE "left.\[K.\[K"
}

# interrupted SIGNAL COMMAND ARG...: it is, when it has said something.
interrupted()
{
	local signal=$1 status

	shift
	: >"$WORK/seen"
	start on_terminal "$@"
	wait_for 30 seen 'M of [0-9.]+M, [0-9]+%' || return 1
	kill -"$signal" "$(pgrep -f "^$UPAGER $*\$")" || return 1
	wait "$started_pid"
	status=$?
	[ "$status" -eq 1 ] && seen "interrupted: process $program_pid stays paged"
}

# Reading a batch of pages takes 50 ms, and what is out are a hundred or more of them.
UPAGER_FAILPOINTS=fault_read_done=delay:50000
export UPAGER_FAILPOINTS
ok "the daemon starts" daemon_start 128M
start python3 "$WORK/program.py" "$WORK/go"
program_pid=$started_pid
wait_for 30 grep -q "^RssAnon:.* $((MIB * 1024))\|^RssAnon:.* [5-9][0-9][0-9][0-9][0-9] " "/proc/$program_pid/status"
"$UPAGER" attach --budget 16M "$program_pid" >"$WORK/out"
ok "most of it is out" wait_for 30 has swapped_bytes "f > $MIB << 19"
ok "detach is interrupted" interrupted INT detach "$program_pid"
ok "it had said how far it is" seen "detach $program_pid: [0-9.]+[KM] of [0-9.]+M, [0-9]+%, [0-9.]+[KM]/s, 0:[0-9][0-9] left"
ok "the line is gone" cleared
ok "the process stays paged" wait_for 10 has state 'f == "paged"'
ok "and gets under its budget again" wait_for 60 has swapped_bytes "f > $MIB << 19"
ok "populate is interrupted, by another signal" interrupted TERM populate "$program_pid"
ok "the process stays paged" wait_for 10 has state 'f == "paged"'
ok "and gets under its budget again" wait_for 60 has swapped_bytes "f > $MIB << 19"
"$UPAGER" populate "$program_pid" >"$WORK/out" 2>&1
is "elsewhere it says nothing" "$?:$(wc -c <"$WORK/out")" 0:0
TERM=dumb script -qefc "$UPAGER detach $program_pid" "$WORK/seen" </dev/null >"$WORK/script.log"
is "a terminal that cannot go back: it succeeds" $? 0
ok "and says nothing" test "$(wc -l <"$WORK/seen")" -le 3
is "nothing is paged" "$("$UPAGER" status | head -n 1)" \
	"no process is paged; upager run or upager attach starts it"
touch "$WORK/go"
program_wait
is "the program has what it wrote" "$program_status" 0
ok "the daemon ends" daemon_stop

## The daemon itself

UPAGER_FAILPOINTS=fault_read_done=delay:20000

# daemon_on_terminal: what its terminal sees is in $WORK/seen.
daemon_on_terminal()
{
	: >"$WORK/seen"
	TERM=xterm start script -qefc "$BUILD/upagerd --swap $WORK/area --socket $UPAGER_SOCKET --state $RUN/state" \
		"$WORK/seen" </dev/null >"$WORK/script.log"
	daemon_pid=$started_pid
	wait_for 10 "$UPAGER" status --json && served_by=$("$UPAGER" status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["daemon"]["pid"])')
}

stays_at_a_terminal()
{
	wait "$daemon_pid"
	[ "$?" -eq 1 ]
}

PROGRESS="upagerd gives back: [0-9.]+[KM] of [0-9.]+M, [0-9]+%, [0-9.]+[KM]/s, 0:[0-9][0-9] left"
ok "a daemon at a terminal" daemon_on_terminal
rm -f "$WORK/go"
start python3 "$WORK/program.py" "$WORK/go"
program_pid=$started_pid
wait_for 30 grep -q "^RssAnon:.* [5-9][0-9][0-9][0-9][0-9] " "/proc/$program_pid/status"
"$UPAGER" attach --budget 16M "$program_pid" >"$WORK/out"
ok "most of it is out" wait_for 30 has swapped_bytes "f > $MIB << 19"
kill -INT "$served_by"
ok "its end says how far it is" wait_for 30 seen "$PROGRESS"
kill -INT "$served_by"
ok "Ctrl-C a second time ends it at once" stays_at_a_terminal
ok "it says who waits" seen "upagerd: stopped, and left: process $program_pid"
ok "in a line of its own" seen "\[Kupagerd: "
ok "the next daemon takes it over" daemon_on_terminal
kill -TERM "$served_by"
ok "its end says how far it is" wait_for 30 seen "$PROGRESS"
kill -TERM "$served_by" 2>"$WORK/kill.err" # it may have ended
wait "$daemon_pid"
is "it gives everything back, whoever asks once more" $? 0
daemon_pid=
ok "the line is gone" cleared
touch "$WORK/go"
program_wait
is "the program has what it wrote" "$program_status" 0
done_testing
