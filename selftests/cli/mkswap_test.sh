#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upager mkswap: what it makes, and above all what it refuses to overwrite and leaves as it was.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need_root
need losetup mkfs.ext4 mkswap swapon wipefs blkid flock

FILE=$WORK/file
MOUNT=$WORK/mount
loops=
holder_pid=

# Before the clean-up of lib.sh, which removes the files below all this.
release()
{
	local loop

	end_group "$holder_pid"
	holder_pid=
	for loop in $loops; do
		swapoff "$loop" 2>/dev/null
		umount "$loop" 2>/dev/null
	done
	umount "$MOUNT" 2>/dev/null
	swapoff "$FILE" 2>/dev/null
	for loop in $loops; do
		losetup -d "$loop" 2>/dev/null
	done
	loops=
	rm -f -- "$FILE" "$FILE.copy"
}
trap 'release; cleanup' EXIT

# attach_loop [OPTION]...: a loop device over FILE; sets loop.
attach_loop()
{
	loop=$(losetup --find --show "$@" "$FILE") || return 1
	loops="$loops $loop"
}

# mkswap_exits STATUS ARG...: and says one line, on stderr unless the status is 0.
mkswap_exits()
{
	local wanted=$1 status

	shift
	"$BUILD/upager" mkswap "$@" >"$WORK/out" 2>"$WORK/err"
	status=$?
	[ "$status" -eq "$wanted" ] || {
		diag "exit status $status, wanted $wanted"
		diag_file "$WORK/err"
		return 1
	}
	if [ "$status" -eq 0 ]; then
		[ "$(wc -l <"$WORK/out")" -eq 1 ] && [ ! -s "$WORK/err" ]
	else
		[ "$(wc -l <"$WORK/err")" -eq 1 ] && [ ! -s "$WORK/out" ]
	fi
}

# refuses TEXT ARG...: exit status 1, TEXT is in the message, FILE is the same afterwards.
refuses()
{
	local text=$1

	shift
	sync
	cp -- "$FILE" "$FILE.copy"
	mkswap_exits 1 "$@" || return 1
	grep -qF -- "$text" "$WORK/err" || {
		diag_file "$WORK/err"
		return 1
	}
	sync
	cmp -- "$FILE" "$FILE.copy"
}

# An area: its magic is there.
is_area()
{
	[ "$(head -c 8 -- "$1")" = UPAGERSW ]
}

one_area_line()
{
	grep -Eq "^$1: $2, $3 slots, UUID [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$4\$" "$WORK/out"
}

zeros()
{
	rm -f -- "$FILE"
	truncate -s "$1" -- "$FILE"
}

# Usage
help_names_options()
{
	"$BUILD/upager" mkswap --help >"$WORK/help" && grep -q -e --label "$WORK/help"
}
ok "--help exits 0 and names the options" help_names_options
ok "no path is wrong usage" mkswap_exits 2
ok "two paths are wrong usage" mkswap_exits 2 a b
ok "an unknown option is wrong usage" mkswap_exits 2 --fore "$FILE.x" --quick
for size in 0 1X -1M 1MB "" 16777216T; do
	ok "size '$size' is wrong usage" mkswap_exits 2 --size "$size" "$FILE"
done
ok "a label of 33 bytes is wrong usage" \
	mkswap_exits 2 --size 1M --label 123456789012345678901234567890123 "$FILE"
ok "and none of these made a file" test ! -e "$FILE"

# Files
ok "a file is made" mkswap_exits 0 --size 1M --label fast "$FILE"
ok "one line tells what" one_area_line "$FILE" 1.0M 255 ", label fast"
ok "it is an area" is_area "$FILE"
is "it is private" "$(stat -c %a "$FILE")" 600
ok "it is made anew without --force" mkswap_exits 0 "$FILE"
ok "now without a label" one_area_line "$FILE" 1.0M 255 ""
ok "a path that is not there is refused" mkswap_exits 1 "$WORK/none"
ok "with the remedy" grep -q -e --size "$WORK/err"
ok "a path in no directory is refused" mkswap_exits 1 "$WORK/none/area"
ok "with that as the cause" grep -qF "there is no directory $WORK/none: make it" "$WORK/err"
ok "also with a size" mkswap_exits 1 --size 1M "$WORK/none/area"
ok "with the same cause" grep -qF "there is no directory $WORK/none: make it" "$WORK/err"
ok "a file that cannot be made" mkswap_exits 1 --size 1M /proc/none
ok "with a remedy" grep -qF "check who may write there" "$WORK/err"
ok "a directory is refused" mkswap_exits 1 --force --size 1M "$WORK"
ok "28K are refused" mkswap_exits 1 --size 28K "$WORK/small"
ok "and leave no file" test ! -e "$WORK/small"
zeros 28K
ok "a file of 28K is refused" refuses "too small" "$FILE"

