#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upager map: what it says of a process whose address space is known, in every form; saved and
# compared; and what it refuses.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3

# json EXPRESSION: of what was printed, as d; at(NAME) is the region that map_made said begins there.
json()
{
	python3 - "$1" "$WORK/out" "$WORK/made" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[2], encoding="utf-8"))
		made = dict((l.split()[0], int(l.split()[1], 16)) for l in open(sys.argv[3]) if " " in l)
		regions = d.get("regions", [])
		def at(name):
		    return next(r for r in regions if int(r["start"], 16) == made[name])
		def page(name, n):
		    r = at(name)
		    cells = r["cells"]
		    pages = r["bytes"] // 4096
		    i = next(i for i in range(cells["count"]) if (i + 1) * pages // cells["count"] > n)
		    return set(k for k in cells if k != "count" and cells[k][i])
		sys.exit(not eval("(" + sys.argv[1] + ")"))
	END
}

# shows REGEX: there is such a line.
shows()
{
	grep -qE -- "$1" "$WORK/out" || {
		diag_file "$WORK/out"
		return 1
	}
}

# made: starts another process whose address space is known; sets program_pid.
made()
{
	end_group "$program_pid"
	mkfifo "$WORK/in$1"
	exec {hold}<>"$WORK/in$1"
	start "$TARGETS/map_made" "$WORK/file" <"$WORK/in$1" >"$WORK/made" {hold}>&-
	program_pid=$started_pid
	wait_for 10 grep -q '^ready' "$WORK/made"
}

## Usage

try "$UPAGER" map --help
is "map --help" "$status" 0
ok "is about it" shows '^Usage: upager map PID'
ok "fits a terminal" test "$(wc -L <"$WORK/out")" -le 90
ok "an unknown option" refused 2 "--frobnicate" "$UPAGER" map --frobnicate 1
ok "no process" refused 2 "missing" "$UPAGER" map
ok "two processes" refused 2 "'2' is one" "$UPAGER" map 1 2
ok "one to compare" refused 2 "missing" "$UPAGER" map --diff 1
ok "a picture of a comparison" refused 2 "--diff prints a table" "$UPAGER" map --diff --svg x 1 2
ok "a file of what is watched" refused 2 "--watch draws" "$UPAGER" map --watch --html x 1
for seconds in 0 -1 x 1x ''; do
	ok "--watch=$seconds" refused 2 "no time to wait" "$UPAGER" map --watch="$seconds" 1
done
ok "0 is no process" refused 2 "no process id" "$UPAGER" map 0
gone=$(sh -c 'echo $$')
ok "a process that is gone" refused 1 "no process $gone" "$UPAGER" map "$gone"
ok "a file that is not there" refused 1 "cannot read $WORK/none" "$UPAGER" map "$WORK/none"
ok "a kernel thread" refused 1 "no memory of its own" "$UPAGER" map \
	"$(pgrep -o kthreadd || echo 2)"

## What is known of a process

ok "a process whose address space is known" made 1
try "$UPAGER" map --json "$program_pid"
is "map --json" "$status" 0
ok "is of it" json 'd["format"] == "upager-map" and d["version"] == 1 and d["comm"] == "map_made"'
ok "regions and holes are all of the addresses" json '
	sorted((int(x["start"], 16), int(x["end"], 16)) for x in d["regions"] + d["holes"])[0][0] == 0
	and sum(x["bytes"] for x in d["regions"] + d["holes"]) == d["space_bytes"]
	and all(a[1] == b[0] for s in [sorted((int(x["start"], 16), int(x["end"], 16))
		for x in d["regions"] + d["holes"])] for a, b in zip(s, s[1:]))'
ok "each page is in one state" json '
	all(sum(r["pages"].values()) * 4096 == r["bytes"] for r in d["regions"])'
ok "and the cells are the pages" json 'all(sum(r["cells"][s]) == r["pages"][s]
	for r in d["regions"] if "cells" in r for s in r["pages"])'
