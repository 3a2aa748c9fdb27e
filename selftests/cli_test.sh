#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The command line against a daemon that answers as told (targets/cli_helper.c): exit codes,
# messages, JSON, and that `upager run` starts a program exactly as it would have been started
# without it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/lib.sh"

need python3

UPAGER=$BUILD/upager
HELPER=$TARGETS/cli_helper
LOG=$WORK/requests

# fake MODE: the daemon that answers so; MODE is one of cli_helper's.
fake()
{
	end_group "$daemon_pid"
	rm -f "$UPAGER_SOCKET"
	start "$HELPER" serve "$UPAGER_SOCKET" "$1" >"$LOG"
	daemon_pid=$started_pid
	wait_for 10 test -e "$UPAGER_SOCKET"
}

# try COMMAND [ARG]...: sets status, and leaves its output in $WORK/out and $WORK/err.
try()
{
	timeout 20 "$@" >"$WORK/out" 2>"$WORK/err"
	status=$?
}

# One line, which begins like every message and holds the text.
says()
{
	[ "$(wc -l <"$WORK/err")" -eq 1 ] && grep -q '^upager: ' "$WORK/err" &&
		grep -qF -- "$1" "$WORK/err"
}

# refused STATUS TEXT ARG...: nothing on stdout, one line that holds TEXT on stderr.
refused()
{
	local want=$1 text=$2

	shift 2
	try "$UPAGER" "$@"
	[ "$status" -eq "$want" ] && [ ! -s "$WORK/out" ] && says "$text" && return
	diag "upager $*: exit status $status"
	diag_file "$WORK/out"
	diag_file "$WORK/err"
	return 1
}

# quiet ARG...: succeeds and has nothing to say.
quiet()
{
	try "$UPAGER" "$@"
	[ "$status" -eq 0 ] && [ ! -s "$WORK/out" ] && [ ! -s "$WORK/err" ]
}

# helps [COMMAND]: --help is about it, on stdout, succeeds, and fits a terminal.
helps()
{
	try "$UPAGER" "$@" --help
	[ "$status" -eq 0 ] && [ ! -s "$WORK/err" ] && grep -q "^Usage: upager ${1:-COMMAND}" "$WORK/out" &&
		! grep -q '.\{91\}' "$WORK/out"
}

# asked LINE: that was the last request.
asked()
{
	[ "$(tail -n 1 "$LOG")" = "$1" ] || {
		diag_file "$LOG"
		return 1
	}
}

# json EXPRESSION: of what was printed, as d.
json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1" \
		<"$WORK/out"
}

## Usage

ok "upager --help" helps
for command in mkswap run attach detach budget populate status doctor; do
	ok "upager $command --help" helps "$command"
done
for command in mkswap run attach detach budget populate status doctor; do
	ok "$command refuses an unknown option" refused 2 "--frobnicate" "$command" --frobnicate
done
try "$UPAGER" --version
ok "upager --version" grep -qE '^upager [0-9]+\.[0-9]+\.[0-9]+ \(protocol [0-9]+\)$' "$WORK/out"
ok "no command" refused 2 "see upager --help"
ok "an unknown command" refused 2 "unknown command 'frobnicate'" frobnicate
ok "an unknown short option" refused 2 "-xh" detach -xh 1
ok "an option without its value" refused 2 "'--budget' needs a value" attach --budget
ok "a missing argument" refused 2 "missing" detach
ok "an argument too many" refused 2 "'2' is one" detach 1 2
ok "no program to run" refused 2 "no program" run --budget 1M --
for pid in 0 -1 +1 1x 4294967297 99999999999999999999 ''; do
	ok "'$pid' is no process id" refused 2 "no process id" detach -- "$pid"
done
for size in 0 0K; do
	ok "a budget of $size" refused 2 "zero" attach --budget "$size" 1
done
for size in x 1X -1 ''; do
	ok "'$size' is no budget" refused 2 "is no size" run --budget "$size" -- touch "$WORK/ran"