# Read-only
zeros 1M
mkdir "$MOUNT"
mount --bind -o ro "$WORK" "$MOUNT"
ok "a file on a read-only mount is refused" refuses "cannot be opened" --force "$MOUNT/file"
umount "$MOUNT"
if chattr +i "$FILE" 2>/dev/null; then
	ok "an immutable file is refused" refuses "cannot be opened" --force "$FILE"
	chattr -i "$FILE"
fi

# Foreign signatures
rm -f -- "$FILE"
truncate -s 16M -- "$FILE"
# Regression: one of more than memory took all of it from everybody.
if [ "$(stat -f -c %T "$RUN")" = tmpfs ]; then
	ok "one in memory is refused" mkswap_exits 1 --size 1M "$RUN/area"
	ok "with the cause" grep -q "in memory, which it is to save" "$WORK/err"
	ok "and not made" test ! -e "$RUN/area"
	ok "--force makes it" mkswap_exits 0 --force --size 1M "$RUN/area"
	rm "$RUN/area"
fi

mkfs.ext4 -q -F "$FILE"
ok "a file with an ext4 is refused" refuses ext4 "$FILE"
ok "also when it would grow" refuses --force --size 32M "$FILE"
if attach_loop; then
	ok "a device with an ext4 is refused" refuses ext4 "$loop"
	ok "--size is refused for a device" refuses "leave --size out" --force --size 8M "$loop"
	mount "$loop" "$MOUNT"
	ok "a mounted device is refused" refuses "$MOUNT" "$loop"
	ok "even with --force" refuses "unmount" --force "$loop"
	ok "so is the file behind it" refuses "$loop" --force "$FILE"
	truncate -s 64K "$MOUNT/file"
	ok "a file that its file system has no room for is refused" \
		mkswap_exits 1 --size 64M "$MOUNT/file"
	ok "with the cause" grep -q "64.0M of space" "$WORK/err"
	ok "before others lack that space" grep -q "are free there" "$WORK/err"
	is "and stays as small as it was" "$(stat -c %s "$MOUNT/file")" 65536
	ok "so is a new file" mkswap_exits 1 --size 64M "$MOUNT/new"
	ok "which is removed" test ! -e "$MOUNT/new"
	umount "$MOUNT"
	ok "--force overwrites the ext4" mkswap_exits 0 --force --label net "$loop"
	ok "one line tells what" one_area_line "$loop" 16.0M 4095 ", label net"
	ok "it is an area" is_area "$loop"
	is "no ext4 is left" "$(blkid -p -s TYPE -o value "$loop")" ""
	ok "it is made anew without --force" mkswap_exits 0 "$loop"

	mkswap "$loop" >/dev/null
	ok "a device with a swap signature is refused" refuses swap "$loop"
	if swapon "$loop"; then
		ok "a device that is swapped on is refused" \
			refuses "swapoff $loop" --force "$loop"
		swapoff "$loop"
	fi

	wipefs --all --quiet "$loop"
	# One partition of type 0x83, 2048 sectors from the 2048th on.
	printf '\0\0\0\0\203\0\0\0\0\10\0\0\0\10\0\0' |
		dd of="$loop" bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of="$loop" bs=1 seek=510 conv=notrunc status=none
	ok "a partition table is refused" refuses "partition table of type dos" "$loop"
	ok "--force overwrites it" mkswap_exits 0 --force "$loop"
	is "no partition table is left" "$(blkid -p -s PTTYPE -o value "$loop")" ""

	start flock --exclusive --no-fork "$loop" sleep 60
	holder_pid=$started_pid
	wait_for 5 sh -c "! flock --exclusive --nonblock '$loop' true"
	ok "a device that another process has locked is refused" refuses "in use" --force "$loop"
	end_group "$holder_pid"
	holder_pid=
	losetup -d "$loop"

	if attach_loop --read-only; then
		ok "a read-only device is refused" refuses "is read-only" --force "$loop"
		losetup -d "$loop"
	fi
fi

# A file in use
start flock --exclusive --no-fork "$FILE" sleep 60
holder_pid=$started_pid
wait_for 5 sh -c "! flock --exclusive --nonblock '$FILE' true"
ok "a file that another process has locked is refused" refuses "in use" --force "$FILE"
end_group "$holder_pid"
holder_pid=
rm -f -- "$FILE"
dd if=/dev/zero of="$FILE" bs=1M count=16 2>/dev/null
chmod 600 "$FILE"
mkswap "$FILE" >/dev/null
if swapon "$FILE" 2>/dev/null; then
	ok "a file that is swapped on is refused" refuses "swapoff $FILE" --force "$FILE"
	swapoff "$FILE"
fi
rm -f -- "$FILE"
printf 'the only copy\n' >"$FILE"
ok "a file with unknown data is refused" refuses "holds data" --size 1M "$FILE"

done_testing
