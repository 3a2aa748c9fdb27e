# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Commands that must be refused, and leave the process that was meant as it was; sourced after
# lib.sh.

UPAGER=$BUILD/upager
UPAGERD=$BUILD/upagerd

# try COMMAND [ARG]...: sets status, and leaves its output in $WORK/out and $WORK/err.
try()
{
	timeout -k 5 $((30 * ${UPAGER_TEST_TIME_FACTOR:-1})) "$@" >"$WORK/out" 2>"$WORK/err"
	status=$?
}

# refused STATUS TEXT COMMAND [ARG]...: nothing on stdout, one line that holds TEXT on stderr.
refused()
{
	local want=$1 text=$2

	shift 2
	try "$@"
	[ "$status" -eq "$want" ] && [ ! -s "$WORK/out" ] && [ "$(wc -l <"$WORK/err")" -eq 1 ] &&
		grep -qE '^upagerd?: .*' "$WORK/err" && grep -qF -- "$text" "$WORK/err" && return
	diag "${*##*/}: exit status $status, wanted $want and '$text'"
	diag_file "$WORK/out"
	diag_file "$WORK/err"
	return 1
}

# What must not change: mappings, descriptors, threads, signals, tracer, filters.
traces()
{
	cat "/proc/$1/maps"
	find "/proc/$1/fd" -type l -printf '%f -> %l\n' | sort
	ls "/proc/$1/task"
	cat "/proc/$1/task/"*/children
	grep -E '^(Threads|SigPnd|SigBlk|SigIgn|SigCgt|ShdPnd|Cap|NoNewPrivs|Seccomp|TracerPid|VmLck)' "/proc/$1/status"
	grep -E '^VmFlags:.* (um|uw) ' "/proc/$1/smaps"
}

# untouched PID STATUS TEXT COMMAND...: refused, and the process is as it was.
untouched()
{
	local pid=$1

	shift
	traces "$pid" >"$WORK/before" 2>&1
	refused "$@" || return 1
	traces "$pid" >"$WORK/after" 2>&1
	[ -s "$WORK/before" ] && diff "$WORK/before" "$WORK/after" >"$WORK/diff" && alive "$pid" && return
	diag_file "$WORK/diff"
	return 1
}
