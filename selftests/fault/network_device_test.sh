#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TIMEOUT 200
#
# An area on another machine's disk, by NVMe over TCP: the other machine goes away while a program
# depends on it, and comes back. (It is this one.)

# shellcheck source=selftests/fault/device_lib.sh
. "${0%/*}/device_lib.sh"

need_root

CONFIG=/sys/kernel/config
TARGET=$CONFIG/nvmet/subsystems/nqn.2026-11.upager:area-$$
PORT=$CONFIG/nvmet/ports/$((20000 + $$ % 10000))
DEVICE=
mounted=

# Of the controller that is ours.
controller()
{
	grep -lx "${TARGET##*/}" /sys/class/nvme/nvme*/subsysnqn 2>/dev/null | sed 's,/subsysnqn$,,'
}

release()
{
	local controller

	controller=$(controller)
	[ -z "$controller" ] || echo 1 >"$controller/delete_controller"
	away 2>/dev/null
	rmdir "$PORT" "$TARGET/namespaces/1" "$TARGET" 2>/dev/null
	[ -z "$mounted" ] || umount "$CONFIG"
	mounted=
}
trap 'end_paging; release; cleanup' EXIT

modprobe -a nvmet-tcp nvme-tcp 2>/dev/null
[ -e /dev/nvme-fabrics ] || skip_all "the kernel has no NVMe over TCP"
mountpoint -q "$CONFIG" || { mount -t configfs none "$CONFIG" && mounted=yes; }
[ -d "$CONFIG/nvmet" ] || skip_all "the kernel is no target of NVMe over TCP"

# set FILE VALUE
set_to()
{
	echo "$2" >"$1"
}

offer_namespace()
{
	truncate -s 64M "$WORK/disk"
	mkdir -p "$TARGET/namespaces/1" "$PORT" &&
		set_to "$TARGET/attr_allow_any_host" 1 &&
		set_to "$TARGET/namespaces/1/device_path" "$WORK/disk" &&
		set_to "$TARGET/namespaces/1/buffered_io" 1 &&
		set_to "$TARGET/namespaces/1/enable" 1 &&
		set_to "$PORT/addr_adrfam" ipv4 && set_to "$PORT/addr_trtype" tcp &&
		set_to "$PORT/addr_traddr" 127.0.0.1 && set_to "$PORT/addr_trsvcid" "${PORT##*/}"
}

back()
{
	ln -s "$TARGET" "$PORT/subsystems/${TARGET##*/}"
}

away()
{
	rm "$PORT/subsystems/${TARGET##*/}"
}

connect()
{
	echo "nqn=${TARGET##*/},transport=tcp,traddr=127.0.0.1,trsvcid=${PORT##*/}" \
		"reconnect_delay=1,ctrl_loss_tmo=600,nr_io_queues=1" | tr ' ' , >/dev/nvme-fabrics
}

# What names our disk is the subsystem, or, where the kernel knows one way only, the controller.
device()
{
	local of path

	while read -r of; do
		for path in "${of%/subsysnqn}"/nvme*n1; do
			[ -b "/dev/${path##*/}" ] && DEVICE=/dev/${path##*/} && return
		done
	done < <(grep -lx "${TARGET##*/}" /sys/class/nvme-subsystem/*/subsysnqn \
		/sys/class/nvme/*/subsysnqn 2>/dev/null)
	return 1
}

ip link set lo up 2>/dev/null
ok "the other machine offers a disk" offer_namespace
ok "it is there" back
ok "it is connected" connect
ok "a device is there" wait_for 20 device
device
"$BUILD/upager" mkswap "$DEVICE" >"$WORK/mkswap.log" 2>&1
is "an area is made" "$?" 0
ok "daemon starts" daemon_on "$DEVICE" --io-retry 60
ok "a program is paged" start_program 12
ok "the other machine goes away" away
sleep 3
ok "it comes back" back
end_program
ok "the program has right contents" is_right || diag "status $program_status"
ok "daemon stops" daemon_stop
done_testing
