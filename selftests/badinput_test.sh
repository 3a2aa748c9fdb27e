#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
#
# Bad input: each gets one line that names cause and remedy and the exit status of the contract; the
# process that was meant is as it was and goes on, and nothing that is paged meanwhile is lost.

# shellcheck source=selftests/lib.sh
. "${0%/*}/lib.sh"

need_root
need /usr/bin/python3 setpriv mount

UPAGER=$BUILD/upager
UPAGERD=$BUILD/upagerd
PAGES=4096
others=
# Set by run_target.
paged_pid='' plain_pid='' strict_pid='' reaper_pid='' full_pid=''

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
	umount "$WORK/small" 2>/dev/null
}
trap 'release; cleanup' EXIT

# try COMMAND [ARG]...: sets status, and leaves its output in $WORK/out and $WORK/err.
try()
{
	timeout -k 5 30 "$@" >"$WORK/out" 2>"$WORK/err"
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

## Programs

# run_target NAME PROGRAM [ARG]...: in the background; its input is the descriptor NAME_in, its
# output $WORK/NAME.out, its process NAME_pid.
run_target()
{
	local name=$1 program=$2 fd

	shift 2
	mkfifo "$WORK/$name.in"
	# For reading too, or each side would wait for the other one's open.
	exec {fd}<>"$WORK/$name.in"
	start "$TARGETS/$program" "$@" <&"$fd" >"$WORK/$name.out" 2>"$WORK/$name.err" {fd}<&-
	others="$others $started_pid"
	declare -g "${name}_pid=$started_pid" "${name}_in=$fd"
}

# A worker: it knows what its memory must hold.
run_worker()
{
	run_target "$1" attach_worker "$PAGES" "${2:-2}"
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

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

## No daemon

ok "daemon absent: status" refused 1 "no upagerd at $UPAGER_SOCKET" "$UPAGER" status
ok "daemon absent: attach" refused 1 "no upagerd at" "$UPAGER" attach $$
echo "not a socket" >"$RUN/file"
ok "the socket's path is a file" refused 1 "$RUN/file" env "UPAGER_SOCKET=$RUN/file" "$UPAGER" status
ok "the socket's path is a directory" refused 1 "$RUN" env "UPAGER_SOCKET=$RUN" "$UPAGER" status
ok "the socket's directory is not there" refused 1 "no upagerd at" \
	env "UPAGER_SOCKET=$RUN/none/none" "$UPAGER" status

## Usage of upagerd

area=$WORK/spare
"$UPAGER" mkswap --size 8M "$area" >/dev/null
"$UPAGER" mkswap --size 8M "$WORK/spare2" >/dev/null

# upagerd_refused STATUS TEXT ARG...: with a socket and a state directory of its own.
upagerd_refused()
{
	local want=$1 text=$2

	shift 2
	refused "$want" "$text" "$UPAGERD" --socket "$RUN/other.sock" --state "$RUN/other" "$@" || return 1
	[ ! -e "$RUN/other.sock" ] && ! pgrep -f -- "--state $RUN/other" >/dev/null
}

ok "no swap area" upagerd_refused 2 "name one with --swap"
ok "an unknown option" upagerd_refused 2 "--frobnicate" --frobnicate
ok "an option without its value" upagerd_refused 2 "'--swap' needs a value" --swap
ok "an argument" upagerd_refused 2 "'$area' is not an option" "$area"
for spec in "$area,pri=x" "$area,pri=" "$area,pri=1.5" ",pri=1" ""; do
	ok "a malformed --swap '${spec##*/}'" upagerd_refused 2 "" --swap "$spec"
done
printf '[upagerd]\nswap = %s\nfrob = 1\n' "$area" >"$WORK/conf"
ok "an unknown key in the configuration" upagerd_refused 2 "unknown key 'frob'" --config "$WORK/conf"
printf '[upagerd]\nswap = %s\nlog_level = loud\nfrob = 1\n' "$area" >"$WORK/conf"
ok "a wrong value in the configuration" upagerd_refused 2 "log level is 'loud'" --config "$WORK/conf"
printf '[upagerd]\nthis is no key\n' >"$WORK/conf"
ok "a configuration that is none" upagerd_refused 2 "line 2" --swap "$area" --config "$WORK/conf"
ok "a configuration that is not there" upagerd_refused 2 "No such file" \
	--swap "$area" --config "$WORK/none"
ok "a failpoint that is none" refused 2 "UPAGER_FAILPOINTS" env UPAGER_FAILPOINTS=x=y \
	"$UPAGERD" --swap "$area" --socket "$RUN/other.sock" --state "$RUN/other"

## Swap areas

ok "an area that is not there" upagerd_refused 1 "$WORK/none" --swap "$WORK/none"
ok "an area that is a directory" upagerd_refused 1 "is a directory" --swap "$WORK"
printf 'a letter to grandmother\n' >"$WORK/letter"
truncate -s 1M "$WORK/letter"
cp "$WORK/letter" "$WORK/letter.copy"
ok "a foreign file" upagerd_refused 1 "is no swap area: run 'upager mkswap" --swap "$WORK/letter"
ok "is left as it was" cmp "$WORK/letter" "$WORK/letter.copy"
: >"$WORK/empty"
ok "an empty file" upagerd_refused 1 "is no swap area" --swap "$WORK/empty"
cp "$area" "$WORK/corrupt"
printf '\377' | dd of="$WORK/corrupt" bs=1 seek=100 conv=notrunc status=none
ok "a corrupt superblock" upagerd_refused 1 "is corrupt: check the device" --swap "$WORK/corrupt"
cp "$area" "$WORK/short"
truncate -s 4M "$WORK/short"
ok "an area that was cut off" upagerd_refused 1 "is smaller than its superblock says" \
	--swap "$WORK/short"
ok "the second of two is bad" upagerd_refused 1 "is corrupt" --swap "$area" --swap "$WORK/corrupt"
ok "the same area twice" upagerd_refused 1 "in use" --swap "$area" --swap "$area"

## State directory, socket

ok "a state directory below a file" refused 1 "cannot use state directory $RUN/file/x" \
	"$UPAGERD" --swap "$area" --socket "$RUN/other.sock" --state "$RUN/file/x"
ok "a state directory without its parent" refused 1 "cannot use state directory" \
	"$UPAGERD" --swap "$area" --socket "$RUN/other.sock" --state "$RUN/none/x"
ok "a state directory that cannot be written" refused 1 "cannot use state directory /proc/upager" \
	"$UPAGERD" --swap "$area" --socket "$RUN/other.sock" --state /proc/upager
mkdir "$WORK/small"
if mount -t tmpfs -o size=256k tmpfs "$WORK/small"; then
	ok "a state directory without room" refused 1 "$WORK/small" \
		"$UPAGERD" --swap "$area" --socket "$RUN/other.sock" --state "$WORK/small/state"
	mount -o remount,ro "$WORK/small"
	ok "a state directory that is read-only" refused 1 "Read-only file system" \
		"$UPAGERD" --swap "$area" --socket "$RUN/other.sock" --state "$WORK/small/other"
	umount "$WORK/small"
fi
cp "$RUN/file" "$RUN/file.copy"
ok "a socket where a file is" refused 1 "cannot serve $RUN/file" \
	"$UPAGERD" --swap "$area" --socket "$RUN/file" --state "$RUN/other"
ok "which stays as it was" cmp "$RUN/file" "$RUN/file.copy"
ok "a socket without its directory" refused 1 "cannot serve $RUN/none/s" \
	"$UPAGERD" --swap "$area" --socket "$RUN/none/s" --state "$RUN/other"
ok "a path too long for a socket" refused 2 "the socket's path is longer" \
	"$UPAGERD" --swap "$area" --socket "/$(printf '%0200d' 0)" --state "$RUN/other"
ok "no daemon or keeper is left of all these" test -z "$(pgrep -f -- "$RUN/other")"

## With a daemon

ok "daemon starts" daemon_start 64M
[ "$tap_failed" -eq 0 ] || done_testing
run_worker paged
"$UPAGER" attach --budget 4M "$paged_pid" >"$WORK/out" || diag_file "$WORK/out"
run_worker plain

# paged_well: the worker that is paged goes on.
paged_well()
{
	working paged && "$UPAGER" status "$paged_pid" >/dev/null
}
ok "a paged program works" paged_well

## Who is meant

dead=$(sh -c 'echo $$')
ok "a dead process" refused 1 "no such process" "$UPAGER" attach "$dead"
ok "a number beyond all processes" refused 1 "no such process" "$UPAGER" attach 4194304
for pid in 0 -1 1x '' 99999999999; do
	ok "'$pid' is no process id" refused 2 "is no process id" "$UPAGER" attach -- "$pid"
done
start sh -c 'sleep 0 & exec sleep 60'
others="$others $started_pid"
parent=$started_pid
has_zombie()
{
	zombie=$(cut -d' ' -f1 "/proc/$parent/task/$parent/children") &&
		grep -q '^State:.*Z' "/proc/$zombie/status"
}
wait_for 10 has_zombie
ok "a zombie" untouched "$parent" 1 "has ended" "$UPAGER" attach "$zombie"
if [ -e /proc/2/comm ] && [ ! -s /proc/2/maps ] && [ "$(cut -d' ' -f4 /proc/2/stat)" = 0 ]; then
	ok "a kernel thread" refused 1 "process 2 is a kernel thread" "$UPAGER" attach 2
	ok "a kernel thread is not watched either" refused 1 "is not paged" "$UPAGER" status 2
fi
thread=$(find "/proc/$plain_pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$plain_pid" |
	head -n 1)
ok "a thread" untouched "$plain_pid" 1 "not a process id" "$UPAGER" attach "$thread"
ok "the daemon itself" untouched "$daemon_pid" 1 "is the pager itself" "$UPAGER" attach "$daemon_pid"
keeper=$(cat "$RUN/state/keeper.pid")
agent=$(pgrep -x upager-agent -r S,R | while read -r pid; do
	cmp -s "/proc/$pid/maps" "/proc/$paged_pid/maps" && echo "$pid"
done)
ok "an agent" untouched "$paged_pid" 1 "filter" "$UPAGER" attach --budget 4M "$agent"
ok "its keeper" untouched "$keeper" 1 "is the pager" "$UPAGER" attach "$keeper"

## Budgets

ok "a budget of zero" untouched "$plain_pid" 2 "a budget of zero" \
	"$UPAGER" attach --budget 0 "$plain_pid"
ok "a budget of 1K" untouched "$plain_pid" 1 "is too small: give at least" \
	"$UPAGER" attach --budget 1K "$plain_pid"
ok "a budget larger than memory" untouched "$plain_pid" 2 "larger than memory" \
	"$UPAGER" attach --budget 1024T "$plain_pid"
for size in 1X -4M 4MB ' 4M' 4M4 nan ''; do
	ok "a budget of '$size'" untouched "$plain_pid" 2 "is no size" \
		"$UPAGER" attach --budget "$size" "$plain_pid"
done
ok "no live budget of zero" refused 2 "a budget of zero" "$UPAGER" budget "$paged_pid" 0
ok "no live budget of 1K" refused 1 "is too small" "$UPAGER" budget "$paged_pid" 1K
ok "no live budget larger than memory" refused 2 "larger than memory" \
	"$UPAGER" budget "$paged_pid" 1024T
ok "the budget is what it was" sh -c "'$UPAGER' status --json '$paged_pid' |
	/usr/bin/python3 -c 'import json, sys
sys.exit(json.load(sys.stdin)[\"processes\"][0][\"budget_bytes\"] != 4 << 20)'"

## Attached or not

ok "already attached" refused 1 "is paged already" "$UPAGER" attach --budget 8M "$paged_pid"
for command in detach populate status; do
	ok "$command of a process that is not paged" untouched "$plain_pid" 1 "is not paged" \
		"$UPAGER" "$command" "$plain_pid"
done
ok "budget of a process that is not paged" untouched "$plain_pid" 1 "is not paged" \
	"$UPAGER" budget "$plain_pid" 8M
for command in detach populate; do
	ok "$command of a dead process" refused 1 "no such process" "$UPAGER" "$command" "$dead"
done
ok "status of a dead process" refused 1 "is not paged" "$UPAGER" status "$dead"
ok "a paged program works" paged_well

## Programs that cannot be attached

/usr/bin/python3 - "$plain_pid" >"$WORK/tracer.out" <<'PYTHON' &
import ctypes, sys, time
PTRACE_SEIZE = 0x4206
ret = ctypes.CDLL(None, use_errno=True).ptrace(PTRACE_SEIZE, int(sys.argv[1]), 0, 0)
print("traced" if ret == 0 else "failed", flush=True)
time.sleep(60)
PYTHON
tracer=$!
wait_for 10 grep -q traced "$WORK/tracer.out"
ok "a process that is traced" untouched "$plain_pid" 1 "$tracer" "$UPAGER" attach "$plain_pid"
kill "$tracer"
wait "$tracer" 2>/dev/null
ok "it goes on" working plain

# Each call would be the end of the process: the action is KILL_PROCESS.
for call in 41:socket 53:socketpair 56:clone 9:mmap 10:mprotect; do
	name=filtered${call%%:*}
	run_target "$name" inject_shell
	pid=${name}_pid
	ask "$name" "map 10" >/dev/null
	if [ "${call%%:*}" = 41 ]; then
		# Not what attach needs: no reason to refuse.
		ask "$name" "filter 41 $((0x80000000))" >/dev/null
		try "$UPAGER" attach --budget 4M "${!pid}"
		is "a filter that forbids what is not needed" "$status" 0
		try "$UPAGER" detach "${!pid}"
		is "and detach" "$status" 0
	else
		ask "$name" "filter ${call%%:*} $((0x80000000))" >/dev/null
		ok "a filter that forbids ${call##*:}" untouched "${!pid}" 1 "${call##*:}" \
			"$UPAGER" attach --budget 4M "${!pid}"
	fi
	is "it goes on" "$(ask "$name" "fill 1")" 0
done
run_target strict inject_shell
ask strict strict >/dev/null
ok "strict seccomp" untouched "$strict_pid" 1 "strict seccomp" "$UPAGER" attach --budget 4M "$strict_pid"
run_target reaper inject_shell
ask reaper "subreaper 1" >/dev/null
ok "a program that adopts orphans" untouched "$reaper_pid" 3 "adopt" \
	"$UPAGER" attach --budget 4M "$reaper_pid"
ok "a paged program works" paged_well

## Another user

ok "the socket is closed to others" refused 1 "$UPAGER_SOCKET: not permitted" \
	"${nobody[@]}" "$UPAGER" attach "$plain_pid"
chmod 711 "$RUN"
chmod 666 "$UPAGER_SOCKET"
ok "attach of root's process" untouched "$plain_pid" 1 "is not yours" \
	"${nobody[@]}" "$UPAGER" attach --budget 4M "$plain_pid"
for command in detach populate; do
	ok "$command of root's process" refused 1 "is not yours" "${nobody[@]}" "$UPAGER" "$command" "$paged_pid"
done
ok "budget of root's process" refused 1 "is not yours" "${nobody[@]}" "$UPAGER" budget "$paged_pid" 8M
ok "status of root's process" refused 1 "is not paged" "${nobody[@]}" "$UPAGER" status "$paged_pid"
ok "a dead process" refused 1 "no such process" "${nobody[@]}" "$UPAGER" attach "$dead"
sees_nothing()
{
	try "${nobody[@]}" "$UPAGER" status --json
	[ "$status" -eq 0 ] && grep -q '"processes": *\[ *\]' "$WORK/out"
}
ok "status shows others nothing" sees_nothing
# Regression: the owner of the directory /proc/PID does not tell whether a process is dumpable.
start "${nobody[@]}" /usr/bin/python3 -c 'import ctypes, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print("ready", flush=True)
time.sleep(60)' >"$WORK/secret.out"
others="$others $started_pid"
secret=$started_pid
wait_for 10 grep -q ready "$WORK/secret.out"
ok "a process of one's own that is not dumpable" untouched "$secret" 1 "is not yours" \
	"${nobody[@]}" "$UPAGER" attach --budget 4M "$secret"
# As a set-uid program that has become its caller: it can be root again.
start /usr/bin/python3 -c 'import ctypes, os, time
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 0)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
print("ready", flush=True)
time.sleep(60)' >"$WORK/setuid.out"
others="$others $started_pid"
setuid=$started_pid
wait_for 10 grep -q ready "$WORK/setuid.out"
ok "a set-uid process" untouched "$setuid" 1 "is not yours" \
	"${nobody[@]}" "$UPAGER" attach --budget 4M "$setuid"
start "${nobody[@]}" /usr/bin/python3 -c 'import time
print("ready", flush=True)
time.sleep(60)' >"$WORK/own.out"
others="$others $started_pid"
own=$started_pid
wait_for 10 grep -q ready "$WORK/own.out"
try "${nobody[@]}" "$UPAGER" attach --budget 4M "$own"
is "a process of one's own" "$status" 0
try "${nobody[@]}" "$UPAGER" status "$own"
is "its status" "$status" 0
try "${nobody[@]}" "$UPAGER" detach "$own"
is "its detach" "$status" 0
ok "it goes on" alive "$own"
# Regression: watched before it executes a set-uid program, it was paged all the same.
cp "$TARGETS/attach_worker" "$RUN/setuid"
chmod 4755 "$RUN/setuid"
if [ "$("${nobody[@]}" "$RUN/setuid" 2>/dev/null; echo $?)" = 2 ]; then
	mkfifo "$WORK/suid.in"
	exec {suid_in}<>"$WORK/suid.in"
	start "${nobody[@]}" "$UPAGER" run --budget 4M -- "$RUN/setuid" "$PAGES" 1 <&"$suid_in" \
		>"$WORK/suid.out" 2>&1 {suid_in}<&-
	others="$others $started_pid"
	suid=$started_pid
	wait_for 20 grep -q ready "$WORK/suid.out"
	is_refused()
	{
		"$UPAGER" status | grep -q 'it is set-uid'
	}
	ok "a set-uid program of upager run is not paged" wait_for 10 is_refused
	echo end >&"$suid_in"
	wait "$suid"
	is "and runs" $? 0
fi
chmod 600 "$UPAGER_SOCKET"
chmod 700 "$RUN"

## A second daemon

second()
{
	refused 1 "$1" "$UPAGERD" --swap "$2" --socket "$3" --state "$4"
}
ok "a second daemon on the same socket" second "another upagerd serves $UPAGER_SOCKET" \
	"$area" "$UPAGER_SOCKET" "$RUN/other"
ok "a second daemon on the same state directory" second "is in use by another upagerd" \
	"$area" "$RUN/other.sock" "$RUN/state"
ok "a second daemon on the same area" second "is in use by another process: stop that upagerd" \
	"$WORK/area" "$RUN/other.sock" "$RUN/other"
ok "mkswap of an area in use" refused 1 "in use" "$UPAGER" mkswap --force "$WORK/area"
ok "the first one goes on" paged_well
ok "no second daemon or keeper is left" test -z "$(pgrep -f -- "$RUN/other")"

## Nothing was lost

try "$UPAGER" detach "$paged_pid"
is "the paged program is detached" "$status" 0
ok "it holds what it wrote" ends_well paged
ok "so does the other one" ends_well plain
ok "daemon stops with exit status 0" daemon_stop

## A swap area that is full

rm -f "$WORK/area"
ok "daemon with an area of 2M starts" daemon_start 2M
run_worker full
"$UPAGER" attach --budget 4M "$full_pid" >"$WORK/out" || diag_file "$WORK/out"
said_full()
{
	grep -q 'swap areas are full' "$WORK/upagerd.log"
}
ok "the daemon says that the area is full" wait_for 20 said_full
ok "with the remedy" grep -q 'are full: .*add an area' "$WORK/upagerd.log"
ok "the program goes on" working full
sleep 2
ok "and on" working full
is "everything is right" "$(ask full rest; ask full check)" "0
0"
ask full go >/dev/null
ok "said once, or some times, but not for ever" \
	test "$(grep -c 'swap areas are full' "$WORK/upagerd.log")" -le 5
try "$UPAGER" detach "$full_pid"
is "it can be detached" "$status" 0
ok "and has everything" ends_well full
ok "daemon stops with exit status 0" daemon_stop

done_testing
