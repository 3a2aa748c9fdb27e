#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What `upager` asks of the daemon and makes of its answers: exit codes, messages, JSON.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/cli/cli.sh
. "${0%/*}/cli.sh"

need python3

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

# json EXPRESSION: of what was printed, as d.
json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1" \
		<"$WORK/out"
}

## Usage

ok "upager --help" helps
for command in mkswap run attach detach budget populate status top map doctor; do
	ok "upager $command --help" helps "$command"
done
for command in mkswap run attach detach budget populate status top map doctor; do
	ok "$command refuses an unknown option" refuses 2 "--frobnicate" "$command" --frobnicate
done
try "$UPAGER" --version
ok "upager --version" grep -qE '^upager [0-9]+\.[0-9]+\.[0-9]+ \(protocol [0-9]+\)$' "$WORK/out"
ok "no command" refuses 2 "see upager --help"
ok "an unknown command" refuses 2 "unknown command 'frobnicate'" frobnicate
ok "an unknown short option" refuses 2 "-xh" detach -xh 1
ok "an option without its value" refuses 2 "'--budget' needs a value" attach --budget
ok "a missing argument" refuses 2 "missing" detach
ok "an argument too many" refuses 2 "'2' is one" detach 1 2
ok "no program to run" refuses 2 "no program" run --budget 1M --
for pid in 0 -1 +1 1x 4294967297 99999999999999999999 ''; do
	ok "'$pid' is no process id" refuses 2 "no process id" detach -- "$pid"
done
for size in 0 0K; do
	ok "a budget of $size" refuses 2 "zero" attach --budget "$size" 1
done
for size in x 1X -1 ''; do
	ok "'$size' is no budget" refuses 2 "is no size" run --budget "$size" -- touch "$WORK/ran"
done
ok "a budget larger than memory" refuses 2 "larger than memory" budget 1 1024T
ok "a budget larger than memory for run" refuses 2 "larger than memory" \
	run --budget 1024T -- touch "$WORK/ran"
ok "none of these started a program" test ! -e "$WORK/ran"
"$UPAGER" --help >/dev/full 2>"$WORK/err"
is "output that cannot be written is an error" $? 1
ok "and says so" says "No space left on device"

## No daemon

ok "no daemon: status" refuses 1 "no upagerd at $UPAGER_SOCKET" status
ok "no daemon: the program is not started" refuses 1 "no upagerd at" run -- touch "$WORK/ran"
ok "no daemon: attach" refuses 1 "no upagerd at" attach $$
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$UPAGER_SOCKET"
ok "a socket that nobody listens on" refuses 1 "no upagerd at" status
rm -f "$UPAGER_SOCKET"
UPAGER_SOCKET=$(printf '/%0200d' 0) ok "a path too long for a socket" refuses 1 "too long" status
ok "none of these started a program" test ! -e "$WORK/ran"

## Requests

fake ok
ok "detach" quiet detach $$
ok "detach asks for it, with a pidfd" asked "DETACH pid=$$ budget=0 flags=0 pidfd=match"
ok "populate" quiet populate $$
ok "populate asks for it" asked "POPULATE pid=$$ budget=0 flags=0 pidfd=match"
ok "budget" quiet budget $$ 1.5M
ok "budget asks for it" asked "BUDGET pid=$$ budget=1572864 flags=0 pidfd=match"
ok "a weight" quiet budget --weight 250 $$
ok "a weight alone asks for nothing else" asked "BUDGET pid=$$ budget=0 flags=0 pidfd=match weight=250"
ok "a weight of zero" refuses 2 "is no weight" budget --weight 0 $$
ok "a weight beyond the last" refuses 2 "is no weight" budget --weight 10001 $$
try "$UPAGER" attach --budget 64M $$
ok "attach tells the budget and the time" grep -qx "$$ is paged: budget 64.0M, stopped for 1.4 ms" \
	"$WORK/out"
ok "attach asks for it" asked "ATTACH pid=$$ budget=67108864 flags=0 pidfd=match"
try "$UPAGER" attach --budget 64M --family --weight 7 $$
ok "attach of a family with a weight asks for the family" \
	grep -qx "ATTACH pid=$$ budget=67108864 flags=2 pidfd=match" "$LOG"
ok "and then for the weight" asked "BUDGET pid=$$ budget=0 flags=0 pidfd=match weight=7"
try "$UPAGER" attach $$
available=$(($(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) * 1024 / 4))
default=$(sed -n '$s/.* budget=\([0-9]*\) .*/\1/p' "$LOG")
ok "the default budget is a quarter of what is available" \
	test $((default * 10)) -gt $((available * 9)) -a $((default * 9)) -lt $((available * 10))
dead=$(sh -c 'echo $$')
ok "a process that is gone" refuses 1 "no such process" attach "$dead"
python3 -c 'import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()' &
program_pid=$!
second_thread()
{
	find "/proc/$program_pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$program_pid"
}
wait_for 10 second_thread
thread=$(second_thread)
ok "a thread is no process" refuses 1 "not a process id" detach "$thread"
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
	refuses 1 "it is not yours; ?[1mask?as root" detach $$
ok "status refused" refuses 1 "not yours" status 1 --json
ok "run refused" refuses 1 "not yours" run -- touch "$WORK/ran"
fake kernel
ok "a kernel that cannot" refuses 3 "not yours" attach $$
ok "a kernel that cannot run" refuses 3 "not yours" run -- touch "$WORK/ran"
"$UPAGER" detach $$ 2>&-
ok "a message for a closed stderr does not land on the socket" asked \
	"DETACH pid=$$ budget=0 flags=0 pidfd=match"
