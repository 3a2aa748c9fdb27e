# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests of areas on real devices: a daemon on a device that is there, and a program that depends
# on it.

# shellcheck source=selftests/lib.sh disable=SC1091
. "${0%/*}/../lib.sh"

KNOWN=$TARGETS/known_static

# Whatever uses the device, before it goes.
end_paging()
{
	end_group "$program_pid"
	end_group "$daemon_pid"
	program_pid='' daemon_pid=''
}

# daemon_on DEVICE [ARG]...
daemon_on()
{
	local device=$1

	shift
	: >"$WORK/upagerd.log"
	start "$BUILD/upagerd" --swap "$device" --socket "$UPAGER_SOCKET" --state "$RUN/state" "$@" \
		2>>"$WORK/upagerd.log"
	daemon_pid=$started_pid
	wait_for 20 "$BUILD/upager" status --json
}

evicted()
{
	"$BUILD/upager" status --json | python3 -c '
import json, sys
sys.exit(not any(p["evictions"] > 500 for p in json.load(sys.stdin)["processes"]))'
}

# start_program MIB: under a third of it; it goes on until descriptor 3 is closed.
start_program()
{
	rm -f "$WORK/go" "$WORK/result"
	mkfifo "$WORK/go"
	exec 3<>"$WORK/go"
	start "$BUILD/upager" run --budget $(($1 / 3))M -- "$KNOWN" "$1" 1 \
		<"$WORK/go" >"$WORK/result" 2>"$WORK/errors" 3>&-
	program_pid=$started_pid
	wait_for 60 evicted
}

# Sets program_status: 0 right, 1 wrong, 135 it got SIGBUS.
end_program()
{
	exec 3>&-
	wait "$program_pid"
	program_status=$?
	program_pid=
}

is_right()
{
	[ "$program_status" -eq 0 ] && grep -qx "0 words wrong" "$WORK/result"
}

is_right_or_sigbus()
{
	[ "$program_status" -eq 135 ] || is_right
}
