# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels and their headers from the package archive. A fetched kernel K is build/vm/K with
#   release             its release, written last: without it nothing else counts
#   bzImage             the kernel
#   lib/modules         its modules, with the modules.dep that the packages leave to depmod
#   headers/build       what to give to make -C for building a module

# Prints the releases that a kernel's packages are known for, newest first.
fetch_releases()
{
	local pattern

	case $1 in
	6.1) pattern='6\.1\.0-[0-9]+-cloud-amd64' ;;
	6.12) pattern='6\.12(\.[0-9]+)*\+deb12-cloud-amd64' ;;
	6.12-rt) pattern='6\.12(\.[0-9]+)*\+deb12-rt-amd64' ;;
	*) die "no package is known for kernel $1" ;;
	esac
	apt-cache pkgnames "linux-image-${1%-rt}." |
		sed -nE "s/^linux-image-($pattern)(-unsigned)?\$/\1/p" | sort -urV
}

# apt knows names of packages that it cannot get; only those with a version count.
fetch_available()
{
	[ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# Sets release, image and headers to the newest kernel for which all packages can be had.
fetch_choose()
{
	local suffix

	for release in $(fetch_releases "$1"); do
		headers=linux-headers-$release
		fetch_available "$headers" || continue
		for suffix in "" -unsigned; do
			image=linux-image-$release$suffix
			fetch_available "$image" && return
		done
	done
	return 1
}

# apt's lists are missing on a fresh machine, and old ones name packages that are gone.
fetch_update_lists()
{
	[ "$(id -u)" = 0 ] || return 1
	echo "vm: updating apt's lists of packages" >&2
	apt-get -qq update >/dev/null 2>&1
}

fetch_download()
{
	local -a packages sandbox=()

	mapfile -t packages < <(fetch_packages)
	[ "$(id -u)" = 0 ] && sandbox=(-o APT::Sandbox::User=root)
	rm -rf "$new"
	mkdir -p "$new/debs" "$new/headers"
	(cd "$new/debs" && apt-get -qq "${sandbox[@]}" download "${packages[@]}") 2>"$new/log"
}

# The headers name the common headers and the kbuild tools that belong to them.
fetch_packages()
{
	echo "$image"
	echo "$headers"
	apt-cache depends "$headers" |
		sed -nE 's/^ *Depends: (linux-headers-.*-common(-rt)?|linux-kbuild-.*)$/\1/p'
}

# Makes the extracted headers refer to one another instead of to /usr/src of the host.
fetch_adjust_headers()
{
	local root=$1/headers common=linux-headers-${release%-cloud-amd64}-common

	[[ $release != *-rt-amd64 ]] || common=linux-headers-${release%-rt-amd64}-common-rt

	grep -q "/usr/src/$common/Makefile" "$root/usr/src/$headers/Makefile" ||
		die "the Makefile of $headers has an unknown form: adjust scripts/vm.d/fetch.sh"
	# make -C makes the folder of the headers the current one before it reads this.
	# shellcheck disable=SC2016
	printf 'include $(realpath ../%s)/Makefile\n' "$common" >"$root/usr/src/$headers/Makefile"
	# With it the build makes BTF of a module, which takes pahole and serves nothing here.
	rm -f "$root/usr/src/$headers/vmlinux"
	ln -sfn "usr/src/$headers" "$root/build"
}

fetch_kernel()
{
	local kernel=$1 dir=$vm_dir/$1 new=$vm_dir/$1.new release image headers deb

	[ "$update" = no ] && [ -s "$dir/release" ] && return
	need apt-get apt
	need dpkg-deb dpkg
	need busybox busybox-static
	fetch_choose "$kernel" || { fetch_update_lists && fetch_choose "$kernel"; } ||
		die "no linux-image-$kernel package in apt's lists: run 'apt-get update' as root while online"
	[ "$(cat "$dir/release" 2>/dev/null)" != "$release" ] || return 0
	echo "vm: fetching $release" >&2
	fetch_download || { fetch_update_lists && fetch_choose "$kernel" && fetch_download; } ||
		die "cannot download $image ($(sed -n '/^E: /{s///p;q}' "$new/log")): run" \
			"'apt-get update' as root while online and try again"
	for deb in "$new"/debs/*.deb; do
		case $deb in
		*/linux-image-*) dpkg-deb -x "$deb" "$new" ;;
		*) dpkg-deb -x "$deb" "$new/headers" ;;
		esac
	done
	fetch_adjust_headers "$new"
	mv "$new/boot/vmlinuz-$release" "$new/bzImage"
	busybox depmod -b "$new" "$release"
	rm -rf "$new/debs" "$new/log" "${new:?}/usr" "$new/headers/usr/share"
	echo "$release" >"$new/release"
	rm -rf "$dir"
	mv "$new" "$dir"
}

# Fetches the named kernels under a lock, so that two callers do not fetch into one folder.
fetch_kernels()
(
	mkdir -p "$vm_dir"
	exec 9>"$vm_dir/lock"
	flock 9
	for kernel; do
		fetch_kernel "$kernel"
	done
)

fetch_main()
{
	local kernel

	update=no
	case $# in
	0) ;;
	*) [ "$*" = --update ] || usage_error "fetch takes no '$*'" && update=yes ;;
	esac
	# shellcheck disable=SC2086
	fetch_kernels $fetched_kernels
	for kernel in $fetched_kernels; do
		echo "$kernel: $(cat "$vm_dir/$kernel/release"), headers in build/vm/$kernel/headers/build"
	done
}

# Makes sure that a kernel is there before a boot.
fetch_need()
{
	update=no
	case $1 in
	debug)
		[ -s "$vm_dir/debug/bzImage" ] ||
			die "build/vm/debug/bzImage is missing: build the debug kernel with 'make vm-debug'"
		;;
	*)
		[ -s "$vm_dir/$1/release" ] || fetch_kernels "$1"
		;;
	esac
}
