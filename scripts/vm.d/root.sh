# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A Debian 12 root file system with systemd as PID 1, for --root debian. It is made once from packages:
# build/vm/debian is
#   packages    what it was made of, written last: without it nothing else counts
#   root.ext4   the file system; a guest writes to a copy of its own, which QEMU throws away
# The initramfs loads the modules, puts what the caller adds into it, and gives way to systemd.

root_suite=bookworm
# What systemd needs, what upagerd and upager link to, what is paged, and what tests are written in.
root_packages=(
	systemd systemd-sysv dbus kmod
	liburing2 libxxhash0 libblkid1 libsystemd0 libinih1 libsmartcols1 libjansson4 libncursesw6
	libcap-ng0 libnl-3-200 libnl-genl-3-200
	python3 redis-server redis-tools procps
)
# Of these nothing is to run beside a test.
root_masked=(
	redis-server.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
	e2scrub_all.timer e2scrub_reap.service fstrim.timer getty@tty1.service serial-getty@ttyS0.service
	proc-sys-fs-binfmt_misc.automount systemd-pstore.service
)

# Where this machine has its own packages from.
root_mirror()
{
	apt-get indextargets --format "\$(REPO_URI)" 'Component: main' 'Created-By: Packages' \
		'Origin: Debian' "Codename: $root_suite" 2>/dev/null | sed q
}

root_cannot()
{
	echo "vm: no Debian root file system: $*" >&2
	exit 4
}

root_fill()
{
	local root=$1 include mirror unit

	include=$(printf '%s,' "${root_packages[@]}")
	mirror=$(root_mirror)
	mmdebstrap --quiet --mode=root --variant=minbase --include="${include%,}" \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		"$root_suite" "$root" ${mirror:+"$mirror"} >"$vm_dir/debian.log" 2>&1 &
	root_pid=$!
	wait $root_pid || return
	# With it the boot is none of a new system, which would enable all that is installed.
	echo 5f1d6b0e0d6c4c5c9f0a7be1a4d2c3b6 >"$root/etc/machine-id"
	for unit in "${root_masked[@]}"; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	mkdir -p "$root/etc/systemd/journald.conf.d"
	printf '[Journal]\nStorage=volatile\n' >"$root/etc/systemd/journald.conf.d/vm.conf"
	chmod 0755 "$root/root"
}

# Waits for it in any case, as it cleans up.
root_end()
{
	[ -z "$root_pid" ] || { kill "$root_pid" && wait "$root_pid"; } 2>/dev/null || true
}

# Makes it unless it is there, made of the same packages.
root_make()
(
	local dir=$vm_dir/debian new packages="$root_suite ${root_packages[*]} ${root_masked[*]}"

	mkdir -p "$vm_dir"
	exec 9>"$vm_dir/lock.debian"
	flock 9
	[ "$(cat "$dir/packages" 2>/dev/null)" != "$packages" ] || exit 0
	[ "$(id -u)" = 0 ] || root_cannot "it takes root to make one"
	command -v mmdebstrap >/dev/null ||
		root_cannot "mmdebstrap is missing: 'make setup' installs all"
	echo "vm: making a Debian root file system, which takes some minutes, once" >&2
	new=$(mktemp -d "$vm_dir/debian.XXXXXX")
	root_pid=
	trap 'root_end; rm -rf "$new"' EXIT
	trap 'exit 1' HUP INT TERM
	root_fill "$new/root" ||
		root_cannot "$(grep -am 1 '^E: ' "$vm_dir/debian.log") (build/vm/debian.log)"
	truncate -s 2G "$new/root.ext4"
	mkfs.ext4 -q -d "$new/root" "$new/root.ext4"
	rm -rf "$new/root" "$dir"
	mkdir "$dir"
	mv "$new/root.ext4" "$dir/"
	echo "$packages" >"$dir/packages"
)