# A kernel that has no page of zeros for who only reads gives one of its own: "private", as smaps says.
sparse=$(awk '$1 == "sparse" { print substr($2, 3) }' "$WORK/made")
read=$(sed -n "/^$sparse-/,/^VmFlags/s/^Anonymous: *16 kB\$/private/p" "/proc/$program_pid/smaps")
read=${read:-zero}
ok "three written pages, one that was read, the others never touched" json "
	at('sparse')['pages'] == ({'private': 4, 'untouched': 16380} if '$read' == 'private' else
		{'private': 3, 'zero': 1, 'untouched': 16380}) and at('sparse')['kind'] == 'anonymous'"
ok "where they are" json "page('sparse', 0) == page('sparse', 100) == {'private', 'untouched'} and
	page('sparse', 200) == {'$read', 'untouched'} and page('sparse', 9999) == {'untouched'}"
ok "shared since the fork, but for what was written again" json '
	at("forked")["pages"] == {"private": 56, "forked": 200} and
	page("forked", 0) == {"private"} and page("forked", 255) == {"forked"}'
ok "locked" json 'at("locked")["locked_bytes"] == 8192 and d["totals"]["locked_bytes"] == 8192'
ok "shared memory, that the child maps but has not touched" json '
	at("memory")["kind"] == "shared_memory" and
	at("memory")["pages"] == {"private": 16, "untouched": 240}'
ok "a file" json 'at("file")["kind"] == "file" and at("file")["name"] == "'"$WORK"'/file" and
	at("file")["pages"] == {"private": 1, "untouched": 3}'
ok "a hole" json 'next(h for h in d["holes"] if int(h["start"], 16) >= made["hole"])["bytes"] == 8 << 20'
ok "what cannot be accessed" json '
	next(r for r in d["regions"] if int(r["end"], 16) == made["sparse"])["kind"] == "no_access"'
ok "the program's parts" json '{r.get("segment") for r in d["regions"] if r["kind"] == "program"} >=
	{"text", "read_only", "data"} and
	all(d["objects"][r["object"]]["path"].endswith("/map_made") for r in d["regions"]
		if r["kind"] == "program")'
# Its bss may have become one mapping with other memory.
ok "the C library's parts" json '{r.get("segment") for r in d["regions"] if r["kind"] == "library" and
	"libc.so" in d["objects"][r["object"]]["path"]} >= {"text", "read_only", "data"}'
ok "how many processes map it: this one, its child, and others" json 'next(o["processes"]
	for o in d["objects"] if "libc.so" in o["path"]) > 2 and
	next(o["processes"] for o in d["objects"] if o["path"].endswith("/map_made")) == 2'
ok "heap and stack, and the holes for them" json '
	sum(r["kind"] == "heap" for r in d["regions"]) == 1 and
	sum(r["kind"] == "stack" for r in d["regions"]) == 1 and
	[h["start"] for h in d["holes"] if "for_heap" in h] ==
		[r["end"] for r in d["regions"] if r["kind"] == "heap"] and
	[h["end"] for h in d["holes"] if "for_stack" in h] ==
		[r["start"] for r in d["regions"] if r["kind"] == "stack"]'
rss=$(awk '$1 == "Rss:" { print $2 * 1024 }' "/proc/$program_pid/smaps_rollup")
ok "resident is what the kernel says" json "d['totals']['resident_bytes'] == $rss"
ok "without pager and module it says what they would add" json '"the pager would add" in d["missing"]
	and (d["sources"]["module"] or "the module" in d["missing"])'

## The terminal

for width in 40 59 80 160; do
	COLUMNS=$width try "$UPAGER" map "$program_pid"
	is "map, $width columns" "$status" 0
	ok "no line is longer" test "$(wc -L <"$WORK/out")" -le "$width"
