#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 400
#
# Real devices that fail below an area while a program depends on it: device-mapper targets that are
# slow, refuse, lose or change what they hold. The program has right contents or gets SIGBUS, and
# others are not concerned.

# shellcheck source=selftests/fault/device_lib.sh
. "${0%/*}/device_lib.sh"

need_root
need dmsetup losetup

BACKING=$WORK/backing
BYTES=$((64 << 20))
DEVICE=
loop=

release()
{
	[ -z "$DEVICE" ] || dmsetup remove --retry --force "${DEVICE##*/}" 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop" 2>/dev/null
	DEVICE='' loop=''
}
trap 'end_paging; release; cleanup' EXIT

modprobe -a dm-mod dm-flakey dm-delay 2>/dev/null
dmsetup targets 2>/dev/null | grep -q '^flakey' || skip_all "the kernel has no device mapper"

# table_of KIND: what the device is from now on.
table_of()
{
	local all="0 $((BYTES / 512))"

	case $1 in
	sound) echo "$all linear $loop 0" ;;
	slow) echo "$all delay $loop 0 60" ;;
	gone) echo "$all error" ;;
	refuses_writes) echo "$all flakey $loop 0 0 3600 1 error_writes" ;;
	loses_writes) echo "$all flakey $loop 0 0 3600 1 drop_writes" ;;
	# One byte of each, whatever it was.
	changes_reads) echo "$all flakey $loop 0 0 3600 5 corrupt_bio_byte 77 r 165 0" ;;
	esac
}

becomes()
{
	dmsetup suspend --noflush --nolockfs "${DEVICE##*/}" &&
		dmsetup reload "${DEVICE##*/}" --table "$(table_of "$1")" &&
		dmsetup resume "${DEVICE##*/}"
}

# It fails for a while, and the program does not notice.
passes_by()
{
	ok "$1: a program is paged" start_program 12
	ok "$1: the device becomes so" becomes "$1"
	sleep "$2"
	ok "$1: it is sound again" becomes sound
	end_program
	ok "$1: the program has right contents" is_right || diag "status $program_status"
}

# It stays so: SIGBUS, but nothing wrong; and nobody else is concerned.
stays()
{
	local other_pid

	sleep 1000 &
	other_pid=$!
	ok "$1 for good: another program is paged" "$BUILD/upager" attach --budget 64M "$other_pid"
	ok "$1 for good: a program is paged" start_program 12
	ok "$1 for good: the device becomes so" becomes "$1"
	sleep "$2"
	end_program
	ok "$1 for good: right contents or SIGBUS" is_right_or_sigbus || diag "status $program_status"
	ok "$1 for good: the other program lives" alive "$other_pid"
	kill "$other_pid"
	wait "$other_pid" 2>/dev/null
	ok "$1 for good: it is sound again" becomes sound
}

truncate -s "$BYTES" "$BACKING"
loop=$(losetup --find --show "$BACKING") || skip_all "no loop device"
DEVICE=/dev/mapper/upager-test-$$
table_of sound | dmsetup create "${DEVICE##*/}" || skip_all "no device-mapper device"
dmsetup mknodes
"$BUILD/upager" mkswap "$DEVICE" >"$WORK/mkswap.log" 2>&1
is "an area is made" "$?" 0

ok "daemon starts" daemon_on "$DEVICE" --io-retry 30
passes_by slow 4
passes_by gone 3
passes_by refuses_writes 3
ok "daemon stops" daemon_stop
ok "daemon starts that gives up soon" daemon_on "$DEVICE" --io-retry 1
stays gone 3
stays changes_reads 2
stays loses_writes 4
ok "daemon stops" daemon_stop

done_testing
