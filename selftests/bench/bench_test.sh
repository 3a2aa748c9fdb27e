#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 240
#
# make bench itself, with so little memory that it takes seconds: what it writes is whole, what programs compute is
# looked at, a wrong result fails it, and it leaves nothing behind however it ends.  No figure is looked at.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need python3 sort mkswap swapon swapoff

BENCH=${0%/*}/bench.py
OUTPUT=$WORK/bench
PAGE_CLUSTER=$(cat /proc/sys/vm/page-cluster)
SMALL=(--pairs 1 --size 40 --seconds 0.2 --limit 30)

# bench BUILD [ARG]...: in the background; program_pid then.
bench()
{
	local build=$1

	shift
	start python3 "$BENCH" --build "$build" --output "$OUTPUT" "${SMALL[@]}" "$@" >"$WORK/out" 2>"$WORK/err"
	program_pid=$started_pid
}

bench_wait()
{
	wait "$program_pid"
	bench_status=$?
	bench_pid=$program_pid
	program_pid=
}

# Of the bench that ended last.
nothing_left()
{
	[ ! -e "$OUTPUT/area" ] && [ ! -e "$OUTPUT/swap" ] && [ ! -e "$OUTPUT/input" ] &&
		! grep -q "^$OUTPUT" /proc/swaps &&
		[ "$(cat /proc/sys/vm/page-cluster)" = "$PAGE_CLUSTER" ] &&
		[ -z "$(find /sys/fs/cgroup -name "upager-bench.$bench_pid" 2>/dev/null)" ] &&
		! compgen -G "/dev/shm/upager-bench.$bench_pid.*" && ! pgrep -s "$bench_pid"
}

failed_with()
{
	grep -qF -- "$1" "$WORK/err" && python3 -c 'import json, sys
failed = json.load(open(sys.argv[1]))["failed"]
sys.exit(sys.argv[2] not in (failed or ""))' "$OUTPUT/results.json" "$1"
}

bench "$BUILD" --only backward-read --only sort
bench_wait
[ "$bench_status" -ne 4 ] || skip_all "$(tail -n 1 "$WORK/err")"
is "it exits 0" "$bench_status" 0
diag_file "$WORK/err"
diag_file "$WORK/out"
ok "nothing is left" nothing_left
ok "results.json is whole, and contents were checked" python3 - "$OUTPUT/results.json" <<'PY'
import json, sys
results = json.load(open(sys.argv[1]))
assert results["version"] == 1 and results["failed"] is None
assert all(results["machine"][key] for key in ("CPU", "kernel", "memory", "disk", "date"))
found = {result["workload"]: result for result in results["results"]}
assert sorted(found) == ["backward-read x1", "sort"], found
for name, result in found.items():
    sides = {"upager": result["upager"]}
    if results["rival"]:
        assert sorted(result["kernel_swap"]["sides"]) == ["0", "3"]
        assert result["kernel_swap"]["limit_bytes"] > result["budget_bytes"] >= 4 << 20
        assert result["ratio"] > 0 or not result["kernel_swap"]["better"]
        sides.update(result["kernel_swap"]["sides"])
    else:
        assert result["ratio"] is None and any("no kernel swap" in note for note in results["notes"])
    for side in sides.values():
        assert len(side["runs"]) == 1
        for run in side["runs"]:
            # Kernel swap may not live in so little.
            if run["why"] and side is not result["upager"]:
                continue
            assert run["digest"] == result["native"]["digest"] and run["score"] > 0, run
            if name != "sort":
                assert run["pattern"]["words_wrong"] == 0 and run["pattern"]["pages_checked"] > 40 << 8
                assert sum(run["pattern"]["latency_ns_log2"]) == run["pattern"]["accesses"] > 0
assert found["backward-read x1"]["upager"]["faults"] > 0
assert found["backward-read x1"]["upager"]["us_per_fault"] > 0
PY
ok "the chart is XML" python3 -c 'import sys, xml.dom.minidom
xml.dom.minidom.parse(sys.argv[1])' "$OUTPUT/chart.svg"
ok "the table has a row for each" test "$(grep -cE '^(backward-read x1|sort) ' "$OUTPUT/table.rst")" -eq 2
ok "and so has what it prints" test "$(grep -cE '^(backward-read x1|sort) ' "$WORK/out")" -eq 2

# shim COMMAND: a build whose `upager run` pipes what the program writes through COMMAND.
shim()
{
	rm -rf "$WORK/shim"
	mkdir -p "$WORK/shim/selftests"
	ln -s "$BUILD/upagerd" "$WORK/shim/upagerd"
	ln -s "$BUILD/selftests/bench" "$WORK/shim/selftests/bench"
	cat >"$WORK/shim/upager" <<-SH
		#!/bin/bash
		[ "\$1" = run ] || exec "$BUILD/upager" "\$@"
		"$BUILD/upager" "\$@" | $1
	SH
	chmod 755 "$WORK/shim/upager"
}

shim "sed '7s/1/2/'"
bench "$WORK/shim" --no-rival --only sort
bench_wait
is "one character that is wrong fails it" "$bench_status" 1
ok "which it says" failed_with "sort, upager: what it computed is not what it computes natively"
ok "nothing is left" nothing_left

shim "(cat; exit 3)"
bench "$WORK/shim" --no-rival --only sort
bench_wait
is "another exit status than natively fails it" "$bench_status" 1
ok "which it says" failed_with "sort, upager: ended with status 3"
ok "nothing is left" nothing_left

ok "a page that changed is noticed" python3 - "$BUILD/selftests/bench/pattern" <<'PY'
import json, subprocess, sys
child = subprocess.Popen([sys.argv[1], "--pattern", "backward-read", "--bytes", str(8 << 20), "--threads", "1",
    "--seconds", "0.05", "--hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert child.stdout.readline() == b"filled\n"
sizes = {}
for line in open("/proc/%d/maps" % child.pid):
    low, high = (int(word, 16) for word in line.split()[0].split("-"))
    sizes[high - low] = low
with open("/proc/%d/mem" % child.pid, "r+b", buffering=0) as memory:
    memory.seek(sizes[max(sizes)] + (max(sizes) // 2 & ~4095) + 2048)
    memory.write(b"changed.")
child.communicate(b"\n\n")
assert child.returncode == 1
PY

bench "$BUILD" --only backward-read --pairs 99
wait_for 60 grep -q "backward-read x1, upager 1/4" "$WORK/err"
kill -TERM "$program_pid"
bench_wait
is "ended by SIGTERM it says so" "$bench_status" 143
ok "nothing is left" nothing_left

bench "$BUILD" --only nothing-has-this-name
bench_wait
is "what is not there cannot be measured" "$bench_status" 4
bench "$BUILD" --only backward-read --size 99999999
bench_wait
is "a disk that is too small is refused" "$bench_status" 4
ok "and left alone" nothing_left
done_testing