done
is "nothing but ASCII, no colour" "$(grep -c '[^ -~]' "$WORK/out")" 0
ok "three bars" test "$(grep -cE '^(reserved|resident|swapped) +[0-9.]+[BKMGT]' "$WORK/out")" -eq 3
ok "the hole with its size" shows '^ +: 8\.0M free$'
ok "the stack's" shows ': .* free: the stack grows down into it$'
ok "the region with its pages" shows '^ *[0-9a-f]+ anonymous +1\.0M +1\.0M [#]+=+$'
ok "locked" shows ' == +locked$'
ok "the library and its users" shows '^ *[0-9a-f]+ libc\.so\.6 +[0-9.]+M +[0-9.]+M [#=+.-]+ +[0-9]+$'
if [ "$(LC_ALL=C.UTF-8 locale charmap 2>/dev/null)" = UTF-8 ]; then
	LC_ALL=C.UTF-8 try "$UPAGER" map "$program_pid"
	ok "in UTF-8" shows '^ *[0-9a-f]+ anonymous +1\.0M +1\.0M (█)+(▓)+$'
fi
if command -v script >/dev/null; then
	script -qec "LC_ALL=C.UTF-8 TERM=xterm '$UPAGER' map $program_pid" /dev/null \
		</dev/null >"$WORK/out"
	ok "colour on a terminal" grep -q $'\033\\[0;38;5;' "$WORK/out"
	NO_COLOR=1 script -qec "TERM=xterm '$UPAGER' map $program_pid" /dev/null \
		</dev/null >"$WORK/out"
	ok "but for NO_COLOR" test -s "$WORK/out" -a "$(grep -c $'\033' "$WORK/out")" -eq 0
fi

## Files

try "$UPAGER" map --save "$WORK/a" --svg "$WORK/a.svg" --html "$WORK/a.html" "$program_pid"
is "map --save --svg --html" "$status" 0
is "says nothing" "$(cat "$WORK/out" "$WORK/err")" ""
"$UPAGER" map --json "$WORK/a" >"$WORK/out"
ok "what was saved comes back whole" cmp "$WORK/a" "$WORK/out"
ok "and makes the same pictures" "$UPAGER" map --svg "$WORK/b.svg" --html "$WORK/b.html" "$WORK/a"
ok "the drawing" cmp "$WORK/a.svg" "$WORK/b.svg"
ok "the page" cmp "$WORK/a.html" "$WORK/b.html"
ok "the drawing is XML" python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \
	"$WORK/a.svg"
start python3 -c 'import time
open("/proc/self/comm", "wb").write(b"a]]>b\xc2\x9b")
print(flush=True)
time.sleep(60)' >"$WORK/named"
wait_for 10 test -s "$WORK/named"
"$UPAGER" map --svg "$WORK/c.svg" "$started_pid"
ok "whatever the program calls itself" python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \
	"$WORK/c.svg"
is "of which a terminal obeys nothing" "$("$UPAGER" map "$started_pid" | grep -c "^a]]>b?? ")" 1
kill "$started_pid"
is "the page asks for nothing from elsewhere" \
	"$(grep -cE '(src|href)=|url\(|@import|https?:' "$WORK/a.html")" 0
"$UPAGER" map --svg - "$WORK/a" >"$WORK/out"
ok "a drawing on stdout" cmp "$WORK/a.svg" "$WORK/out"
ok "a file that cannot be made" refused 1 "cannot write $WORK/no/such" \
	"$UPAGER" map --html "$WORK/no/such" "$program_pid"
ok "a full disk" refused 1 "No space left" "$UPAGER" map --save /dev/full "$program_pid"

# damaged SED: a saved map that was changed so is refused.
damaged()
{
	sed -e "$1" "$WORK/a" >"$WORK/bad"
	! cmp -s "$WORK/a" "$WORK/bad" && refused 1 "is no saved map" "$UPAGER" map "$WORK/bad"
}
ok "a drawing is no saved map" refused 1 "is no saved map" "$UPAGER" map "$WORK/a.svg"
ok "half of one" damaged '200q'
ok "pages that are not there" damaged 's/"private": 56/"private": 57/'
ok "a cell too full" damaged '0,/^     1,$/s//     99999,/'
ok "another kind" damaged 's/"kind": "heap"/"kind": "head"/'
ok "an object that is not there" damaged 's/"object": 0/"object": 9999/'
ok "regions that overlap" damaged '0,/"start": "0x[0-9a-f]*"/s//"start": "0x7fffffffe000"/'
sed 's/"version": 1/"version": 2/' "$WORK/a" >"$WORK/bad"
ok "another version" refused 1 "another version" "$UPAGER" map "$WORK/bad"

