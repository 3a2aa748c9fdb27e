#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# Threads and forked children do what programs do to their memory, at random, with several times
# their budget, while the budget changes and the program is filled, given back and taken again; every
# byte is compared with a model. In the last part the daemon is killed again and again, and another one
# takes over. UPAGER_TEST_SECONDS is for how long, UPAGER_TEST_SEED repeats a run.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root

DEFAULT_S=${UPAGER_TEST_QUICK:+18}
SECONDS_EACH=$((${UPAGER_TEST_SECONDS:-${DEFAULT_S:-60}} / 4))
[ "$SECONDS_EACH" -ge 1 ] || SECONDS_EACH=1
SEED=${UPAGER_TEST_SEED:-$RANDOM}
RANDOM=$SEED
BUDGET=4M

# random_start [PREFIX...]
random_start()
{
	start "$@" "$TARGETS/random_ops" "$SEED" "$SECONDS_EACH" 4 "$WORK/file" \
		>"$WORK/result" 2>"$WORK/said"
	program_pid=$started_pid
}

# random_ended WHAT
random_ended()
{
	wait "$program_pid"
	is "$1: every byte was right" "$?" 0
	program_pid=
	diag "$(cat "$WORK/result")"
	diag_file "$WORK/said"
}

# The highest that was seen of what has left all that are there: where that takes long, few pages leave the
# first of them.
evictions=0
look()
{
	local n

	n=$("$BUILD/upager" status --json | tr -d ' ",' | awk -F: '$1 == "evictions" { n += $2 } END { print n }')
	[ "${n:-0}" -le "$evictions" ] || evictions=$n
}

# What an administrator may do to a program. A detach may find it growing too fast for its memory.
disturb()
{
	local pid=$1

	# First pages have to leave, however long that takes on a slow machine.
	while alive "$pid" && [ "$evictions" -le 100 ]; do
		sleep 0.1
		look
	done
	rm "$WORK/file.more"
	while alive "$pid"; do
		case $((RANDOM % 8)) in
		0) "$BUILD/upager" populate "$pid" ;;
		1) "$BUILD/upager" detach "$pid" && "$BUILD/upager" attach --budget "$BUDGET" "$pid" ;;
		*) "$BUILD/upager" budget "$pid" $((4 + RANDOM % 8))M ;;
		esac
		sleep 0.$((RANDOM % 10))
		look
	done >/dev/null 2>&1
}

diag "seed $SEED, $SECONDS_EACH s each: UPAGER_TEST_SEED=$SEED repeats it"
random_start
random_ended "without the pager"
for disable in none move; do
	[ $disable = none ] || export UPAGER_DISABLE=$disable
	ok "without $disable: daemon starts" daemon_start 1G
	touch "$WORK/file.more"
	random_start "$BUILD/upager" run --budget $BUDGET --
	ok "without $disable: the program runs" wait_for 10 pgrep -g "$program_pid" -x random_ops
	disturb "$(pgrep -g "$program_pid" -o -x random_ops)"
	random_ended "without $disable"
	ok "without $disable: pages left the program" [ "$evictions" -gt 100 ]
	diag "evictions $evictions"
	evictions=0
	ok "without $disable: daemon stops with exit status 0" daemon_stop
	diag_file "$WORK/upagerd.log"
	rm -f "$WORK/area"
done

# Kills the daemon while the program runs; how often, in $kills.
kill_and_start()
{
	kills=0
	while alive "$1"; do
		sleep 0.$((RANDOM % 10))
		daemon_kill
		kills=$((kills + 1))
		daemon_start_again || return 1
	done
}

unset UPAGER_DISABLE
ok "to be killed: daemon starts" daemon_start 1G
random_start "$BUILD/upager" run --budget $BUDGET --
ok "to be killed: the program runs" wait_for 10 pgrep -g "$program_pid" -x random_ops
ok "to be killed: each time another daemon takes over" \
	kill_and_start "$(pgrep -g "$program_pid" -o -x random_ops)"
random_ended "to be killed"
ok "to be killed: more than once" [ "$kills" -gt 1 ]
diag "kills $kills"
ok "to be killed: daemon stops with exit status 0" daemon_stop
diag_file "$WORK/upagerd.log"
done_testing
