# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What a finished guest proves. Only this is success: a whole verdict, a console that reaches its end
# mark, no complaint of the kernel on it, no taint that stands for one.

verdict_splats='BUG:|WARNING:|\bOops\b|KASAN:|KCSAN:|KFENCE:|UBSAN:|general protection fault[:,]|Kernel panic|hung task'
verdict_splats+='|blocked for more than|rcu: INFO|INFO: rcu|soft lockup|hard LOCKUP|cut here|DEBUG_LOCKS|ODEBUG:'
verdict_splats+='|INFO: trying to register|refcount_t:|Bad page|unreferenced object|new suspected memory leaks'
# Whatever the kernel has to say of a function of the module.
verdict_splats+='|\[upager\]'
# Bits of /proc/sys/kernel/tainted: bad page, died, warned, soft lockup.
verdict_taints=$((1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))

verdict_show()
{
	echo "vm: the guest's kernel said (build/vm/failed.console has all of it):" >&2
	cp "$1/console" "$vm_dir/failed.console"
	grep -aEA 150 -m 1 "$verdict_splats" "$1/console" >&2 || tail -n 40 "$1/console" >&2
}

# verdict_judge RUN QEMU_STATUS: returns what the command returned, or 124, or 125.
verdict_judge()
{
	local run=$1 qemu_status=$2 status tainted

	if grep -aqE "$verdict_splats" "$run/console"; then
		verdict_show "$run"
		echo "vm: failed: the guest's kernel complained" >&2
		return 125
	fi
	if grep -q '^timeout' "$run/verdict"; then
		echo "vm: failed: the command ran longer than $limit_s s; give it more with --time" >&2
		return 124
	fi
	status=$(sed -nE 's/^status ([0-9]+)$/\1/p' "$run/verdict")
	tainted=$(sed -nE 's/^tainted ([0-9]+)$/\1/p' "$run/verdict")
	if [ -z "$status" ] || [ -z "$tainted" ]; then
		verdict_show "$run"
		if [ "$qemu_status" = 124 ] || [ "$qemu_status" = 137 ]; then
			echo "vm: failed: no verdict within $((limit_s + boot_s)) s" >&2
			return 124
		fi
		echo "vm: failed: the guest ended without a verdict: $(cat "$run/verdict" "$run/qemu")" >&2
		return 125
	fi
	if ! grep -aq 'upager-vm: end of the console' "$run/console"; then
		verdict_show "$run"
		echo "vm: failed: the guest's console broke off, so a complaint may be missing" >&2
		return 125
	fi
	if [ $((tainted & verdict_taints)) != 0 ]; then
		verdict_show "$run"
		echo "vm: failed: the guest's kernel is tainted ($tainted)" >&2
		return 125
	fi
	return "$status"
}
