#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
#
# upager tour: that what its steps measure is as the text says, for root and for others, in every form,
# and that nothing is left of it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3 setpriv

STEPS="holes grow libs fork demand mmu pager larger"
# In a guest, which is slow, what is not as on the host.
GUEST_STEPS="holes grow libs fork demand mmu pager"
with_module=
[ ! -e /proc/upager/track ] || with_module=yes
[ -z "$with_module" ] || STEPS=$GUEST_STEPS
[ -z "$with_module" ] || [ -z "${UPAGER_TEST_QUICK:-}" ] ||
	skip_all "it takes two minutes in a guest: unset UPAGER_TEST_QUICK"
export TMPDIR=$WORK/tmp
mkdir "$TMPDIR"

# A kernel that has no page of zeros for who only reads gives one of its own then: as many as this.
zeros=$(python3 - <<-'END'
	import mmap
	memory = mmap.mmap(-1, 1 << 24, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
	memory.madvise(mmap.MADV_NOHUGEPAGE)
	def own():
	    with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
	        return next(int(line.split()[1]) for line in rollup if line.startswith("Anonymous:"))
	before = own()
	for at in range(0, len(memory), 4096):
	    memory[at]
	print(int(own() - before < 1 << 13))
	END
)

# holds FILE EXPRESSION: of what was printed, as d; v(NAME) is what was measured, None if it was not;
# has(NAME) whether it was.  step is the step's.
holds()
{
	python3 - "$1" "$2" "$zeros" <<-'END'
		import json, sys
		zeros = int(sys.argv[3])  # 1: there is a page of them
		d = json.load(open(sys.argv[1], encoding="utf-8"))
		records = {}
		for s in d["steps"]:
		    for r in s["records"]:
		        records[s["name"], r["name"]] = r
		def v(step, name):
		    return records.get((step, name), {"value": None})["value"]
		def step(name):
		    return next(s for s in d["steps"] if s["name"] == name)
		if eval("(" + sys.argv[2] + ")"):
		    sys.exit(0)
		for key, r in records.items():
		    print("#", *key, r["value"], r["unit"])
	for s in d["steps"]:
	    print("#", s["name"], s.get("skipped", ""))
		sys.exit(1)
	END
}

# clean: no file of the tour is there, and no process.
clean()
{
	[ -z "$(ls -A "$TMPDIR")" ] && wait_for 10 childless && wait_for 20 none_in_run
}

# Its daemon, and what runs from copies, have a file there in their command.
childless()
{
	ps -eo args= >"$WORK/ps" && ! grep -qF "$TMPDIR/upager-tour" "$WORK/ps"
}

none_in_run()
{
	! compgen -G "/run/upager-tour.*"
}

# measures FILE: what is so for everybody.
measures()
{
	local f=$1

	ok "all steps, in order" holds "$f" "' '.join(s['name'] for s in d['steps']) == '$STEPS' and
		d['format'] == 'upager-tour' and d['version'] == 1"
	ok "each has text, commands, and records that have names and units" holds "$f" '
		all(s["text"] and s["commands"] and s["records"] for s in d["steps"] if "skipped" not in s)
		and all(r["unit"] in "count flag bytes pages ns per_s percent".split()
			for r in records.values())
		and all(len({r["name"] for r in s["records"]}) == len(s["records"]) for s in d["steps"])'
	ok "holes: much is reserved, what is touched is resident" holds "$f" '
		v("holes", "reserved_bytes") >= 1 << 26 and v("holes", "size_bytes") > v("holes", "reserved_bytes")
		and v("holes", "resident_bytes") == v("holes", "touched_pages") * 4096
		and v("holes", "holes") >= 3 and 0 < v("holes", "used_percent") < 50
		and v("holes", "largest_hole_bytes") > 1 << 40'
	ok "and tables are there for what is touched, fewer where that is together" holds "$f" '
		v("holes", "tables_far_bytes") >= 16 * 4096
		and 0 < v("holes", "tables_near_bytes") <= v("holes", "tables_far_bytes") / 4'
	ok "grow: a heap that was made larger takes no memory, a stack is larger by being touched" holds "$f" '
		v("grow", "heap_reserved_size_bytes") - v("grow", "heap_before_size_bytes") in (256 << 10, 260 << 10)
		and v("grow", "heap_reserved_resident_bytes") == v("grow", "heap_before_resident_bytes")
		and [v("grow", "stack_%s_size_bytes" % n) - v("grow", "stack_before_size_bytes")
			for n in (1, 2, 3, "again")] == [4096, 8192, 12288, 12288]'
	ok "each page that is touched is one more, by a fault, and touched again by none" holds "$f" '
		all([v("grow", "%s_%s_resident_bytes" % (what, n)) - v("grow", "%s_before_resident_bytes" % what)
			for n in (1, 2, 3, "again")] == [4096, 8192, 12288, 12288]
			and all(1 <= v("grow", "%s_%d_faults" % (what, n)) <= 2 for n in (1, 2, 3))
			and v("grow", "%s_again_faults" % what) == 0
			for what in ("heap", "stack"))'
	ok "libraries and more room than any machine has memory lie between" holds "$f" '
		v("grow", "heap_hole_bytes") > 1 << 30 and v("grow", "between_bytes") > 1 << 40
		and v("grow", "stack_hole_bytes") > 1 << 20 and len(step("grow")["pictures"]) == 2'
	ok "libs: Rss counts shared pages for each, Pss does not" holds "$f" '
		v("libs", "rss_8_bytes") > 6 * v("libs", "rss_1_bytes")
		and v("libs", "pss_8_bytes") < v("libs", "rss_8_bytes") / 2
		and v("libs", "rss_8_bytes") / 16 < v("libs", "shared_bytes") < v("libs", "rss_8_bytes") / 7'
	ok "the more processes, the less each costs" holds "$f" '
		v("libs", "pss_8_bytes") / 8 < v("libs", "pss_1_bytes")
		and v("libs", "pss_each_bytes") * 8 == v("libs", "pss_8_bytes")'
	ok "but not where they share nothing" holds "$f" '
		v("libs", "private_8_bytes") > 7 * v("libs", "private_1_bytes")
		and v("libs", "private_8_bytes") > 2 * v("libs", "pss_8_bytes")'
	ok "fork: it copies no pages but those that are written" holds "$f" '
		v("fork", "fork_copied_pages") < 64
		and v("fork", "copy_copied_pages") >= 16384
		and 2048 <= v("fork", "write_copied_pages") <= 2048 + 64
		and v("fork", "write_faults") >= 2048
		and v("fork", "shared_pages") + v("fork", "fork_copied_pages") + v("fork", "write_copied_pages") == 16384
		and 64 * 2048 <= v("fork", "tables_bytes") < 8 << 20'
	ok "which the pictures show" holds "$f" '
		"private" not in step("fork")["pictures"][0]["parts"] and
		step("fork")["pictures"][1]["parts"].count("private") in (5, 6, 7)'
	ok "demand: less memory, so more at once" holds "$f" '
		v("demand", "whole_memory_bytes") == 32 << 20
		and v("demand", "demand_memory_bytes") == v("demand", "single_memory_bytes") == 2 << 20
		and v("demand", "whole_fit") == 2 and v("demand", "demand_fit") == 32'
	ok "of a real program part is not there" holds "$f" '
		0 < v("demand", "files_resident_bytes") < v("demand", "files_bytes")'
	ok "less is read, where it is read from a device" holds "$f" '
		v("demand", "whole_read_bytes") is None and "more" in step("demand") or
		(v("demand", "single_read_bytes") < v("demand", "whole_read_bytes") / 2 and
		 v("demand", "demand_read_bytes") <= v("demand", "whole_read_bytes"))'
	ok "each crowd has its numbers" holds "$f" '
		all(v("demand", "%s_%d_%s" % (way, n, what)) > 0 for way in ("whole", "demand")
			for n in (1, 4, 16) for what in ("per_s", "response_ns", "cpu_percent"))
		and all(v("demand", "%s_%d_cpu_percent" % (way, n)) <= 105 for way in ("whole", "demand")
			for n in (1, 4, 16))'
	ok "mmu: an entry after the touch and not before" holds "$f" '
		v("mmu", "before_present") == 0 and v("mmu", "read_present") == 1
		and v("mmu", "written_present") == 1 and v("mmu", "dropped_present") == 0'
	# Pages of the program itself may come back meanwhile.
	ok "by a fault each" holds "$f" '
		v("mmu", "before_minor_faults") <= 3 and 1 <= v("mmu", "read_minor_faults") <= 4
		and zeros <= v("mmu", "written_minor_faults") <= 4
		and 1 <= v("mmu", "huge_faults") <= (511 if v("mmu", "huge_bytes") else 512)'
	ok "a major one where a device is waited for" holds "$f" '
		v("mmu", "file_major_faults") in (None, 1) and
		(v("mmu", "file_major_faults") is None) == (v("demand", "whole_read_bytes") is None)'
}

# by_hand FILE STEP: the commands that it tells end well, in one shell, and say something.
by_hand()
{
	python3 - "$@" <<-'END' >"$WORK/commands"
		import json, sys
		for s in json.load(open(sys.argv[1], encoding="utf-8"))["steps"]:
		    if s["name"] == sys.argv[2]:
		        print("\n".join(s["commands"]))
	END
	PATH=${UPAGER%/*}:$PATH timeout 60 sh -ex "$WORK/commands" >"$WORK/out" 2>"$WORK/err" </dev/null &&
		[ -s "$WORK/commands" ] && [ "$(wc -l <"$WORK/out")" -ge 2 ] && return
	diag_file "$WORK/err"
	return 1
}

## Usage

try "$UPAGER" tour --help
is "tour --help" "$status" 0
ok "is about it" grep -q '^Usage: upager tour' "$WORK/out"
ok "fits a terminal" test "$(wc -L <"$WORK/out")" -le 90
for name in $STEPS; do
	ok "names $name" grep -qE "^  $name +[A-Z]" "$WORK/out"
done
ok "an unknown option" refused 2 "--frobnicate" "$UPAGER" tour --frobnicate
ok "an unknown step" refused 2 "no step 'nowhere'" "$UPAGER" tour nowhere
ok "a file that cannot be made" refused 1 "cannot write $WORK/no/such" \
	"$UPAGER" tour --html "$WORK/no/such" mmu
ok "a full disk" refused 1 "No space left" "$UPAGER" tour --html /dev/full mmu
ok "a size that is none" refused 2 "is no size" "$UPAGER" tour --size 4X larger
try env TMPDIR="$WORK/none" "$UPAGER" tour mmu
is "a folder that is not there: another one is taken" "$status" 0
if [ "$(id -u)" -eq 0 ] && mkdir "$WORK/small" && unshare -m mount -t tmpfs none "$WORK/small"; then
	# shellcheck disable=SC2016 # that shell's
	ok "no room for a file" refused 1 "the step mmu cannot be measured: No space left" unshare -m \
		sh -c 'mount -t tmpfs -o size=32k none "$1" && TMPDIR="$1" "$2" tour mmu' sh "$WORK/small" "$UPAGER"
fi

## As the caller

# 64 MiB are the least.
# shellcheck disable=SC2086 # names of steps
try "$UPAGER" tour --size 1M --json $STEPS
is "tour --json" "$status" 0
cp "$WORK/out" "$WORK/json"
measures "$WORK/json"
ok "nothing is left" clean
if [ "$(id -u)" -eq 0 ]; then
	ok "root sees frames, and another one after the write" holds "$WORK/json" '
		v("mmu", "read_frame") > 0 < v("mmu", "written_frame") and
		(v("mmu", "read_frame") != v("mmu", "written_frame")) == zeros'
	ok "the same for another page that was only read" holds "$WORK/json" '
		(v("mmu", "zeros_frame") == v("mmu", "read_frame")) == zeros'
	ok "pager: it goes out, and comes back the same" holds "$WORK/json" '
		v("pager", "resident_bytes") <= v("pager", "budget_bytes") == 8 << 20
		and v("pager", "swapped_bytes") >= 8 << 20
		and v("pager", "before_present") == 0 and v("pager", "after_present") == 1
		and v("pager", "same_data") == 1 and v("pager", "fault_ns") > 0'
	ok "where on disk it was" holds "$WORK/json" '
		v("pager", "area_offset_bytes") >= 4096 and v("pager", "area_offset_bytes") % 4096 == 0'
	ok "which the picture shows" holds "$WORK/json" '
		{"private", "swapped"} <= set(step("pager")["pictures"][0]["parts"])'
fi
if [ "$(id -u)" -eq 0 ] && [ -z "${UPAGER_TEST_QUICK-}" ]; then
	# A slow machine: what is enough takes longer than the step waits for the next of it.
	UPAGER_TEST_TIME_FACTOR=3 try env UPAGER_FAILPOINTS=evict_posted=delay:2500000@1-9 "$UPAGER" tour --json pager
	cp "$WORK/out" "$WORK/slow"
	ok "pager: as long as something goes out more is waited for" holds "$WORK/slow" '
		v("pager", "swapped_bytes") >= 1 << 20 and v("pager", "same_data") == 1'
fi
if [ "$with_module" ]; then
	ok "the module counts the same copies, one by one" holds "$WORK/json" '
		2048 <= v("fork", "module_copies") <= 2048 + 64'
	done_testing
fi
if [ "$(id -u)" -eq 0 ]; then
	ok "larger: of a size as it was told, with a sixteenth of it" holds "$WORK/json" '
		v("larger", "size_bytes") == 64 << 20 and v("larger", "budget_bytes") == 4 << 20'
	ok "it has no more in memory than its budget, and little else" holds "$WORK/json" '
		v("larger", "peak_bytes") <= v("larger", "size_bytes") / 4
		and v("larger", "swapped_bytes") > v("larger", "size_bytes") / 2'
	ok "and finds what it wrote" holds "$WORK/json" '
		v("larger", "wrong_pages") == 0 and v("larger", "read_bytes") == 64 << 20'
fi

## By hand

for name in holes grow libs fork demand mmu; do
	ok "$name by hand" by_hand "$WORK/json" "$name"
done
if [ "$(id -u)" -eq 0 ]; then
	ok "a daemon" daemon_start 160M
	ok "pager by hand, under a daemon" by_hand "$WORK/json" pager
	chmod 755 "$RUN" && chmod 666 "$UPAGER_SOCKET" && cp "$UPAGER" "$RUN/upager" && chmod 755 "$RUN/upager"
	try setpriv --reuid 65534 --regid 65534 --clear-groups "$RUN/upager" tour --json pager larger
	is "as a user who may ask it" "$status" 0
	cp "$WORK/out" "$WORK/asked"
	ok "who sees the same, but not where on disk" holds "$WORK/asked" '
		v("pager", "swapped_bytes") >= 8 << 20 and v("pager", "same_data") == 1
		and v("pager", "area_offset_bytes") is None and any("Root" in m for m in step("pager")["more"])'
	ok "and a program that is as large as there is room" holds "$WORK/asked" '
		64 << 20 <= v("larger", "size_bytes") <= 80 << 20 and v("larger", "wrong_pages") == 0'
	ok "which ends" daemon_stop
fi

## On the terminal

shown=$STEPS
[ -z "${UPAGER_TEST_QUICK:-}" ] || shown="holes grow libs fork demand mmu"
for name in $shown; do
	try "$UPAGER" tour --size 64M "$name"
	is "tour $name" "$status" 0
	ok "says what it is" grep -q "^$name: [A-Z]" "$WORK/out"
	ok "fits a screen" test "$(wc -l <"$WORK/out")" -le 40 -a "$(wc -L <"$WORK/out")" -le 80
	is "in ASCII, without colour" "$(grep -c '[^ -~]' "$WORK/out")" 0
done
try "$UPAGER" tour mmu holes
is "two steps come in their order" "$(grep -oE '^(holes|mmu):' "$WORK/out" | tr '\n' ' ')" "holes: mmu: "

## Somebody else

if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 700 "$RUN/tmp" && chown 65534:65534 "$RUN/tmp"
	try env TMPDIR="$RUN/tmp" setpriv --reuid 65534 --regid 65534 --clear-groups "$RUN/upager" tour --json
	is "as an ordinary user" "$status" 0
	cp "$WORK/out" "$WORK/json"
	measures "$WORK/json"
	ok "who sees no frames, and is told so" holds "$WORK/json" '
		v("mmu", "written_frame") is None and any("Root" in m for m in step("mmu")["more"])'
	ok "and has no pager, and is told so" holds "$WORK/json" '
		all("root" in step(name)["skipped"] for name in ("pager", "larger"))'
	ok "leaves nothing" test -z "$(ls -A "$RUN/tmp")"
fi

## Interrupted

start "$UPAGER" tour --json demand libs >"$WORK/out" 2>"$WORK/err"
program_pid=$started_pid
sleep 0.3
kill -INT "$program_pid"
ok "it ends when interrupted" wait_for 20 gone "$program_pid"
ok "and leaves nothing" clean
done_testing
