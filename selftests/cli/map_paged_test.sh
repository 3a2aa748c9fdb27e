#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upager map of a process that is paged: where what was taken out is, region by region.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3
need_root

# 64 MiB, of which every page of the first half is written, and then every second page of the third
# quarter.  Tells its address.
cat >"$WORK/program.py" <<'PY'
import ctypes, mmap, os, sys, time
memory = mmap.mmap(-1, (64 << 20) + 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + 4096
# Nothing merges with what lies between two pages that cannot be accessed.
protect = ctypes.CDLL(None).mprotect
for page in (address - 4096, address + (64 << 20)):
    if protect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 0):
        sys.exit("mprotect fails")
for page in list(range(8192)) + list(range(8192, 12288, 2)):
    memory[4096 + page * 4096] = page % 251 + 1
print(os.getpid(), address, flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
for page in list(range(8192)) + list(range(8192, 12288, 2)):
    if memory[4096 + page * 4096] != page % 251 + 1:
        sys.exit("page %d is wrong" % page)
PY

# json EXPRESSION: of the map of the program, as d; its memory is in r, regions as they lie in it.
json()
{
	try "$UPAGER" map --json "$pid"
	[ "$status" -eq 0 ] && python3 - "$1" "$WORK/out" "$address" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[2], encoding="utf-8"))
		start = int(sys.argv[3])
		r = [x for x in d["regions"] if int(x["start"], 16) < start + (64 << 20) and
		     int(x["end"], 16) > start]
		def pages(*states):
		    return sum(x["pages"].get(s, 0) for x in r for s in states)
		def count(x, first, end, *states):
		    """Of cells that lie in [first, end) pages of the memory."""
		    cells, n = x["cells"], x["bytes"] // 4096
		    base = (int(x["start"], 16) - start) // 4096
		    return sum(cells[s][i] for s in states if s in cells for i in range(cells["count"])
		               if base + i * n // cells["count"] >= first and
		               base + (i + 1) * n // cells["count"] <= end)
		def within(first, end, *states):
		    return sum(count(x, first, end, *states) for x in r)
		if eval("(" + sys.argv[1] + ")"):
		    sys.exit(0)
		for x in r:
		    print("#", x["start"], x["kind"], x["bytes"] // 4096, x["pages"])
		sys.exit(1)
	END
}

# Nothing moves any more: two looks are the same.
quiet()
{
	"$UPAGER" status --json "$pid" >"$WORK/one"
	sleep 0.3
	"$UPAGER" status --json "$pid" >"$WORK/two"
	cmp -s "$WORK/one" "$WORK/two" && grep -q '"swapped_bytes": [1-9][0-9]\{7\}' "$WORK/one"
}

ok "daemon starts" daemon_start 256M
start "$UPAGER" run --budget 8M -- python3 "$WORK/program.py" "$WORK/end" >"$WORK/said"
program_pid=$started_pid
ok "a program with six times its budget" wait_for 60 test -s "$WORK/said"
[ "$tap_failed" -eq 0 ] || done_testing
read -r pid address <"$WORK/said"
ok "most of it is out" wait_for 60 json 'pages("standby", "swapped") > 6000 and pages("swapped") > 2000'
ok "comes to rest" wait_for 60 quiet
# Beside what is touched the pager may fill more with zeros, in windows: at most the other half of it.
ok "what was written is in it, standby or swapped" json '
	8192 + 2048 <= pages("private", "forked", "standby", "swapped") <= 8192 + 4096 and
	sum(n for x in r for n in x["pages"].values()) == 16384 and not pages("kernel_swapped", "marked")'
ok "where it was written" json 'within(0, 8192, "untouched", "zero") == 0 and
	within(12288, 16384, "private", "standby", "swapped") == 0 and
	within(8192, 12288, "private", "standby", "swapped") >= 1900'
# Something may leave yet between the two.
all_regions_agree()
{
	local swapped standby

	"$UPAGER" status --json "$pid" >"$WORK/two"
	swapped=$(sed -n 's/.*"swapped_bytes": \([0-9]*\).*/\1/p' "$WORK/two")
	standby=$(sed -n 's/.*"standby_bytes": \([0-9]*\).*/\1/p' "$WORK/two")
	json "d['totals']['swapped_bytes'] == $swapped and d['totals']['standby_bytes'] == $standby"
}
ok "all regions together are what upager status says" wait_for 20 all_regions_agree
ok "and nothing is said to be missing of the pager" json 'd["sources"]["pager"] == "full" and
	"pager" not in d["missing"]'
ok "what the agent needs is upager's own" json 'sum(x["bytes"] for x in d["regions"]
	if x["kind"] == "upager") >= 1 << 21'
try "$UPAGER" map "$pid"
ok "the terminal shows it" grep -qE ' anonymous +[0-9.]+M +[0-9.]+[KM] [#=%s.-]*s[#=%s.-]*$' "$WORK/out"
ok "in the third bar" grep -qE '^swapped +[0-9.]+M .*A' "$WORK/out"
# draws_swapped: the drawing of a map has the sum that the table on the terminal has.
draws_swapped()
{
	local swapped

	swapped=$("$UPAGER" map "$1" | sed -nE 's/^. anonymous .* ([0-9.]+M) +[0-9.]+[KM]$/\1/p')
	"$UPAGER" map --svg - "$1" >"$WORK/drawing" && [ -n "$swapped" ] &&
		grep -qF ">$swapped</text>" "$WORK/drawing" && grep -q 'soft right.*>swapped<' "$WORK/drawing"
}
"$UPAGER" map --save "$WORK/saved" "$pid"
ok "and the drawing has how much of each type" draws_swapped "$WORK/saved"
for n in 1 2 3 4; do
	"$UPAGER" map --json "$pid" >"$WORK/map.$n" &
	looks[n]=$!
done
wait "${looks[@]}"
ok "several look at once" test "$(grep -l '"pager": "full"' "$WORK"/map.[1-4] | wc -l)" -eq 4
for n in 1 2 3 4 5 6 7 8; do
	timeout -s INT "0.0$n" "$UPAGER" map --json "$pid" >"$WORK/cut"
done
ok "who goes in the middle is in nobody's way" json 'd["sources"]["pager"] == "full"'
(
	UPAGER_SOCKET=$RUN/none "$UPAGER" map --json "$pid" >"$WORK/out"
)
ok "without the pager they look as if never touched, and that is said" grep -q \
	'"missing": "the pager would add what is standby and swapped by it' "$WORK/out"
ok "everything comes back" "$UPAGER" populate "$pid"
touch "$WORK/end"
wait "$program_pid"
is "the program finds its memory as it was" $? 0
program_pid=
ok "daemon stops" daemon_stop
done_testing
