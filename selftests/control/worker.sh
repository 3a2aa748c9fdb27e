# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Programs of targets/ that are told by their standard input what to do; sourced after refusal.sh.

WORKER_PAGES=4096
# Set by run_target.
paged_pid='' plain_pid=''
others=

# Before the clean-up of lib.sh, which removes the files below all this.
release()
{
	local pid

	for pid in $others; do
		if is_ours "$pid"; then
			kill -KILL -- "-$pid"
			wait "$pid" 2>/dev/null
		fi
	done
	others=
}
trap 'release; cleanup' EXIT

# start_other COMMAND [ARG]...: like start(), and ended at the end at the latest.
start_other()
{
	start "$@"
	others="$others $started_pid"
}

# run_target NAME PROGRAM [ARG]...: in the background; its input is the descriptor NAME_in, its
# output $WORK/NAME.out, its process NAME_pid.
run_target()
{
	local name=$1 program=$2 fd

	shift 2
	mkfifo "$WORK/$name.in"
	# For reading too, or each side would wait for the other one's open.
	exec {fd}<>"$WORK/$name.in"
	start_other "$TARGETS/$program" "$@" <&"$fd" >"$WORK/$name.out" 2>"$WORK/$name.err" {fd}<&-
	declare -g "${name}_pid=$started_pid" "${name}_in=$fd"
}

# A worker: it knows what its memory must hold.
run_worker()
{
	run_target "$1" attach_worker "$WORKER_PAGES" "${2:-2}"
	wait_for 20 grep -q ready "$WORK/$1.out"
}

has_answered()
{
	[ "$(wc -l <"$WORK/$1.out")" -gt "$2" ]
}

# ask NAME COMMAND: prints the answer.
ask()
{
	local name=$1 fd=$1_in before

	before=$(wc -l <"$WORK/$name.out")
	echo "$2" >&"${!fd}"
	wait_for 30 has_answered "$name" "$before" && tail -n 1 "$WORK/$name.out"
}

has_moved_on()
{
	[ "$(ask "$1" ops)" -gt "$2" ]
}

# working NAME: it goes on.
working()
{
	local ops

	ops=$(ask "$1" ops) && wait_for 20 has_moved_on "$1" "$ops"
}

# ends_well NAME: it has checked everything and exits 0.
ends_well()
{
	local pid=$1_pid fd=$1_in

	echo end >&"${!fd}"
	wait_for 30 gone "${!pid}" || return 1
	wait "${!pid}"
}

# paged_well: the worker that is paged goes on.
paged_well()
{
	working paged && "$UPAGER" status "$paged_pid" >/dev/null
}

# workers_begin: a daemon, a worker named paged that has a budget, and one named plain.  Descriptors
# that the daemon opens and closes by itself would look like traces of an attach.
workers_begin()
{
	ok "daemon starts" daemon_start 64M --hold-latency no
	[ "$tap_failed" -eq 0 ] || done_testing
	run_worker paged
	"$UPAGER" attach --budget 4M "$paged_pid" >"$WORK/out" || diag_file "$WORK/out"
	run_worker plain
	ok "a paged program works" paged_well
}

# workers_end: nothing was lost.
workers_end()
{
	try "$UPAGER" detach "$paged_pid"
	is "the paged program is detached" "$status" 0
	ok "it holds what it wrote" ends_well paged
	ok "so does the other one" ends_well plain
	ok "daemon stops with exit status 0" daemon_stop
}
