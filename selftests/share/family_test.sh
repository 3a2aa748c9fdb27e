#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 240
#
# Budgets of several processes: one for a family, whoever of it ends first; one for each child
# otherwise; a part of the daemon's limit for everybody. What children are followed does not depend on
# how they are made, or on whether the kernel tells of it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root

MIB=$((1 << 20))
# shellcheck disable=SC2034 # lib.sh reads it
sample_sum=1
KNOWN=$TARGETS/known_static

# field KEY: of every process, "pid value" lines.
field()
{
	"$BUILD/upager" status --json | python3 -c '
import json, sys
for p in json.load(sys.stdin)["processes"]:
    print(p["pid"], p[sys.argv[1]], p["comm"])' "$1"
}

# evicted NUMBER: so many processes called known_static have had pages evicted.
evicted()
{
	[ "$(field evictions | awk '$3 == "known_static" && $2 > 100' | wc -l)" -ge "$1" ]
}

# shares_between LOW HIGH: of every known_static, in bytes.
shares_between()
{
	field share_bytes | awk -v low="$1" -v high="$2" '
		$3 == "known_static" { n++; bad += $2 < low || $2 > high }
		END { exit !n || bad }'
}

sum_resident()
{
	field resident_bytes | awk '{ n += $2 } END { print n + 0 }'
}

resident_at_most()
{
	[ "$(sum_resident)" -le "$1" ]
}

# start_tree OPTION... -- SCRIPT: sh under the pager. What it starts reads descriptor 4, which
# finish_tree ends, and writes to $WORK/result.
start_tree()
{
	local script

	script=${*: -1}
	rm -f "$WORK/go" "$WORK/result"
	mkfifo "$WORK/go"
	exec 3<>"$WORK/go"
	# shellcheck disable=SC2016 # the inner shell's
	start "$BUILD/upager" run "${@:1:$#-2}" -- sh -c "$script" sh "$KNOWN" \
		4<"$WORK/go" >"$WORK/result" 3>&-
	program_pid=$started_pid
}

all_right()
{
	[ "$(wc -l <"$WORK/result")" -eq "$1" ] && ! grep -qvx "0 words wrong" "$WORK/result"
}

# finish_tree NAME NUMBER: of programs that have to tell what they found.
finish_tree()
{
	exec 3>&-
	wait "$program_pid"
	is "$1: the shell exits 0" "$?" 0
	program_pid=
	ok "$1: everybody read what he wrote" wait_for 20 all_right "$2"
}

family_shares_one_budget()
{
	local family

	# shellcheck disable=SC2016
	start_tree --budget 32M --family -- \
		'"$1" 24 2 <&4 & "$1" 24 2 <&4 & env "$1" 24 2 <&4 & ("$1" 24 2 <&4) & wait'
	sample_start "$program_pid" $((32 * MIB)) 3>&-
	sample_budget=$((32 * MIB))
	ok "$1: pages of all four leave" wait_for 60 evicted 4
	family=$(field family | awk '$3 == "known_static" { print $2 }' | sort -u)
	is "$1: they are of the shell's family" "$family" "$(pgrep -P "$program_pid")"
	is "$1: its budget is told" \
		"$(field budget_bytes | awk '$3 == "known_static" { print $2 }' | sort -u)" $((32 * MIB))
	ok "$1: each has a part" wait_for 20 shares_between $((5 * MIB)) $((11 * MIB))
	try "$BUILD/upager" budget "$family" 16M
	ok "$1: a smaller budget is one for all" wait_for 30 resident_at_most $((17 * MIB + MIB / 2))
	try "$BUILD/upager" budget "$family" 128M
	ok "$1: a larger one lets them be" wait_for 30 shares_between $((24 * MIB)) $((128 * MIB))
	finish_tree "$1" 4
	sample_end
}

# Of one budget the sum is within; what was granted later is above.
stays_within()
{
	# shellcheck disable=SC2016
	start_tree --budget 24M --family -- \
		'for i in 1 2 3; do "$1" 24 2 <&4 & done; wait'
	sample_start "$program_pid" $((24 * MIB)) 3>&-
	sample_budget=$((24 * MIB))
	ok "$1: pages of all three leave" wait_for 60 evicted 3
	sleep 1
	finish_tree "$1" 3
	sample_end
	diag "$1: at most $(sample_get max_bytes) bytes, over for $(sample_get over_longest_ms) ms"
	ok "$1: together they stay within budget" sample_within_budget
}

