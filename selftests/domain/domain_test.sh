#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 240
#
# --per-user: each user's programs have a pager of their own; what becomes of it stops nobody else's,
# and root, who may ask for all, notices nothing of where they are.

# What eval gets is in single quotes; the worker named root has root_pid.
# shellcheck disable=SC2016,SC2154

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/control/worker.sh
. "${0%/*}/../control/worker.sh"

need_root
need setpriv /usr/bin/python3

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

begin()
{
	daemon_start "$1" --hold-latency no --per-user yes "${@:2}" || return 1
	chmod 711 "$RUN"
	chmod 666 "$UPAGER_SOCKET"
}

begin_again()
{
	daemon_start_again --hold-latency no --per-user yes && chmod 666 "$UPAGER_SOCKET"
}

# The process that has nobody's programs, by what root is told in the log.
pager_of_nobody()
{
	sed -nE 's/^.*process ([0-9]+) pages the programs of user 65534$/\1/p' "$WORK/upagerd.log" | tail -n 1
}

# A worker of nobody's.
run_user_worker()
{
	mkfifo "$WORK/user.in"
	exec {user_in}<>"$WORK/user.in"
	start_other "${nobody[@]}" "$TARGETS/attach_worker" "$WORKER_PAGES" 2 <&"$user_in" \
		>"$WORK/user.out" 2>"$WORK/user.err" {user_in}<&-
	user_pid=$started_pid
	wait_for 20 grep -q ready "$WORK/user.out"
}

# is_paged PID [COMMAND...]: by whoever asks.
is_paged()
{
	local pid=$1

	shift
	"$@" "$UPAGER" status --json "$pid" >"$WORK/status" 2>&1 && grep -q '"state": *"paged"' "$WORK/status"
}

nr_told()
{
	"$@" timeout 30 "$UPAGER" status --json 2>"$WORK/err" | grep -o '"weight"' | wc -l
}

another_pager()
{
	local pager

	pager=$(pager_of_nobody)
	[ "$pager" != "$1" ] && alive "$pager"
}

chmod 755 "$WORK"
ok "daemon starts" begin 128M
[ "$tap_failed" -eq 0 ] || done_testing
is "nobody has a pager before he connects" "$(pager_of_nobody)" ""
run_worker root
run_user_worker
try "$UPAGER" attach --budget 4M "$root_pid"
try "${nobody[@]}" "$UPAGER" attach --budget 4M "$user_pid"
is "nobody has his program paged" "$status" 0
pager=$(pager_of_nobody)
ok "by a process of its own" alive "$pager"
ok "both work" eval 'working root && working user'
ok "both are paged" eval 'wait_for 20 is_paged "$root_pid" && wait_for 20 is_paged "$user_pid"'
is "root is told of both" "$(nr_told)" 2
is "nobody of his own" "$(nr_told "${nobody[@]}")" 1
ok "nobody may not ask for root's" refused 1 "is not yours" "${nobody[@]}" "$UPAGER" budget "$root_pid" 8M
ok "the pager itself is not paged" refused 1 "is the pager itself" "$UPAGER" attach --budget 8M "$pager"
try "$UPAGER" budget "$user_pid" 8M
is "root may set the budget of nobody's program" "$status" 0
ok "which counts" eval '"${nobody[@]}" "$UPAGER" status "$user_pid" | grep -q " 8\.0M "'
try "$UPAGER" populate "$user_pid"
is "root may populate it" "$status" 0
try "$UPAGER" budget "$user_pid" 4M
ok "areas stay" refused 1 "restart upagerd" "$UPAGER" swapoff "$WORK/area"

# Stopped, it is as if the kernel held it for ever.
kill -STOP "$pager"
ok "root's program works beside a pager of nobody's that hangs" working root
is "root is told of his own, and in time" "$(nr_told)" 1
ok "and of who is silent" eval '"$UPAGER" status 2>&1 >/dev/null | grep -q "65534"'
run_worker late
try "$UPAGER" attach --budget 4M "$late_pid"
is "root may attach others" "$status" 0
ok "they work" eval 'working late && working root'
kill -CONT "$pager"
ok "nobody's program goes on" working user

kill -KILL "$pager"
ok "a pager that dies has a successor" wait_for 20 another_pager "$pager"
ok "with nobody's program" eval 'working user && wait_for 20 is_paged "$user_pid"'
ok "root's has noticed nothing" working root

pager=$(pager_of_nobody)
daemon_kill
ok "without --per-user nobody's program is not forgotten" refused 1 "per-user yes" "$UPAGERD" \
	--swap "$WORK/area" --socket "$RUN/other" --state "$RUN/state"
ok "it ends with the first one" wait_for 20 gone "$pager"
ok "which is started again" begin_again
ok "and so is that of nobody" wait_for 20 another_pager "$pager"
ok "all go on" eval 'working root && working late && working user'
is "root is told of all" "$(nr_told)" 3

try "$UPAGER" detach "$user_pid"
is "root may detach nobody's program" "$status" 0
ok "it holds what it wrote" ends_well user
ok "so does root's" ends_well root
ok "daemon stops with exit status 0" daemon_stop
ok "the program that was paged then holds what it wrote" ends_well late
ok "no keeper is left" test -z "$(pgrep -f "$RUN/state")"

# One user has half of an area at most, and who fills it fills his own.
rm "$WORK/area"
ok "daemon starts" begin 64M --user-area 25 --when-full wait
cat >"$RUN/fill.py" <<-'END'
	import sys, time
	pages = []
	for i in range(int(sys.argv[1]) * 16):
	    pages.append(bytearray(i.to_bytes(4, "little") * 16384))
	    time.sleep(0 if i % 16 else 0.05)
	for _ in range(2):
	    for i, page in enumerate(pages):
	        assert page == i.to_bytes(4, "little") * 16384, i
	print("right")
END
chmod 644 "$RUN/fill.py"
start_other "${nobody[@]}" "$UPAGER" run --budget 8M -- /usr/bin/python3 "$RUN/fill.py" 120 >"$WORK/full.out" 2>&1
ok "nobody's program fills his part" wait_for 30 grep -q "are full" "$WORK/upagerd.log"
[ "$tap_failed" -eq 0 ] || diag_file "$WORK/full.out"
ok "root's has the rest" eval '"$UPAGER" run --budget 8M -- /usr/bin/python3 "$RUN/fill.py" 36 | grep -q right'
release
ok "daemon stops with exit status 0" daemon_stop

ok "a limit cannot be divided" refused 2 "per-user and limit" "$UPAGERD" --swap "$WORK/area" --per-user yes --limit 1G
done_testing
