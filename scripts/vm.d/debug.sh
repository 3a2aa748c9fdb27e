# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The kernel with KASAN, lockdep and kmemleak, from the package of the 6.12 source. build/vm/debug is
#   source              the tree, built in place
#   headers/build       the same, where the headers of a fetched kernel are
#   lib/modules         what is built in, for modprobe to know
#   config              the file that it was built from
#   bzImage             the kernel, put there last: without it nothing else counts

debug_package=/usr/src/linux-source-6.12.tar.xz

debug_unpack()
{
	local source=$1 name
	local -a leave_out=()

	for name in gpu infiniband media net/ethernet net/wireless scsi staging; do
		leave_out+=(--exclude "*/drivers/$name/*.[ch]")
	done
	rm -rf "$source"
	mkdir -p "$source"
	# The Makefiles and Kconfigs of all stay, they are read.
	tar -xJf "$debug_package" -C "$source" --strip-components=1 --wildcards "${leave_out[@]}" \
		--exclude '*/sound/*.[ch]' --exclude '*/arch/*.dts*' || die "cannot unpack $debug_package"
}

# debug_make SOURCE TARGET...: on two processors, after everybody else.
debug_make()
{
	local source=$1

	shift
	nice -n 19 make -C "$source" -j2 "$@" >>"$vm_dir/debug/log" 2>&1 || {
		grep -aE 'error:|Error|undefined' "$vm_dir/debug/log" | head -n 20 >&2
		die "cannot build the debug kernel; build/vm/debug/log has all of it"
	}
}

debug_configure()
{
	local source=$1 config=$2 line

	cp "$config" "$source/kernel/configs/upager.config"
	debug_make "$source" x86_64_defconfig kvm_guest.config upager.config
	# What depends on something else may silently have stayed off.
	while read -r line; do
		grep -qxF "$line" "$source/.config" ||
			die "scripts/vm.d/debug.config: the kernel does not take $line"
	done < <(grep '=' "$config")
}

debug_build()
{
	local dir=$vm_dir/debug source=$vm_dir/debug/source config=$top/scripts/vm.d/debug.config release

	[ ! -s "$dir/bzImage" ] || ! cmp -s "$config" "$dir/config" || return 0
	need flex flex
	need bison bison
	need bc bc
	[ -e "$debug_package" ] || die "$debug_package is missing: install linux-source-6.12 ('make setup')"
	[ -e /usr/include/gelf.h ] || die "libelf-dev is missing: 'make setup' installs all"
	[ -e /usr/include/openssl/ssl.h ] || die "libssl-dev is missing: 'make setup' installs all"
	echo "vm: building the debug kernel, 20 to 40 minutes; progress is in build/vm/debug/log" >&2
	rm -f "$dir/bzImage"
	mkdir -p "$dir/headers"
	: >"$dir/log"
	if [ ! -s "$source/Makefile" ] || [ ! -s "$dir/config" ]; then
		debug_unpack "$source"
	fi
	cp "$config" "$dir/config"
	debug_configure "$source" "$config"
	debug_make "$source" bzImage modules
	release=$(cat "$source/include/config/kernel.release")
	rm -rf "${dir:?}/lib"
	mkdir -p "$dir/lib/modules/$release"
	cp "$source/modules.builtin" "$dir/lib/modules/$release/"
	: >"$dir/lib/modules/$release/modules.dep"
	ln -sfn ../source "$dir/headers/build"
	echo "$release" >"$dir/release"
	cp "$source/arch/x86/boot/bzImage" "$dir/bzImage.new"
	mv "$dir/bzImage.new" "$dir/bzImage"
}

# Under a lock of its own: fetching need not wait for so long.
debug_main()
(
	[ $# -eq 0 ] || usage_error "debug-kernel takes no '$*'"
	mkdir -p "$vm_dir"
	exec 9>"$vm_dir/lock.debug"
	flock 9
	debug_build
)
