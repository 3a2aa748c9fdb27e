#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upager stat -- CMD: final counts of a program and its children, by whoever starts it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3 setpriv
[ -e /proc/upager ] || skip_all "the module upager is not loaded"

json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1" \
		<"$WORK/out"
}

# 5 MB that are the parent's and the child's, of which the child writes 1000 pages.
cat >"$WORK/forks.py" <<'END'
import mmap, os
area = mmap.mmap(-1, 1200 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(1200):
    area[i * 4096] = 1
pid = os.fork()
if not pid:
    for i in range(1000):
        area[i * 4096] = 2
    os._exit(0)
os.waitpid(pid, 0)
END

try "$UPAGER" stat --json --children -- python3 "$WORK/forks.py"
is "it ends well" "$status" 0
ok "two processes, one run" json 'd["processes"] == 2 and d["runs"] == 1 and d["exit_status"] == 0'
ok "a fork, and what the child copied" json 'd["cow"]["forks"] == 1 and
	1000 <= d["cow"]["copies"] < 3000'
ok "per child: who ended first is first" json '[c["forks"] for c in d["children"]] == [0, 1] and
	d["children"][0]["copies"] >= 1000 and
	sum(c["copies"] for c in d["children"]) == d["cow"]["copies"]'
ok "where" json 'max(d["places"], key=lambda p: p["place_copies"])["place_name"] == "[anon]" and
	sum(p["place_bytes"] for p in d["places"]) == d["cow"]["bytes_copied"]'

try "$UPAGER" stat -- python3 "$WORK/forks.py"
ok "for people" grep -qE '^ +copies +1[0-9]{3} +writes that copied' "$WORK/out"
ok "with places" grep -qE '^ +1[0-9]{3} .*\[anon\]$' "$WORK/out"

try "$UPAGER" stat --repeat 3 --json -- sh -c 'exit 7'
is "the program's own exit status" "$status" 7
ok "three runs and their medians" json 'd["runs"] == 3 and len(d["each_run"]) == 3 and
	sorted(r["copies"] for r in d["each_run"])[1] == d["cow"]["copies"]'
try "$UPAGER" stat -- /nonexistent
is "a program that is not there" "$status" 127
try "$UPAGER" stat --output "$WORK/counts" -- echo said
is "what it prints is its own" "$(cat "$WORK/out")" said
ok "with --output" grep -q copies "$WORK/counts"
try "$UPAGER" stat -- "$UPAGER" stat -- true
ok "one in another is refused" grep -q "only the outer counts" "$WORK/err"
ok "no run without a program" refused 2 "a program is missing" "$UPAGER" stat --repeat 2 1
ok "a number" refused 2 "from 1 to" "$UPAGER" stat --repeat x -- true

# More children than a user may track at once, one after another.
# shellcheck disable=SC2016
many='i=0; while [ $i -lt 400 ]; do (:); i=$((i + 1)); done'
try setpriv --reuid 65534 --regid 65534 --clear-groups "$UPAGER" stat --json -- sh -c "$many"
is "a user without privileges" "$status" 0
ok "all children of whom are counted" json 'd["processes"] == 401 and
	d["cow"]["children_lost"] == 0 and d["cow"]["forks"] == 400'
done_testing
