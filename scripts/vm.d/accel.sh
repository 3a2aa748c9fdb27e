# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# KVM or emulation. That /dev/kvm opens proves nothing: inside some virtual machines a guest then
# spins for ever. So a guest is booted once with a short limit, and the answer is remembered for
# this kernel and processor of the host.

accel_probe()
{
	local kernel=$1 command=true limit_s=5 boot_s=10 accel=kvm memory=512M cpus=2 system='' status
	local -a added=() hosted=() disks=()

	[ -w /dev/kvm ] || return
	echo "vm: probing whether KVM really runs a guest, at most $((limit_s + boot_s)) s" >&2
	(boot_guest "$kernel") >/dev/null 2>&1 && status=0 || status=$?
	return "$status"
}

# Sets accel to kvm or tcg.
accel_choose()
{
	local kernel=$1 host answer

	case ${UPAGER_VM_ACCEL:-} in
	kvm | tcg)
		accel=$UPAGER_VM_ACCEL
		return
		;;
	'') ;;
	*) usage_error "UPAGER_VM_ACCEL is kvm or tcg, not '$UPAGER_VM_ACCEL'" ;;
	esac
	host="$(uname -r) $(sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo)"
	if [ "$(sed 1d "$vm_dir/accel" 2>/dev/null)" = "$host" ]; then
		accel=$(sed q "$vm_dir/accel")
		return
	fi
	if accel_probe "$kernel"; then answer=kvm; else answer=tcg; fi
	printf '%s\n%s\n' "$answer" "$host" >"$vm_dir/accel.$$"
	mv "$vm_dir/accel.$$" "$vm_dir/accel"
	accel=$answer
}

# Prints what QEMU is told. Before 8.1 its threads may run a translation that was made while the code
# was patched, and so a breakpoint that is gone: with probes coming and going, the guest's kernel dies
# of it. One thread for all processors has no such race.
accel_argument()
{
	local major minor

	read -r major minor < <(qemu-system-x86_64 --version |
		sed -nE '1s/.* version ([0-9]+)\.([0-9]+).*/\1 \2/p')
	if [ "$accel" = tcg ] && [ $((major * 100 + minor)) -lt 801 ]; then
		echo tcg,thread=single
	else
		echo "$accel"
	fi
}
