#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The probes of upagerd (base/probe.h): that they are there, and that a debugger that stops at them finds the
# process and a page of it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need readelf python3
need_root
readelf -n "$BUILD/upagerd" >"$WORK/notes" 2>&1
grep -q 'Provider: upagerd' "$WORK/notes" || skip_all "it was built without systemtap-sdt-dev"

cat >"$WORK/program.py" <<'PY'
import os, sys
memory = bytearray(24 << 20)
while os.path.exists(sys.argv[1]):
    for at in range(0, len(memory), 4096):
        memory[at] = (memory[at] + 1) % 256
    if not os.fork():
        os._exit(0)
    os.wait()
PY

# probe NAME ARGUMENTS
probe()
{
	grep -A2 "Name: $1$" "$WORK/notes" | sed -n 's/^ *Arguments: //p' | head -n 1 | wc -w | grep -qx "$2"
}

for name in fault eviction rescue; do
	ok "$name has three values" probe $name 3
done
ok "fork has one" probe fork 1
if command -v bpftrace >/dev/null; then
	for script in fault-trace evict-trace; do
		BPFTRACE_OPTIONS=-d "${0%/*}/../../scripts/$script" "$BUILD/upagerd" 1 >"$WORK/out" 2>&1
		ok "bpftrace understands scripts/$script" grep -q 'usdt:.*:upagerd:' "$WORK/out"
	done
fi
if command -v gdb >/dev/null; then
	ok "the daemon starts" daemon_start 128M
	touch "$WORK/go"
	start "$BUILD/upager" run --budget 8M -- python3 "$WORK/program.py" "$WORK/go"
	program_pid=$started_pid
	paged()
	{
		"$BUILD/upager" status --json | grep -q '"swap_ins": [1-9]'
	}
	ok "a program is paged" wait_for 60 paged
	{
		echo 'set pagination off'
		for name in eviction rescue fault; do
			# shellcheck disable=SC2016 # gdb's own
			printf 'tbreak -probe-stap upagerd:%s\n' $name
		done
		# shellcheck disable=SC2016 # gdb's own
		printf 'continue\nprintf "stopped %%d %%lx %%ld\\n", (int)$_probe_arg0, $_probe_arg1, $_probe_arg2\n%.0s' 1 2 3
		echo detach
	} >"$WORK/gdb"
	timeout 100 gdb -q -batch -nx -p "$daemon_pid" -x "$WORK/gdb" >"$WORK/out" 2>&1
	ok "three of them are stopped at" test "$(grep -c '^stopped ' "$WORK/out")" -eq 3
	is "each has a process that is paged" "$(awk '$1 == "stopped" { print $2 }' "$WORK/out" | sort -u |
		while read -r pid; do "$BUILD/upager" status "$pid" >/dev/null 2>&1 || [ -e "/proc/$pid" ] || echo "$pid"; done)" ''
	ok "and a page" test "$(awk '$1 == "stopped"' "$WORK/out" | grep -cE ' [0-9a-f]+000 ')" -eq 3
	[ "$tap_failed" -eq 0 ] || diag_file "$WORK/out"
	rm "$WORK/go"
	program_wait
	is "the program's exit status" "$program_status" 0
	ok "the daemon ends" daemon_stop
fi
done_testing
