#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upager stat: without the module, and with a file in its place that answers as told.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3

# json EXPRESSION: of what was printed, as d.
json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1" \
		<"$WORK/out"
}

# shows REGEX: there is such a line.
shows()
{
	grep -qE -- "$1" "$WORK/out" || {
		diag_file "$WORK/out"
		return 1
	}
}

## Usage

try "$UPAGER" stat --help
is "stat --help" "$status" 0
ok "is about it" shows '^Usage: upager stat PID'
ok "an unknown option" refused 2 "--frobnicate" "$UPAGER" stat --frobnicate 1
ok "no process" refused 2 "missing" "$UPAGER" stat --json
ok "two processes" refused 2 "'2' is one" "$UPAGER" stat 1 2
for pid in 0 -1 4294967297 ''; do
	ok "'$pid' is no process id" refused 2 "no process id" "$UPAGER" stat -- "$pid"
done
ok "nor is 1x" refused 2 "no process id" "$UPAGER" stat 1x

## No module: what /proc tells

if [ ! -e /proc/upager ]; then
	start sleep 1000
	program_pid=$started_pid
	wait_for 10 grep -q libc "/proc/$program_pid/maps"
	try "$UPAGER" stat --json "$program_pid"
	is "no module: holes and libraries all the same" "$status" 0
	ok "by /proc" json 'd["module"] == 0 and d["comm"] == "sleep" and d["tracked"] == 0'
	ok "holes and mappings are the addresses" json 'd["holes"]["holes_bytes"] +
		d["holes"]["mapped_bytes"] == d["holes"]["space_bytes"] == (1 << 47) - 4096 and
		sum(h["hole_bytes"] for h in d["holes"]["list"]) == d["holes"]["holes_bytes"] and
		len(d["holes"]["list"]) == d["holes"]["holes_count"]'
	mapped=$(awk '/vsyscall/ { next } { split($1, a, "-"); print a[1], a[2] }' \
		"/proc/$program_pid/maps" |
		python3 -c 'import sys; print(sum(int(b, 16) - int(a, 16) for a, b in map(str.split, sys.stdin)))')
	ok "as /proc/PID/maps has them" json "d['holes']['mapped_bytes'] == $mapped"
	ok "the holes for heap and stack" json '{"heap", "stack"} <=
		{r for h in d["holes"]["list"] for r in h.get("hole_role", "").split(",")} and
		d["holes"]["heap_hole_bytes"] > 1 << 30 and d["holes"]["stack_hole_bytes"] > 1 << 30'
	libc=$(awk '/libc\.so/ { print $6; exit }' "/proc/$program_pid/maps")
	users=$(grep -l -F " $libc" /proc/[0-9]*/maps 2>/dev/null | wc -l)
	ok "the C library, with about $users users" json "abs(next(o['object_processes'] for o in
		d['libs']['list'] if o['object_path'] == '$libc') - $users) <= $users / 2"
	ok "and its segments" json 'all(o["text_bytes"] and o["data_bytes"] for o in d["libs"]["list"]
		if "libc.so" in o["object_path"])'
	ok "what is shared now, and nothing that it cannot know" json 'list(d["cow"]) == ["shared_now_pages"]'
	try "$UPAGER" stat "$program_pid"
	is "the same for people" "$status" 0
	ok "says what it is by" shows '^process [0-9]+ \(sleep\), by /proc alone$'
	ok "and what is missing" shows '^the module upager is not loaded: it would add copies'
	end_group "$program_pid"
	ok "a process that is gone" refused 1 "no process $program_pid" "$UPAGER" stat "$program_pid"
	program_pid=
	try "$UPAGER" doctor --json
	ok "doctor says what it costs" json 'any(c["name"] == "kernel module" and
		c["result"] == "missing" and "upager stat" in c["cost"] for c in d["checks"])'
	ok "and nothing of its features" json 'not any(c["name"] == "module copies" for c in d["checks"])'
fi

## A file in its place: the pid that is written covers the first line of what is read.

if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>"$WORK/err"; then
	diag "only root can put a file in the module's place: the rest is left out"
	done_testing
fi
mkdir "$WORK/proc" "$WORK/proc/upager"
QUERY=$WORK/proc/upager/query

# module_says REPORT: what it answers to a question about process 4242.
module_says()
{
	printf '....\n%b' "$1" >"$QUERY"
}

# IN_PLACE COMMAND [ARG]...: with $WORK/proc over /proc.
IN_PLACE=$WORK/in_place
cat >"$IN_PLACE" <<END
#!/bin/sh
exec unshare --mount sh -c 'mount --bind "$WORK/proc" /proc && exec "\$@"' sh "\$@"
END
chmod +x "$IN_PLACE"

HEAD='version 1\npid 4242\ncomm redis-server\ntracked 1\n'