# The shell that was named, and the one between, end at once.
outlives_its_leader()
{
	# shellcheck disable=SC2016
	start_tree --budget 16M --family -- \
		'sh -c "\"$1\" 24 2 <&4 & \"$1\" 24 2 <&4 &" sh "$1"'
	wait "$program_pid"
	is "$1: the shell has ended" "$?" 0
	ok "$1: pages of both leave" wait_for 60 evicted 2
	is "$1: they are still of one family" "$(field family | awk '$2 { print $2 }' | sort -u | wc -l)" 1
	ok "$1: together they stay within budget" wait_for 20 resident_at_most $((18 * MIB))
	program_pid=
	exec 3>&-
	ok "$1: both read what they wrote" wait_for 60 all_right 2
}

each_child_has_its_own()
{
	# By vfork; and one that executes something else itself.
	cat >"$WORK/spawn.py" <<-'END'
		import os, subprocess, sys
		child = subprocess.Popen([sys.argv[1], "24", "2"])
		if not os.fork():
		    os.execv(sys.argv[1], [sys.argv[1], "24", "2"])
		bad = child.wait() or os.wait()[1]
		sys.exit(bad != 0)
	END
	# shellcheck disable=SC2016
	start_tree --budget 8M -- "exec python3 '$WORK/spawn.py' \"\$1\" <&4"
	ok "$1: pages of both leave" wait_for 60 evicted 2
	is "$1: they are of no family" "$(field family | awk '{ print $2 }' | sort -u)" 0
	ok "$1: each has the whole" shares_between $((8 * MIB)) $((8 * MIB))
	finish_tree "$1" 2
}

# What runs already is taken in, too.
attached_family()
{
	rm -f "$WORK/go" "$WORK/result"
	mkfifo "$WORK/go"
	exec 3<>"$WORK/go"
	# shellcheck disable=SC2016
	start sh -c '"$1" 24 2 <&4 & "$1" 24 2 <&4 & wait' sh "$KNOWN" 4<"$WORK/go" \
		>"$WORK/result" 3>&-
	program_pid=$started_pid
	wait_for 10 pgrep -P "$program_pid" -x known_static
	try "$BUILD/upager" attach --family --budget 16M "$program_pid"
	is "$1: attached" "$status" 0
	ok "$1: pages of both leave" wait_for 60 evicted 2
	ok "$1: together they stay within budget" wait_for 20 resident_at_most $((18 * MIB))
	finish_tree "$1" 2
}

limit_is_divided()
{
	# shellcheck disable=SC2016
	start_tree --budget 64M -- '"$1" 32 2 <&4 & "$1" 32 2 <&4 & wait'
	ok "$1: pages of both leave" wait_for 60 evicted 2
	ok "$1: each has half of it" wait_for 20 shares_between $((13 * MIB)) $((17 * MIB))
	ok "$1: together they stay within" wait_for 20 resident_at_most $((35 * MIB))
	try "$BUILD/upager" budget --weight 300 "$(field pid | awk '$3 == "known_static" { print $1; exit }')"
	heavy_one()
	{
		field share_bytes | awk -v mib="$MIB" '$3 == "known_static" {
			big += $2 >= 20 * mib && $2 <= 26 * mib; small += $2 >= 5 * mib && $2 <= 11 * mib }
			END { exit !(big == 1 && small == 1) }'
	}
	ok "$1: three times the weight gets three times as much" wait_for 20 heavy_one
	finish_tree "$1" 2
}

try()
{
	"$@" >"$WORK/out" 2>&1
	status=$?
	[ "$status" -eq 0 ] || diag_file "$WORK/out"
}

# Regression: agents of forked children were followed like children, and had parts of the budget.
agents_are_no_children()
{
	local seen=0

	start "$BUILD/upager" run --budget 4M --family -- "$TARGETS/random_ops" 1 4 4 "$WORK/random" \
		>"$WORK/result" 2>&1
	program_pid=$started_pid
	while alive "$program_pid"; do
		seen=$((seen + $("$BUILD/upager" status | grep -c upager-agent)))
		sleep 0.05
	done
	wait "$program_pid"
	is "$1: every byte was right" "$?" 0
	program_pid=
	is "$1: none is taken for a child" "$seen" 0
}

ok "daemon starts" daemon_start 256M
family_shares_one_budget "family"
stays_within "within"
outlives_its_leader "orphans"
each_child_has_its_own "children"
attached_family "attached"
agents_are_no_children "agents"
ok "daemon stops with exit status 0" daemon_stop

rm -f "$WORK/area"
export UPAGER_DISABLE=connector
ok "without the connector: daemon starts" daemon_start 256M
each_child_has_its_own "children by looking"
attached_family "attached by looking"
ok "without the connector: daemon stops with exit status 0" daemon_stop

rm -f "$WORK/area"
unset UPAGER_DISABLE
ok "with a limit: daemon starts" daemon_start 256M --limit 32M
limit_is_divided "limit"
ok "with a limit: daemon stops with exit status 0" daemon_stop
done_testing
