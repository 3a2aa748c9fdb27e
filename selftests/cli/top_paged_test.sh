#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upager top, and the stall of upager status, of a program that keeps needing more than its budget.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3
need_root

# 48 MiB, over and over, as long as a file is there.
cat >"$WORK/program.py" <<'PY'
import os, sys
memory = bytearray(48 << 20)
while os.path.exists(sys.argv[1]):
    for at in range(0, len(memory), 4096):
        memory[at] = (memory[at] + 1) % 256
PY

# json EXPRESSION: of `upager status --json`, as d; the program as p.
json()
{
	"$UPAGER" status --json >"$WORK/out" && python3 - "$1" "$WORK/out" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[2]))
		p = d["processes"][0]
		sys.exit(not eval("(" + sys.argv[1] + ")"))
	END
}

total_us()
{
	"$UPAGER" status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["processes"][0]["stall_some"]["total_us"])'
}

nobody()
{
	"$UPAGER" status | grep -q '^no process is paged'
}

# live REGEX: one of some looks has a row of the program that goes on like that.
live()
{
	"$UPAGER" top -b -n 4 -d 0.3 -o pid >"$WORK/top" &&
		grep -qE "^ +$paged_pid P +16\.0M $1" "$WORK/top" && return
	diag_file "$WORK/top"
	return 1
}

ok "the daemon starts" daemon_start 128M
touch "$WORK/go"
begin=$(date +%s%N)
start "$UPAGER" run --budget 16M -- python3 "$WORK/program.py" "$WORK/go"
program_pid=$started_pid
ok "it is paged" wait_for 30 json 'p["state"] == "paged" and p["swap_ins"] > 1000'
ok "it waits for what it needs" wait_for 30 json 'p["stall_some"]["avg10"] > 0'
before=$(total_us)
ok "of all together no less" json "d['daemon']['stall_some']['total_us'] >= $before > 0"
ok "not more than the time that there was" \
	json "p['stall_some']['total_us'] <= ($(date +%s%N) - $begin) / 1000"
ok "averages are shares" json 'all(0 <= x["stall_full"][k] <= x["stall_some"][k] <= 100
	for x in (p, d["daemon"]) for k in ("avg10", "avg60", "avg300"))'
ok "of one thread nothing runs while it waits" wait_for 30 \
	json '0.9 * p["stall_some"]["total_us"] <= p["stall_full"]["total_us"] <= p["stall_some"]["total_us"]'
paged_pid=$("$UPAGER" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["processes"][0]["pid"])')
number='[0-9.]+'
ok "top shows faults, evictions, percentiles and the stall" wait_for 60 live \
	" +${number}M +${number}[BKM] +${number}M +[1-9]$number +[1-9]$number +<${number}[mu]s +<${number}m?u?s +[1-9]?[0-9.]+ +[0-9-]+ python3$"

# waits_no_more: in the time between the last two of some looks; the average of ten seconds still has it.
waits_no_more()
{
	"$UPAGER" top -b -n 3 -d 0.3 -o pid >"$WORK/top" &&
		grep -E "^ +$paged_pid P " "$WORK/top" | tail -n 1 | grep -qE ' 0\.00 +[0-9-]+ python3$'
}

kill -STOP "$paged_pid"
ok "a program that is stopped does not stall any more" wait_for 30 waits_no_more
ok "though it did of late" json 'p["stall_some"]["avg60"] > 0'
ok "all latencies together are what each is counted as" json '
	sum(n << i for i, n in enumerate(p["latency_ns_log2"])) <= p["latency_ns"] and
	p["latency_ns"] < sum(n << i + 1 for i, n in enumerate(p["latency_ns_log2"]))'
kill -CONT "$paged_pid"
rm "$WORK/go"
wait "$started_pid"
is "the program's exit status" $? 0
ok "it is let go of" wait_for 10 nobody
program_pid=
ok "the daemon ends" daemon_stop
done_testing
