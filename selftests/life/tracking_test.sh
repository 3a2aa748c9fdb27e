#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upagerd beside the kernel module: what is paged is tracked and shown, and neither minds that the
# other goes.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3
need_root
[ -e /proc/upager ] || skip_all "the module upager is not loaded"

# json EXPRESSION: of what was printed, as d.
json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1" \
		<"$WORK/out"
}

# stat PID EXPRESSION: of its report, as d.
stat_has()
{
	try "$UPAGER" stat --json "$1"
	[ "$status" -eq 0 ] && json "$2"
}

tracked()
{
	stat_has "$1" 'd["tracked"] == 1'
}

untracked()
{
	! tracked "$1"
}

status_has()
{
	try "$UPAGER" status --json
	json "$1"
}

# Uses more than its budget over and over; forks a child that touches nothing when told.
cat >"$WORK/program.py" <<'PY'
import os, signal, sys
size = 5 << 20
memory = bytearray(size)
for i in range(0, size, 4096):
    memory[i] = i // 4096 % 251
open(sys.argv[1], "w").write("%d\n" % os.getpid())
child = 0
while not os.path.exists(sys.argv[2]):
    for i in range(0, size, 4096):
        if memory[i] != i // 4096 % 251:
            sys.exit("page %d is wrong" % (i // 4096))
    if not child and os.path.exists(sys.argv[2] + ".fork"):
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(1)
        open(sys.argv[1] + ".child", "w").write("%d\n" % child)
if child:
    os.kill(child, signal.SIGKILL)
    os.wait()
PY

ok "daemon starts" daemon_start 128M
[ "$tap_failed" -eq 0 ] || done_testing
ok "and knows the module" wait_for 10 grep -q 'the module upager shows' "$WORK/upagerd.log"
start "$UPAGER" run --budget 6M -- python3 "$WORK/program.py" "$WORK/ready" "$WORK/end"
program_pid=$started_pid
ok "the program runs" wait_for 200 test -s "$WORK/ready"
pid=$(cat "$WORK/ready")

ok "it is tracked" wait_for 20 tracked "$pid"
ok "its paging is shown" wait_for 60 stat_has "$pid" 'd["paging"]["budget_bytes"] == 6 << 20 and
	d["paging"]["evictions"] > 100 and d["paging"]["faults"] > 100 and
	d["paging"]["swapped_bytes"] + d["paging"]["standby_bytes"] > 1 << 20'
before=$(awk '$1 == "faults" { print $2 }' "/proc/upager/$pid/paging")
ok "and kept up to date" wait_for 60 stat_has "$pid" "d['paging']['faults'] > $before"
ok "its agent is not tracked" test "$(grep -c '^[0-9]' /proc/upager/processes)" -eq 1
try "$UPAGER" stat "$pid"
ok "upager stat prints it" grep -qE '^ +budget +6.0M ' "$WORK/out"

## A child that touches nothing

touch "$WORK/end.fork"
ok "it forks" wait_for 200 test -s "$WORK/ready.child"
child=$(cat "$WORK/ready.child")
ok "the child is found" wait_for 20 status_has "any(p['pid'] == $child for p in d['processes'])"
ok "and tracked" wait_for 20 tracked "$child"
ok "the fork is counted" stat_has "$pid" 'd["cow"]["forks"] >= 1 and d["cow"]["children"] >= 1'

## The module goes and comes

if [ -n "${UPAGER_VM-}" ]; then
	rmmod upager
	ok "the daemon notices that the module is gone" \
		wait_for 20 grep -q 'the module upager was unloaded' "$WORK/upagerd.log"
	ok "upager stat does without it" stat_has "$pid" 'd["module"] == 0 and d["libs"]["libs_count"]'
	try "$UPAGER" stat "$pid"
	ok "and says so" grep -q 'the module upager is not loaded' "$WORK/out"
	ok "the program runs on" alive "$pid"
	ok "and is paged" status_has "any(p['pid'] == $pid for p in d['processes'])"
	modprobe upager
	ok "the module is back: the program is tracked again" wait_for 60 tracked "$pid"
	ok "and shown" wait_for 60 stat_has "$pid" 'd["paging"]["budget_bytes"] == 6 << 20'
	is "that it was gone was said once" "$(grep -c 'was unloaded' "$WORK/upagerd.log")" 1
fi

## Letting go

ok "detach" "$UPAGER" detach "$pid"
ok "it is tracked no longer" wait_for 20 untracked "$pid"
ok "the daemon stops with a child that touched nothing" daemon_stop
ok "nobody is tracked any more" test "$(grep -c '^[0-9]' /proc/upager/processes)" -eq 0
touch "$WORK/end"
program_wait
is "the program ends well" "$program_status" 0
done_testing
