# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The guest's root: busybox, PID 1, modules, our programs, what the caller adds. Uncompressed: under
# emulation the kernel would unpack it more slowly than it is copied.

initramfs_skeleton()
{
	local root=$1 busybox

	mkdir -p "$root"/{dev,etc/vm,mnt,proc,root,run,sys,tmp,usr/bin,usr/lib,usr/lib64,usr/sbin,var}
	ln -s usr/bin usr/lib usr/lib64 usr/sbin "$root/"
	ln -s ../run "$root/var/run"
	ln -s ../tmp "$root/var/tmp"
	busybox=/usr/bin/busybox
	cp -L "$(command -v busybox)" "$root$busybox"
	# The other links are made in the guest. The kernel looks for modprobe at this place.
	ln -s "$busybox" "$root/usr/sbin/modprobe"
	# Not busybox, whose shell takes its own losetup and the like before any that was added.
	files_add "$root" /usr/bin /bin/sh
	cat >"$root/etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
	END
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
}

initramfs_init()
{
	local source=$top/selftests/vm/init.c binary=$vm_dir/init

	if [ ! "$binary" -nt "$source" ]; then
		need "${CC:-gcc}" gcc
		${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O2 -static -o "$binary.$$" "$source" ||
			die "cannot build selftests/vm/init.c: install gcc and libc6-dev ('make setup')"
		mv "$binary.$$" "$binary"
	fi
	cp "$binary" "$1/init"
}

# Prints the paths of a kernel's modules that selftests/vm/modules names and of what they need.
initramfs_module_paths()
{
	awk -v kernel="$1" -v where="build/vm/$1" '
	function name(path) {
		sub(/.*\//, "", path)
		sub(/\.ko.*/, "", path)
		gsub(/-/, "_", path)
		return path
	}
	FILENAME ~ /modules\.builtin$/ { builtin[name($1)] = 1; next }
	FILENAME ~ /modules\.dep$/ {
		sub(/:/, "")
		needs[name($1)] = $0
		next
	}
	/^#/ || NF == 0 { next }
	{
		wanted = NF == 1
		for (i = 2; i <= NF; i++)
			wanted = wanted || $i == kernel
		if (!wanted || name($1) in builtin)
			next
		if (!(name($1) in needs)) {
			print "vm: selftests/vm/modules: " where " has no module " $1 >"/dev/stderr"
			exit 1
		}
		print needs[name($1)]
	}' "$2/modules.builtin" "$2/modules.dep" "$top/selftests/vm/modules" | tr ' ' '\n' | sort -u
}

# The debug kernel may have everything built in and no folder of modules.
initramfs_modules()
{
	local root=$1 kernel=$2 release from to list path ours

	from=$(echo "$vm_dir/$kernel"/lib/modules/*)
	[ -d "$from" ] || return 0
	release=${from##*/}
	to=$root/lib/modules/$release
	list=$(initramfs_module_paths "$kernel" "$from") || exit 125
	for path in $list; do
		mkdir -p "$to/${path%/*}"
		case $path in
		*.xz) busybox xzcat "$from/$path" >"$to/${path%.xz}" ;;
		*) cp "$from/$path" "$to/$path" ;;
		esac
	done
	ours=$top/build/kmod-$kernel
	if [ -f "$ours/upager.ko" ]; then
		mkdir -p "$to/extra"
		cp "$ours/upager.ko" "$ours/selftests/kmod/missed.ko" "$to/extra/"
	fi
	cp "$from/modules.builtin" "$to/"
	busybox depmod -b "$root" "$release"
}

initramfs_programs()
{
	local root=$1 program

	for program in upagerd upager libupager.so; do
		[ -f "$build/$program" ] || continue
		case $program in
		*.so) cp -L "$build/$program" "$root/usr/lib/$program.0" ;;
		*) cp -L "$build/$program" "$root/usr/bin/" ;;
		esac
		linked+=("$build/$program")
	done
	ln -s libupager.so.0 "$root/usr/lib/libupager.so"
}

# What PID 1 runs before the command, as the command, and when the command hangs.
initramfs_scripts()
{
	local conf=$1/etc/vm kernel=$2

	cat >"$conf/prepare" <<-END
		# Links only where nothing better was put.
		busybox --install -s /usr/bin 2>/dev/null
		hostname vm-$kernel
		chmod 0755 /root
		[ ! -d /lib/modules ] || modprobe -a loop virtio_pci virtio_blk || exit
		set -- /lib/modules/*/extra/upager.ko
		[ ! -f "\$1" ] || modprobe upager
	END
	cat >"$conf/hung" <<-'END'
		echo "vm: at the time limit these processes were there:"
		for dir in /proc/[0-9]*; do
			exe=$(readlink "$dir/exe") || continue
			[ "${dir#/proc/}" != $$ ] || continue
			for task in "$dir"/task/*; do
				echo "${task##*/} $(cat "$task/comm") ($exe)"
				sed 's/^/    /' "$task/stack"
			done
		done 2>/dev/null
	END
	printf '%s\n' "$command" >"$conf/command"
	echo "$limit_s" >"$conf/limit_s"
}

# initramfs_build ROOT KERNEL CPIO: uses the caller's command, limit_s, added and hosted.
initramfs_build()
{
	local root=$1 kernel=$2 cpio=$3 file
	local -a linked=()

	need busybox busybox-static
	initramfs_skeleton "$root"
	initramfs_init "$root"
	initramfs_modules "$root" "$kernel"
	initramfs_programs "$root"
	initramfs_scripts "$root" "$kernel"
	[ -z "$system" ] || root_scripts "$root"
	for file in "${added[@]}"; do
		files_add "$root" /root "$file"
	done
	for file in "${hosted[@]}"; do
		file=$(files_find "$file")
		file=$(realpath -s "$file")
		files_add "$root" "${file%/*}" "$file"
	done
	[ ${#linked[@]} = 0 ] || files_add_libraries "$root" "${linked[@]}"
	(cd "$root" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) >"$cpio"
	rm -rf "$root"
}
