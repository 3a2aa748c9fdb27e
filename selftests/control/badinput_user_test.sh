#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
#
# A user may do with his own processes as he likes, and with nobody else's.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/control/worker.sh
. "${0%/*}/worker.sh"

need_root
need /usr/bin/python3 setpriv

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
workers_begin
dead=$(sh -c 'echo $$')

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
start_other "${nobody[@]}" /usr/bin/python3 -c 'import ctypes, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print("ready", flush=True)
time.sleep(60)' >"$WORK/secret.out"
secret=$started_pid
wait_for 10 grep -q ready "$WORK/secret.out"
ok "a process of one's own that is not dumpable" untouched "$secret" 1 "is not yours" \
	"${nobody[@]}" "$UPAGER" attach --budget 4M "$secret"
# As a set-uid program that has become its caller: it can be root again.
start_other /usr/bin/python3 -c 'import ctypes, os, time
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 0)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
print("ready", flush=True)
time.sleep(60)' >"$WORK/setuid.out"
setuid=$started_pid
wait_for 10 grep -q ready "$WORK/setuid.out"
ok "a set-uid process" untouched "$setuid" 1 "is not yours" \
	"${nobody[@]}" "$UPAGER" attach --budget 4M "$setuid"
start_other "${nobody[@]}" /usr/bin/python3 -c 'import time
print("ready", flush=True)
time.sleep(60)' >"$WORK/own.out"
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
	start_other "${nobody[@]}" "$UPAGER" run --budget 4M -- "$RUN/setuid" "$WORKER_PAGES" 1 \
		<&"$suid_in" >"$WORK/suid.out" 2>&1 {suid_in}<&-
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

workers_end

done_testing