## Differences

try "$UPAGER" map --diff "$WORK/a" "$program_pid"
is "map --diff with what has not changed" "$status" 0
is "says so" "$(cat "$WORK/out")" "nothing is different"
old=$WORK/a
ok "another process like it" made 2
"$UPAGER" map --save "$WORK/c" "$program_pid"
try "$UPAGER" map --diff "$old" "$WORK/c"
ok "has other addresses" shows '^ *[0-9a-f]+ +new .* map_made$'
exec {hold}>&-
wait_for 5 gone "$program_pid"
python3 - "$WORK/c" "$WORK/d" <<'END'
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
heap = next(r for r in d["regions"] if r["kind"] == "heap")
heap["end"] = hex(int(heap["end"], 16) + 8192)
heap["bytes"] += 8192
heap["pages"]["private"] = heap["pages"].get("private", 0) + 2
del heap["cells"]
stack = next(r for r in d["regions"] if r["kind"] == "stack")
d["regions"].remove(stack)
json.dump(d, open(sys.argv[2], "w", encoding="utf-8"))
END
try "$UPAGER" map --diff "$WORK/c" "$WORK/d"
ok "a heap that has grown" shows '^ *[0-9a-f]+ changed +\+8\.0K +\+8\.0K +- +- +- \[heap\]$'
ok "a mapping that is gone" shows '^ *[0-9a-f]+ gone +-132\.0K .* \[stack\]$'
try "$UPAGER" map --diff --json "$WORK/c" "$WORK/d"
ok "the same as JSON" json '[(c["is"], c["kind"], c["reserved_bytes"]) for c in d["changes"]] ==
	[("changed", "heap", 8192), ("gone", "stack", -132 << 10)] and
	d["all"]["reserved_bytes"] == 8192 - (132 << 10)'

## Watched until it ends

ok "a process to watch" made 3
start "$UPAGER" map --watch=0.1 "$program_pid" >"$WORK/watched" 2>"$WORK/err" {hold}>&-
sampler_pid=$started_pid
pictures()
{
	[ "$(grep -c '^reserved ' "$WORK/watched")" -ge 3 ]
}
ok "one picture after the other" wait_for 20 pictures

# fits LINES: each picture on a terminal of that height begins at its top, with what matters, and scrolls nothing.
fits()
{
	python3 - "$1" "$WORK/screen" <<-'END'
		import sys
		pictures = open(sys.argv[2], encoding="utf-8").read().split("\x1b[H")[1:]
		sys.exit(len(pictures) < 3 or any(p.count("\n") >= int(sys.argv[1]) or "(" not in p.split("\n")[0] or
			"\nreserved" not in p for p in pictures) or "nothing is different" not in pictures[1])
	END
}
if command -v script >/dev/null; then
	script -qec "stty rows 12 columns 80; timeout 3 '$UPAGER' map --watch=0.1 $program_pid" /dev/null \
		</dev/null >"$WORK/screen"
	ok "on a terminal one over the other" fits 12
fi
exec {hold}>&-
ok "until it ends" wait_for 10 gone "$sampler_pid"
wait "$sampler_pid"
is "which is no error" $? 0
sampler_pid=
ok "each says what is different" grep -q '^since the last picture: nothing is different' "$WORK/watched"

## Others' processes

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	cp "$UPAGER" "$RUN/upager" && chmod 755 "$RUN" "$RUN/upager"
	ok "somebody else's process" refused 1 "not yours to look into: run upager map as root" \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$RUN/upager" map $$
fi
done_testing