{
	cat <<-'END'
		....
		version 1
		pid 4242
		comm redis-server
		tracked 1
		holes_count 12
		holes_bytes 140737102278656
		largest_hole_bytes 46912496107520
		heap_hole_bytes 1048576
		stack_hole_bytes 2097152
		mapped_bytes 1073741824
		space_bytes 140737488351232
		window_bytes 140737488351232
		window_mapped_bytes 1073741824
		new_ppm 7
	END
	for hole in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf '%s\n' "hole $hole" "hole_start 0x${hole}000" "hole_end 0x${hole}fff" \
			"hole_bytes $((hole * 7 % 13 * 1048576))" "hole_below lib$hole" \
			'hole_above a\012b\134c'
	done
	cat <<-'END'
		hole_role heap,stack
		libs_count 2
		libs_mapped_bytes 4096
		object 1
		object_path /usr/bin/redis-server
		object_start 0x555555554000
		text_bytes 1048576
		object_processes 1
		object 2
		object_path /usr/lib/odd \134 name\012
		object_processes 77
		shared_now_pages 1189
		maybe_shared_pages 1192
		copies 300
		bytes_copied 1228800
		forks 3
		budget_bytes 67108864
		faults 18446744073709551615
		reported_age_ms 250
	END
} >"$QUERY"

try "$IN_PLACE" "$UPAGER" stat --json 4242
is "stat --json" "$status" 0
ok "the process" json '(d["pid"], d["comm"], d["tracked"]) == (4242, "redis-server", 1)'
ok "holes" json 'd["holes"]["holes_count"] == 12 and len(d["holes"]["list"]) == 12 and
	d["holes"]["list"][0] == {"hole": 1, "hole_start": "0x1000", "hole_end": "0x1fff",
		"hole_bytes": 7 << 20, "hole_below": "lib1", "hole_above": "a\nb\\c"} and
	d["holes"]["list"][11]["hole_role"] == "heap,stack"'
ok "libraries" json 'd["libs"]["libs_count"] == 2 and
	[o["object_path"] for o in d["libs"]["list"]] ==
		["/usr/bin/redis-server", "/usr/lib/odd \\ name\n"] and
	d["libs"]["list"][0]["object_start"] == "0x555555554000" and
	d["libs"]["list"][1]["object_processes"] == 77'
ok "copy-on-write" json 'd["cow"] == {"shared_now_pages": 1189, "maybe_shared_pages": 1192,
	"copies": 300, "bytes_copied": 1228800, "forks": 3}'
ok "paging" json 'd["paging"]["budget_bytes"] == 64 << 20 and d["paging"]["faults"] == 2**63-1'
ok "a key that is not known passes" json 'd["holes"]["new_ppm"] == 7'

try "$IN_PLACE" "$UPAGER" stat 4242
is "stat" "$status" 0
ok "the process" shows '^process 4242 \(redis-server\), tracked$'
ok "sums" shows '^ +largest +42\.7T '
ok "the part of the addresses that is used" shows '^ +used +0\.0008% .* 47 bits'
is "the ten largest holes, in order" \
	"$(awk '$2 ~ /M$/ && $3 ~ /^0x/ { printf "%s ", $2 }' "$WORK/out")" \
	"12.0M 11.0M 10.0M 9.0M 8.0M 7.0M 6.0M 5.0M 4.0M 3.0M "
ok "and that there are more" shows '^the 10 largest of 12; --json has all$'
ok "objects" shows '^ +1 +1\.0M .* 1 /usr/bin/redis-server$'
ok "names cannot act on the terminal" shows ' 77 /usr/lib/odd \\ name\?$'
is "no control character" "$(grep -c '[[:cntrl:]]' "$WORK/out")" 0
ok "copies" shows '^ +copies +300 '
ok "paging" shows '^ +budget +64\.0M '

module_says "${HEAD/tracked 1/tracked 0}shared_now_pages 0\n"
try "$IN_PLACE" "$UPAGER" stat 4242
ok "of a process that is not tracked" shows '^process 4242 .* not tracked'
module_says "${HEAD}shared_now_pages 0\nversion 1\nreported 0\n"
try "$IN_PLACE" "$UPAGER" stat --json 4242
ok "nothing reported" json 'd["paging"] == {"reported": 0}'
module_says "${HEAD}copies 3"
ok "a report that is cut off" refused 1 "not whole" "$IN_PLACE" "$UPAGER" stat 4242
module_says "copies 3\n"
ok "no report at all" refused 1 "not whole" "$IN_PLACE" "$UPAGER" stat --json 4242
module_says "version 2\npid 4242\n"
ok "another version" refused 1 "another version" "$IN_PLACE" "$UPAGER" stat 4242
rm "$QUERY"
ok "no file, nor such a process" refused 1 "no process 4242" "$IN_PLACE" "$UPAGER" stat 4242
mkdir "$QUERY"
ok "no file that can be asked" refused 1 "Is a directory" "$IN_PLACE" "$UPAGER" stat 4242
done_testing
