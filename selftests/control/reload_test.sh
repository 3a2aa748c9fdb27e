#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The configuration of a daemon that runs: SIGHUP has it read again, with a program that is paged.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"

need python3
need_root

CONFIG=$WORK/upagerd.conf

# 24 MiB, over and over, as long as a file is there.
cat >"$WORK/program.py" <<'PY'
import os, sys
memory = bytearray(24 << 20)
while os.path.exists(sys.argv[1]):
    for at in range(0, len(memory), 4096):
        memory[at] = (memory[at] + 1) % 256
PY

# configure KEY=VALUE...: and have it read.
configure()
{
	said_before=0
	[ ! -e "$WORK/upagerd.log" ] || said_before=$(wc -l <"$WORK/upagerd.log")
	printf '[upagerd]\n' >"$CONFIG"
	printf '%s\n' "$@" >>"$CONFIG"
	[ -z "$daemon_pid" ] || kill -HUP "$daemon_pid"
}

# said REGEX: since then.
said()
{
	tail -n +$((said_before + 1)) "$WORK/upagerd.log" | grep -qE -- "$1"
}

has()
{
	"$UPAGER" status --json | python3 -c 'import json, sys
p = json.load(sys.stdin)["processes"][0]
sys.exit(not eval(sys.argv[1]))' "$1"
}

configure "socket = $UPAGER_SOCKET" "limit = 64M"
ok "a daemon with a configuration" daemon_start 128M --config "$CONFIG"
touch "$WORK/go"
start "$UPAGER" run --budget 32M -- python3 "$WORK/program.py" "$WORK/go"
program_pid=$started_pid
ok "a program below its budget" wait_for 60 has 'p["resident_bytes"] > 24 << 20 and p["swapped_bytes"] == 0'

configure "socket = $UPAGER_SOCKET" "limit = 16M" "io_retry = 5"
ok "SIGHUP: it says what is different" wait_for 20 said \
	'SIGHUP: .* read again: limit 67108864 -> 16777216, io_retry 10 -> 5$'
ok "and goes by it: the program has less than its budget" wait_for 60 has \
	'p["share_bytes"] <= 16 << 20 and p["resident_bytes"] <= 17 << 20 and p["swapped_bytes"] > 0'

configure "socket = $UPAGER_SOCKET" "limit = much"
ok "one that is wrong is named with its line" wait_for 20 said "limit is 'much'.*\(line 3 of $CONFIG\)"
ok "and all stays as it was" wait_for 20 said 'stays as it was'
ok "so it does" has 'p["share_bytes"] <= 16 << 20'

mkdir "$CONFIG.d"
printf '[upagerd]\nlimit = 20M\n' >"$CONFIG.d/more.conf"
configure "socket = $UPAGER_SOCKET" "limit = 16M" "io_retry = 5" "state = /elsewhere" "swap = /elsewhere"
ok "a file beside it wins" wait_for 20 said 'read again: limit 16777216 -> 20971520$'
ok "what is on the command line stays" test "$(grep -c 'does not change' "$WORK/upagerd.log")" -eq 0
rm -r "$CONFIG.d"
configure
ok "no limit" wait_for 20 said 'limit 20971520 -> none, io_retry 5 -> 10'
ok "the program has its budget again" wait_for 60 has 'p["share_bytes"] == 32 << 20 and p["resident_bytes"] > 24 << 20'
configure
ok "nothing different" wait_for 20 said 'nothing is different'
rm "$WORK/go"
program_wait
is "the program's exit status" "$program_status" 0
ok "the daemon ends" daemon_stop
done_testing