done
ok "a budget larger than memory" refused 2 "larger than memory" budget 1 1024T
ok "a budget larger than memory for run" refused 2 "larger than memory" \
	run --budget 1024T -- touch "$WORK/ran"
ok "none of these started a program" test ! -e "$WORK/ran"
"$UPAGER" --help >/dev/full 2>"$WORK/err"
is "output that cannot be written is an error" $? 1
ok "and says so" says "No space left on device"

## No daemon

ok "no daemon: status" refused 1 "no upagerd at $UPAGER_SOCKET" status
ok "no daemon: the program is not started" refused 1 "no upagerd at" run -- touch "$WORK/ran"
ok "no daemon: attach" refused 1 "no upagerd at" attach $$
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$UPAGER_SOCKET"
ok "a socket that nobody listens on" refused 1 "no upagerd at" status
rm -f "$UPAGER_SOCKET"
UPAGER_SOCKET=$(printf '/%0200d' 0) ok "a path too long for a socket" refused 1 "too long" status
ok "none of these started a program" test ! -e "$WORK/ran"

## Requests

fake ok
ok "detach" quiet detach $$
ok "detach asks for it, with a pidfd" asked "DETACH pid=$$ budget=0 flags=0 pidfd=match"
ok "populate" quiet populate $$
ok "populate asks for it" asked "POPULATE pid=$$ budget=0 flags=0 pidfd=match"
ok "budget" quiet budget $$ 1.5M
ok "budget asks for it" asked "BUDGET pid=$$ budget=1572864 flags=0 pidfd=match"
try "$UPAGER" attach --budget 64M $$
ok "attach tells the budget and the time" grep -qx "$$ is paged: budget 64.0M, stopped for 1.4 ms" \
	"$WORK/out"
ok "attach asks for it" asked "ATTACH pid=$$ budget=67108864 flags=0 pidfd=match"
try "$UPAGER" attach $$
available=$(($(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) * 1024 / 4))
default=$(sed -n '$s/.* budget=\([0-9]*\) .*/\1/p' "$LOG")
ok "the default budget is a quarter of what is available" \
	test $((default * 10)) -gt $((available * 9)) -a $((default * 9)) -lt $((available * 10))
dead=$(sh -c 'echo $$')
ok "a process that is gone" refused 1 "no such process" attach "$dead"
python3 -c 'import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()' &
program_pid=$!
second_thread()
{
	find "/proc/$program_pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$program_pid"
}
wait_for 10 second_thread
thread=$(second_thread)
ok "a thread is no process" refused 1 "not a process id" detach "$thread"
kill "$program_pid"
wait "$program_pid" 2>/dev/null
program_pid=

fake note
try "$UPAGER" detach $$
ok "what the daemon remarks is printed" says "the area is nearly full; add another"
is "and is no failure" "$status" 0

## Refusals

fake refuse
ok "a refusal, its control characters made harmless" \
	refused 1 "it is not yours; ?[1mask?as root" detach $$
ok "status refused" refused 1 "not yours" status 1 --json
ok "run refused" refused 1 "not yours" run -- touch "$WORK/ran"
fake kernel
ok "a kernel that cannot" refused 3 "not yours" attach $$
ok "a kernel that cannot run" refused 3 "not yours" run -- touch "$WORK/ran"
"$UPAGER" detach $$ 2>&-
ok "a message for a closed stderr does not land on the socket" asked \
	"DETACH pid=$$ budget=0 flags=0 pidfd=match"
fake errno
ok "an error without a text" refused 1 "Cannot allocate memory" populate $$
for mode in close short magic version many; do
	fake "$mode"
	ok "$mode: status" refused 1 "upagerd" status
	ok "$mode: json" refused 1 "upagerd" status --json
	ok "$mode: status of one" refused 1 "upagerd" status 4242
	[ "$mode" = many ] && continue
	ok "$mode: detach" refused 1 "upagerd" detach $$
	ok "$mode: run" refused 1 "upagerd" run -- touch "$WORK/ran"
done
ok "none of these started a program" test ! -e "$WORK/ran"

## Status

