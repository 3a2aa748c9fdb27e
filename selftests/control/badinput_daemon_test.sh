#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 300
#
# A daemon whose options, swap areas, state directory or socket are bad: one line that names cause and
# remedy, the exit status of the contract, and nothing is left of it.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=selftests/refusal.sh
. "${0%/*}/../refusal.sh"
# shellcheck source=selftests/control/worker.sh
. "${0%/*}/worker.sh"

need_root
need /usr/bin/python3 setpriv mount

# Set by run_target.
full_pid=''
trap 'umount "$WORK/small" 2>/dev/null; release; cleanup' EXIT

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

## A second daemon

workers_begin
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
daemon_kill
ok "an area of a daemon that died" second "start upagerd with the same --state" \
	"$WORK/area" "$RUN/other.sock" "$RUN/other"
ok "mkswap of it" refused 1 "whose upagerd died" "$UPAGER" mkswap --force "$WORK/area"
ok "another takes over" daemon_start_again
ok "and goes on" paged_well
ok "no second daemon or keeper is left" test -z "$(pgrep -f -- "$RUN/other")"

workers_end

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
