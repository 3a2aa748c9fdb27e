# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# One guest: its options, its life, and the stream of what its command writes.

boot_options()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--)
			shift
			boot_command "$@"
			return
			;;
		-h | --help)
			usage
			exit
			;;
		--kernel | --root | --mem | --cpus | --time | --add | --host | --disk)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			boot_option "$1" "$2"
			shift 2
			;;
		*)
			usage_error "unknown option '$1'"
			;;
		esac
	done
}

boot_option()
{
	local form='.'

	case $1 in
	--mem | --disk) form='^[1-9][0-9]*[KMGT]?$' ;;
	--cpus | --time) form='^[1-9][0-9]*$' ;;
	esac
	[[ $2 =~ $form ]] || usage_error "$1 cannot be '$2'"
	case $1 in
	--add) added+=("$2") ;;
	--host) hosted+=("$2") ;;
	--kernel)
		kernel=$2
		[[ " $fetched_kernels $other_kernels debug " == *" $kernel "* ]] ||
			usage_error "--kernel is one of $fetched_kernels $other_kernels debug, not '$kernel'"
		;;
	--root)
		system=$2
		[ "$system" = debian ] || usage_error "--root is debian, not '$system'"
		;;
	--mem) memory=$2 ;;
	--cpus) cpus=$2 ;;
	--time) limit_s=$2 ;;
	--disk) disks+=("$2") ;;
	esac
}

# One argument is a line of shell; several are the words of one command.
boot_command()
{
	case $# in
	0) usage_error "no COMMAND after --" ;;
	1) command=$1 ;;
	*) command=$(printf '%q ' "$@") ;;
	esac
}

boot_qemu()
{
	local run=$1 size n=0
	# A busy host stalls an emulated processor for longer than the kernel's own limits have it.
	local words="console=ttyS0 quiet loglevel=5 panic=-1 oops=panic tsc=reliable no_timer_check"
	words+=" cryptomgr.notests i8042.noprobe rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30"
	# shellcheck disable=SC2054
	local -a args=(
		-nodefaults -no-user-config -display none -no-reboot
		-accel "$(accel_argument)" -cpu max,la57=off -smp "$cpus" -m "$memory"
		-kernel "$vm_dir/$kernel/bzImage" -initrd "$run/initramfs"
		-append "$words"
		-chardev "file,id=console,path=$run/console" -serial chardev:console
		-chardev "file,id=verdict,path=$run/verdict" -serial chardev:verdict
	)

	for size in "${disks[@]}"; do
		truncate -s "$size" "$run/disk$n" || die "cannot make a disk of size $size"
		args+=(-drive "file=$run/disk$n,if=virtio,format=raw,cache=unsafe,discard=unmap")
		n=$((n + 1))
	done
	[ -z "$system" ] ||
		args+=(-drive "file=$vm_dir/$system/root.ext4,if=virtio,format=raw,cache=unsafe,snapshot=on")
	if [ "$limit_s" = 0 ]; then
		qemu-system-x86_64 "${args[@]}" -chardev stdio,id=output,signal=off \
			-serial chardev:output 2>"$run/qemu"
	else
		exec timeout -k 5 $((limit_s + boot_s)) qemu-system-x86_64 "${args[@]}" \
			-chardev "file,id=output,path=$run/output" -serial chardev:output 2>"$run/qemu"
	fi
}

# Ends the guest at once when this script is told to end.
boot_cleanup()
{
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || true
	rm -rf "$run"
}

# Runs a guest with the caller's options, once per shell: its cleanup is that of the shell. Not in a
# shell of its own, which a signal to this one would leave behind with the guest.
boot_guest()
{
	local kernel=$1 qemu_status=0

	qemu_pid=''
	ulimit -c 0
	run=$(mktemp -d "$vm_dir/run.XXXXXX")
	trap boot_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	initramfs_build "$run/root" "$kernel" "$run/initramfs"
	touch "$run"/{console,verdict,output,qemu}
	if [ "$limit_s" = 0 ]; then
		boot_qemu "$run" || qemu_status=$?
	else
		boot_qemu "$run" &
		qemu_pid=$!
		# tail looks once more after the guest ended. Waiting for it lets a signal in at once.
		tail -c +1 -f -s 0.1 --pid=$qemu_pid "$run/output" &
		wait $! || true
		# The shell would remark on a signal that ended it.
		{ wait "$qemu_pid" || qemu_status=$?; } 2>/dev/null
		qemu_pid=''
	fi
	verdict_judge "$run" "$qemu_status"
}

# The module is not sanitized or otherwise special, so it is always in build/; made for one guest at a
# time, as two of a kernel would write to one place.
boot_module()
(
	need make make
	exec 9>"$vm_dir/lock.module"
	flock 9
	env -u MAKEFLAGS -u MAKELEVEL -u BUILD make -C "$top" --no-print-directory \
		"build/kmod-$1/upager.ko" >&2 || die "cannot build the module for kernel $1"
)

boot_main()
{
	local subcommand=$1 kernel=6.12 memory=1024M cpus=2 limit_s=300 boot_s=60 command='' accel system=''
	local -a added=() hosted=() disks=()

	shift
	boot_options "$@"
	case $subcommand in
	run) [ -n "$command" ] || usage_error "run needs -- COMMAND" ;;
	shell)
		[ -z "$command" ] || usage_error "shell takes no COMMAND"
		limit_s=0
		command='exec busybox sh -l'
		[ -z "$system" ] || command='exec bash -l'
		;;
	esac
	need qemu-system-x86_64 qemu-system-x86
	fetch_need "$kernel"
	if [ -n "$system" ]; then
		root_need || exit 125
		boot_s=240
	fi
	boot_module "$kernel"
	accel_choose "$kernel"
	boot_guest "$kernel"
}