fake ok
try "$UPAGER" status --json
is "status --json" "$status" 0
ok "status --json has the contract's fields" json 'all(k in p for p in d["processes"] for k in
	"pid comm state uid budget_bytes resident_bytes standby_bytes swapped_bytes registered_bytes "
	"table_bytes faults zero_fills swap_ins evictions clean_drops rescues refaults "
	"readahead_pages readahead_hits checksum_failures io_errors pinned throttled forks "
	"latency_ns_log2".split())'
ok "status --json has the values" json '[p["pid"] for p in d["processes"]] == [4242, 4243, 4244] and
	d["processes"][0]["swapped_bytes"] == 196 << 20 and d["processes"][0]["evictions"] == 2000 and
	d["processes"][0]["comm"] == "redis-server" and "text" not in d["processes"][0] and
	d["processes"][2]["text"].startswith("its filter") and
	d["processes"][2]["state"] == "refused" and d["processes"][0]["state"] == "paged"'
ok "a name that is no UTF-8 is still JSON" json 'd["processes"][1]["comm"] == "\x1b[31mred\n" and
	d["processes"][2]["comm"] == "na\u00efve \ufffd"'
ok "a counter beyond JSON's integers stays positive" json 'd["processes"][0]["zero_fills"] == 2**63-1'
ok "latencies are a list of 32" json 'len(d["processes"][0]["latency_ns_log2"]) == 32 and
	d["processes"][0]["latency_ns_log2"][13:15] == [495, 495]'
ok "the daemon's slots" json 'd["daemon"]["slots_total"] == 262144 and
	d["daemon"]["slots_free"] == 131072'
try "$UPAGER" status
ok "status has a line per process" test "$(grep -c '^ *424[234] ' "$WORK/out")" -eq 3
ok "status has sizes and percentiles" grep -qE \
	'4242 +redis-server +paged +64.0M +60.0M +2.0M +196.0M +1000 +2000 +900 +<33us +<33us' "$WORK/out"
is "status prints no control character" "$(grep -c '[[:cntrl:]]' "$WORK/out")" 0
ok "status says why a process is refused" grep -q '4244 .*its filter forbids mmap' "$WORK/out"
ok "status says what is left of the swap areas" grep -qx 'swap areas: 1.0G, 512.0M free' "$WORK/out"
try "$UPAGER" status 4242
ok "status of one process has all counters" grep -qE '^zero fills +18446744073709551615 ' "$WORK/out"
is "and a histogram to scale" \
	"$(sed -n 's/.*% \(#*\)$/\1/p' "$WORK/out" | awk '{ print length }' | tr '\n' ' ')" \
	"40 40 0 0 0 0 1 "
try "$UPAGER" status --json 4242
ok "status --json of one process" json 'len(d["processes"]) == 1 and "daemon" not in d'
ok "a process that is not paged" refused 1 "process 77 is not paged" status 77
ok "a process that is not paged, as JSON" refused 1 "process 77 is not paged" status --json 77

## The program of upager run

# same WHAT PREFIX...: `inspect` started by the prefix tells the same with and without the pager.
same()
{
	"$@" "$HELPER" inspect >"$WORK/plain" 2>>"$WORK/same"
	"$@" "$UPAGER" run -- "$HELPER" inspect >"$WORK/paged" 2>>"$WORK/same"
	[ "$(wc -l <"$WORK/plain")" -gt 20 ] && diff "$WORK/plain" "$WORK/paged" >"$WORK/diff" && return
	diag_file "$WORK/diff"
	return 1
}

closed()
{
	"$@" <&- 2>&-
}

odd_descriptors()
{
	"$@" 5</dev/zero 9>"$WORK/nine" 100</etc/passwd
}

odd_shell()
{
	(
		umask 027
		cd / || exit
		ulimit -S -n 200
		export ODD=$'two\nlines'
		exec nice -n 3 "$@"
	)
}