fake errno
ok "an error without a text" refuses 1 "Cannot allocate memory" populate $$
for mode in close short magic version many; do
	fake "$mode"
	ok "$mode: status" refuses 1 "upagerd" status
	ok "$mode: json" refuses 1 "upagerd" status --json
	ok "$mode: status of one" refuses 1 "upagerd" status 4242
	[ "$mode" = many ] && continue
	ok "$mode: detach" refuses 1 "upagerd" detach $$
	ok "$mode: run" refuses 1 "upagerd" run -- touch "$WORK/ran"
done
ok "none of these started a program" test ! -e "$WORK/ran"

## Status

fake ok
try "$UPAGER" status --json
is "status --json" "$status" 0
ok "status --json has the contract's fields" json 'all(k in p for p in d["processes"] for k in
	"pid comm state uid budget_bytes resident_bytes standby_bytes pool_bytes swapped_bytes registered_bytes "
	"faults zero_fills swap_ins evictions clean_drops rescues refaults "
	"readahead_pages readahead_hits checksum_failures io_errors pinned throttled forks "
	"pauses paused_ns stall_some stall_full latency_ns_log2".split())'
ok "status --json has the values" json '[p["pid"] for p in d["processes"]] == [4242, 4243, 4244] and
	d["processes"][0]["swapped_bytes"] == 196 << 20 and d["processes"][0]["evictions"] == 2000 and
	d["processes"][0]["comm"] == "redis-server" and "text" not in d["processes"][0] and
	d["processes"][2]["text"].startswith("its filter") and
	d["processes"][2]["state"] == "refused" and d["processes"][0]["state"] == "paged"'
ok "a name that is no UTF-8 is still JSON" json 'd["processes"][1]["comm"] == "\x1b[31mred\n" and
	d["processes"][2]["comm"] == "na\u00efve \ufffd"'
ok "a counter beyond JSON's integers stays positive" json 'd["processes"][0]["zero_fills"] == 2**63-1'
ok "stalls are those of each process and of all" json '[p["stall_some"]["avg10"] for p in d["processes"]] ==
	[12.34, 0, 0] and d["processes"][0]["stall_some"]["total_us"] >= 1 << 40 and
	d["processes"][2]["stall_some"]["avg60"] == 0.01 and d["daemon"]["stall_some"]["avg300"] == 0.02'
ok "and how much of them nobody ran in" json '[p["stall_full"]["avg10"] for p in d["processes"]] == [6.17, 0, 0] and
	d["processes"][0]["stall_full"]["total_us"] == 1 << 39 and
	d["daemon"]["stall_full"] == dict(avg10=25, avg60=0.25, avg300=0.01, total_us=8)'
ok "latencies are a list of 32" json 'len(d["processes"][0]["latency_ns_log2"]) == 32 and
	d["processes"][0]["latency_ns_log2"][13:15] == [495, 495]'
ok "the daemon's slots" json 'd["daemon"]["slots_total"] == 262144 and
	d["daemon"]["slots_free"] == 131072'
try "$UPAGER" status
ok "status has a line per process" test "$(grep -c '^ *424[234] ' "$WORK/out")" -eq 3
ok "status has sizes and percentiles" grep -qE \
	'4242 +redis-server +paged +64.0M +60.0M +2.0M +196.0M +1000 +2000 +900 +<33us +<33us +12.34%' "$WORK/out"
ok "status says how long programs waited" \
	grep -qx 'programs waited: some avg10=100.00 avg60=50.01 avg300=0.02 total=9' "$WORK/out"
ok "and how long nobody ran" \
	grep -qx 'programs waited: full avg10=25.00 avg60=0.25 avg300=0.01 total=8' "$WORK/out"
is "status prints no control character" "$(grep -c '[[:cntrl:]]' "$WORK/out")" 0
ok "status says why a process is refused" grep -q '4244 .*its filter forbids mmap' "$WORK/out"
ok "status says what is left of the swap areas" grep -qx 'swap areas: 1.0G, 512.0M free' "$WORK/out"
try "$UPAGER" status 4242
ok "status of one process has all counters" grep -qE '^zero fills +18446744073709551615 ' "$WORK/out"
ok "and its stall, as the kernel writes it" \
	grep -qxE 'stall  some avg10=12.34 avg60=0.00 avg300=0.00 total=1[0-9]{12}' "$WORK/out"
ok "some and full" \
	grep -qx 'stall  full avg10=6.17 avg60=0.00 avg300=0.00 total=549755813888' "$WORK/out"
is "and a histogram to scale" \
	"$(sed -n 's/.*% \(#*\)$/\1/p' "$WORK/out" | awk '{ print length }' | tr '\n' ' ')" \
	"40 40 0 0 0 0 1 "
try "$UPAGER" status --json 4242
ok "status --json of one process" json 'len(d["processes"]) == 1 and "daemon" not in d'
ok "a process that is not paged" refuses 1 "process 77 is not paged" status 77
fake old
try "$UPAGER" status --json
ok "a daemon that knows of no stalls" json 'len(d["processes"]) == 3 and "stall_some" not in d["daemon"]'
# Longer packets, reserved fields and a state that has no name here.
fake newer
try "$UPAGER" status --json
ok "a daemon that is newer" json 'len(d["processes"]) == 3 and "stall_some" in d["daemon"]'
ok "a state that has no name" json '[p["state"] for p in d["processes"]] == ["unknown", "paged", "refused"]'
try "$UPAGER" top -b -n 1
ok "upager top beside a newer daemon" grep -q '3 processes: 1 paged' "$WORK/out"
fake ok
ok "a process that is not paged, as JSON" refuses 1 "process 77 is not paged" status --json 77

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
