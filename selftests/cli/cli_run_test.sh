#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `upager run` starts a program exactly as it would have been started without it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/cli/cli.sh
. "${0%/*}/cli.sh"

need python3

fake ok

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

# asked_for PID REQUEST: attached before it ran, and asked at its end whether something of it is left.
asked_for()
{
	local left="STATUS pid=$1 budget=0 flags=0 pidfd=none"

	[ "$(tail -n 2 "$LOG")" = "ATTACH pid=$1 $2"$'\n'"$left" ] || {
		diag_file "$LOG"
		return 1
	}
}

try "$UPAGER" run --budget 8M -- sh -c 'echo $$'
is "run exits with the program's status" "$status" 0
ok "run asked for this process before it ran" \
	asked_for "$(cat "$WORK/out")" "budget=8388608 flags=1 pidfd=match"
try "$UPAGER" run --family --budget 8M sh -c 'echo $$'
ok "--family, and no -- needed" \
	asked_for "$(cat "$WORK/out")" "budget=8388608 flags=3 pidfd=match"
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

done_testing