ok "it inherits all and nothing else" same env
ok "the same with closed descriptors" same closed
ok "the same with other descriptors" same odd_descriptors
ok "the same with another directory, umask, limit, priority" same odd_shell
ok "the same with an empty environment" same env -i "UPAGER_SOCKET=$UPAGER_SOCKET"
for number in 1 2 3 13 15 17 20; do
	ok "signal $number ignored" same "$HELPER" signal ignore "$number"
	ok "signal $number blocked" same "$HELPER" signal block "$number"
done

try "$UPAGER" run --budget 8M -- sh -c 'echo $$'
is "run exits with the program's status" "$status" 0
ok "run asked for this process before it ran" \
	asked "ATTACH pid=$(cat "$WORK/out") budget=8388608 flags=1 pidfd=match"
try "$UPAGER" run --family --budget 8M sh -c 'echo $$'
ok "--family, and no -- needed" \
	asked "ATTACH pid=$(cat "$WORK/out") budget=8388608 flags=3 pidfd=match"
try "$UPAGER" run -- echo --budget -x
is "options behind the program are its own" "$(cat "$WORK/out")" "--budget -x"
is "stdin is the program's" "$(echo through | "$UPAGER" run -- cat)" through

# exits STATUS COMMAND...
exits()
{
	local want=$1

	shift
	try "$@"
	is "exit status $want: ${*##*/}" "$status" "$want"
}

exits 0 "$UPAGER" run -- true
exits 7 "$UPAGER" run -- sh -c 'exit 7'
exits 255 "$UPAGER" run -- sh -c 'exit 255'
exits 137 "$UPAGER" run -- sh -c 'kill -KILL $$'
exits 139 "$UPAGER" run -- sh -c 'ulimit -c 0; kill -SEGV $$'
exits 5 "$HELPER" signal ignore 17 "$UPAGER" run -- sh -c 'exit 5'
exits 6 "$HELPER" signal block 17 "$UPAGER" run -- sh -c 'exit 6'
exits 127 "$UPAGER" run -- no-such-program-anywhere
ok "and says so" says "cannot run no-such-program-anywhere: not found"
exits 127 "$UPAGER" run -- ''
echo 'exit 9' >"$WORK/script"
exits 126 "$UPAGER" run -- "$WORK/script"
ok "and says so" says "Permission denied"
exits 126 "$UPAGER" run -- /
chmod +x "$WORK/script"
exits 9 "$UPAGER" run -- "$WORK/script"

# Told when it is ready for the signal, the program exits with 40 + signal.
cat >"$WORK/victim" <<'SH'
#!/bin/bash
for number in 1 2 3 15; do
	# shellcheck disable=SC2064
	trap "exit $((40 + number))" $number
done
echo $$ >"$1"
while :; do sleep 0.01; done
SH
chmod +x "$WORK/victim"

# victim_run: sets program_pid (upager) and victim.
victim_run()
{
	rm -f "$WORK/ready"
	start "$UPAGER" run -- "$WORK/victim" "$WORK/ready"
	program_pid=$started_pid
	wait_for 10 test -s "$WORK/ready"
	victim=$(cat "$WORK/ready")
}

# victim_wait: like program_wait, for upager and program that ought to end now.
victim_wait()
{
	wait_for 10 gone "$program_pid" || kill -KILL -- "-$program_pid"
	program_wait
}

for number in 1 15; do
	victim_run
	kill -"$number" "$program_pid"
	victim_wait
	is "signal $number is forwarded" "$program_status" $((40 + number))
done
for number in 2 3; do
	victim_run
	kill -"$number" "$program_pid"
	sleep 0.2
	ok "signal $number to upager alone does not end it" alive "$program_pid"
	ok "nor the program" alive "$victim"
	kill -"$number" -- "-$program_pid"
	victim_wait
	is "signal $number to the group ends it, the status is the program's" \
		"$program_status" $((40 + number))
done

# on_terminal ACTION: upager leads the session of a terminal; ACTION is Python, fd the other end.
on_terminal()
{
	rm -f "$WORK/ready"
	timeout 20 python3 -c '
import os, pty, sys, time
action, *command = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(command[0], command)
while not os.path.exists(command[-1]) or not os.path.getsize(command[-1]):
    time.sleep(0.01)
exec(action)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' \
		"$1" "$UPAGER" run -- "$WORK/victim" "$WORK/ready"
	status=$?
}