# Has it made if it must be; with status 4 it cannot be, and that was said. A signal ends what makes it.
root_need()
{
	local maker status=0

	root_make &
	maker=$!
	trap 'kill $maker; wait $maker; exit 143' HUP INT TERM
	wait $maker || status=$?
	trap - HUP INT TERM
	return $status
}

# Adds to the initramfs what enters the file system on the disk after those that the caller asked for.
root_scripts()
{
	local conf=$1/etc/vm letters=abcdefghijklmnopqrstuvwxyz

	cat >>"$conf/prepare" <<-END
		mkdir /newroot && mount -t ext4 /dev/vd${letters:${#disks[@]}:1} /newroot || exit
	END
	cat >>"$conf/prepare" <<-'END'
		cp -a /etc/vm /newroot/etc/ && cp -a /root/. /newroot/root/ || exit
		cp -a /usr/bin/upager /usr/bin/upagerd /newroot/root/ 2>/dev/null
		cp -a /etc/vm/units/. /newroot/etc/systemd/system/
		cp -a /etc/vm/shutdown /newroot/usr/lib/systemd/system-shutdown/vm
		# Modules and libraries that are not there.
		find /usr/lib /usr/lib64 ! -type d | while read -r file; do
			[ -e "/newroot$file" ] || {
				mkdir -p "/newroot${file%/*}" && cp -a "$file" "/newroot$file"
			}
		done
		hostname >/newroot/etc/hostname
	END
	mkdir "$conf/units"
	: >"$conf/enter"
	ln -s vm.target "$conf/units/default.target"
	cat >"$conf/units/vm.target" <<-'END'
		[Unit]
		Requires=multi-user.target
		Wants=vm-command.service
		After=multi-user.target
	END
	cat >"$conf/units/vm-command.service" <<-'END'
		[Unit]
		After=multi-user.target
		[Service]
		Type=oneshot
		ExecStart=/bin/bash /etc/vm/service
		Environment=PATH=/usr/sbin:/usr/bin:/root HOME=/root USER=root TERM=linux LANG=C.UTF-8 UPAGER_VM=1
		WorkingDirectory=/root
		TimeoutStartSec=infinity
	END
	# As selftests/vm/init.c runs a command; PID 1's last act is below.
	cat >"$conf/service" <<-'END'
		stty raw -echo </dev/ttyS2
		if read -r limit_s </etc/vm/limit_s && [ "$limit_s" = 0 ]; then
			stty sane </dev/ttyS2
			setsid --ctty --wait sh /etc/vm/command </dev/ttyS2 >/dev/ttyS2 2>&1
			status=$?
		else
			timeout --kill-after=5 "$limit_s" sh /etc/vm/command \
				</dev/null > >(exec cat >/dev/ttyS2) 2>&1
			status=$?
			# What the command left behind may have the pipe for ever.
			timeout 5 tail -f --pid=$! /dev/null
		fi
		case $status in
		124 | 137) [ "$limit_s" = 0 ] || [ "$SECONDS" -lt "$limit_s" ] || status= ;;
		esac
		if [ -n "$status" ]; then
			echo "status $status" >/dev/ttyS1
		else
			sh /etc/vm/hung >/dev/ttyS2 2>&1
			echo timeout >/dev/ttyS1
		fi
		systemctl --force poweroff
	END
	# PID 1 has ended every process.
	cat >"$conf/shutdown" <<-'END'
		#!/bin/sh
		left=
		for dir in /proc/[0-9]*; do
			case ${dir#/proc/} in
			1 | $$ | $PPID) ;;
			*) [ ! -e "$dir/exe" ] || left="$left $(cat "$dir/comm")" ;;
			esac
		done
		if [ -n "$left" ]; then
			echo "failed processes outlive SIGKILL:$left" >/dev/ttyS1
		else
			echo "tainted $(cat /proc/sys/kernel/tainted)" >/dev/ttyS1
		fi
		echo "<4>upager-vm: end of the console" >/dev/kmsg
	END
	chmod 0755 "$conf/shutdown"
}