on_terminal 'os.write(fd, b"\x03")'
is "interrupted at the terminal" "$status" 42
on_terminal 'os.write(fd, b"\x1c")'
is "quit at the terminal" "$status" 43
on_terminal 'os.close(fd)'
is "the terminal hangs up" "$status" 41
victim_run
kill -STOP -- "-$program_pid"
kill -CONT -- "-$program_pid"
kill -TERM "$program_pid"
victim_wait
is "it goes on after stop and continue" "$program_status" 55
victim_run
kill -KILL "$program_pid"
wait "$program_pid" 2>/dev/null
program_pid=
ok "the program outlives upager" alive "$victim"
kill -KILL "$victim"

# A daemon that does not answer: nothing may start, whatever ends the wait.
fake silent
for number in 2 9 15; do
	start "$UPAGER" run -- touch "$WORK/ran"
	program_pid=$started_pid
	wait_for 10 grep -q ATTACH "$LOG"
	child=$(sed -n 's/^ATTACH pid=\([0-9]*\) .*/\1/p' "$LOG")
	ok "the program waits for the answer" alive "$child"
	kill -"$number" "$program_pid"
	program_wait
	is "signal $number ends the wait" "$program_status" $((128 + number))
	ok "and the child" wait_for 5 gone "$child"
	fake silent
done
ok "none of these started a program" test ! -e "$WORK/ran"

## Doctor

# One try tells whether this kernel has all; the rest is about what is then taken away.
fake ok
try "$UPAGER" doctor --json
ok "doctor --json" json 'd["verdict"] in ("full", "fallback", "unchecked", "cannot") and
	all(c["result"] in ("ok", "warning", "missing") for c in d["checks"])'
ok "every check is named once" json 'len(d["checks"]) >= 25 and
	len({c["name"] for c in d["checks"]}) == len(d["checks"])'
ok "the daemon answers" json 'any(c["name"] == "upagerd" and c["result"] == "ok" and
	"512.0M free" in c["detail"] for c in d["checks"])'
if json 'd["verdict"] in ("full", "fallback")'; then
	try env UPAGER_DISABLE=move,wp "$UPAGER" doctor --json
	is "neither MOVE nor WP: exit status 3" "$status" 3
	try env UPAGER_DISABLE=move,poison "$UPAGER" doctor
	is "without MOVE: exit status 0" "$status" 0
	ok "and the price" grep -qE '^uffd MOVE +missing +.*a program is stopped' "$WORK/out"
	ok "and the verdict" grep -q 'at the cost of what is missing' "$WORK/out"
	# userfaultfd, io_uring_setup, kcmp
	try "$HELPER" deny 323 "$UPAGER" doctor
	is "without userfaultfd: exit status 3 or the device" "$status" \
		"$([ -c /dev/userfaultfd ] && echo 0 || echo 3)"
	try "$HELPER" deny 425 "$UPAGER" doctor
	is "without io_uring: exit status 3" "$status" 3
	ok "and the verdict" grep -q '^The pager cannot run here' "$WORK/out"
	try "$HELPER" deny 312 "$UPAGER" doctor --json
	is "without kcmp: exit status 0" "$status" 0
	ok "and the price" json 'd["verdict"] == "fallback" and any(c["name"] == "kcmp" and
		c["result"] == "missing" and c["cost"] for c in d["checks"])'
else
	diag "this kernel or user cannot run the pager: nothing more to take away"
fi
if [ "$(id -u)" -eq 0 ] && setpriv --reuid 65534 --clear-groups test -x "$UPAGER" 2>"$WORK/err"; then
	try setpriv --reuid 65534 --clear-groups env UPAGER_SOCKET=/nowhere "$UPAGER" doctor --json
	is "an ordinary user: exit status 0" "$status" 0
	ok "what only root may try is no failure" json 'd["verdict"] == "unchecked" and all(
		c["result"] != "missing" or "root" not in c["detail"] for c in d["checks"])'
fi
done_testing
