# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels and their headers from the package archive. A fetched kernel K is build/vm/K with
#   release             its release, written last: without it nothing else counts
#   bzImage             the kernel
#   lib/modules         its modules, with the modules.dep that the packages leave to depmod
#   headers/build       what to give to make -C for building a module
# "newest" is of what Debian offers its next release, in lists of packages apart from this machine's.
# Only its headers may be there, without bzImage and release.

newest_suites="trixie trixie-backports"
newest_keys=/usr/share/keyrings/debian-archive-keyring.gpg
# What apt is told of the kernel that is fetched.
apt_options=()
# The exit status where packages cannot be had.
fetch_failure=125

# Prints the releases that a kernel's packages are known for, newest first.
fetch_releases()
{
	local pattern

	case $1 in
	6.1) pattern='6\.1\.0-[0-9]+-cloud-amd64' ;;
	6.12) pattern='6\.12(\.[0-9]+)*\+deb12-cloud-amd64' ;;
	6.12-rt) pattern='6\.12(\.[0-9]+)*\+deb12-rt-amd64' ;;
	newest) pattern='[0-9]+(\.[0-9]+)+\+deb[0-9]+-cloud-amd64' ;;
	*) die "no package is known for kernel $1" ;;
	esac
	apt-cache "${apt_options[@]}" pkgnames linux-image- |
		sed -nE "s/^linux-image-($pattern)(-unsigned)?\$/\1/p" | sort -urV
}

# apt knows names of packages that it cannot get; only those with a version count.
fetch_available()
{
	[ -n "$(apt-cache "${apt_options[@]}" madison "$1" 2>/dev/null)" ]
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

# Sets apt_options for a kernel.
fetch_lists()
{
	local apt=$vm_dir/apt suite mirror

	apt_options=()
	[ "$(id -u)" != 0 ] || apt_options=(-o APT::Sandbox::User=root)
	[ "$1" = newest ] || return 0
	apt_options+=(-o "Dir::Etc::SourceList=$apt/sources" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	mirror=$(root_mirror)
	[ -n "$mirror" ] || die "this machine has no Debian packages: give it a mirror of $root_suite"
	for suite in $newest_suites; do
		echo "deb [signed-by=$newest_keys] $mirror $suite main"
	done >"$apt/sources"
}

# apt's lists are missing on a fresh machine, and old ones name packages that are gone.
fetch_update_lists()
{
	[ "$kernel" = newest ] || [ "$(id -u)" = 0 ] || return 1
	echo "vm: updating apt's lists of packages" >&2
	apt-get -qq "${apt_options[@]}" update >/dev/null 2>&1
}

fetch_download()
{
	local -a packages

	mapfile -t packages < <(fetch_packages)
	rm -rf "$new"
	mkdir -p "$new/debs" "$new/headers"
	(cd "$new/debs" && apt-get -qq "${apt_options[@]}" download "${packages[@]}") 2>"$new/log"
}

# The headers name the common headers and the kbuild tools that belong to them, an image its parts.
# Tools of a newer release want its C library.
fetch_packages()
{
	local -a wanted=("$headers")

	[ "$part" = headers ] || wanted+=("$image")
	[ "$kernel" != newest ] || echo libc6
	printf '%s\n' "${wanted[@]}"
	apt-cache "${apt_options[@]}" depends "${wanted[@]}" |
		sed -nE 's/^ *Depends: (linux-headers-.*-common(-rt)?|linux-(kbuild|binary|modules|base)-.*)$/\1/p'
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
	printf 'KBUILD_OUTPUT := $(CURDIR)\ninclude $(realpath ../%s)/Makefile\n' "$common" >"$root/Makefile"
	if ! grep -q '^KBUILD_OUTPUT' "$root/usr/src/$headers/Makefile"; then
		sed -i 1d "$root/Makefile"
	fi
	mv "$root/Makefile" "$root/usr/src/$headers/"
	# With it the build makes BTF of a module, which takes pahole and serves nothing here.
	rm -f "$root/usr/src/$headers/vmlinux"
	ln -sfn "usr/src/$headers" "$root/build"
}

# Headers that were made for a newer compiler and a newer C library serve with this machine's.
fetch_adjust_tools()
{
	local root=$1/headers libc=usr/lib/x86_64-linux-gnu tool build=$1/headers/usr/src/$headers

	# shellcheck disable=SC2016
	sed -i 's/^CC = .*/CC = $(CROSS_COMPILE)gcc/' "$build/.kernelvariables"
	gcc -fmin-function-alignment=16 -E -x c /dev/null >/dev/null 2>&1 ||
		sed -i /^CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=/d "$build/include/config/auto.conf"
	while read -r tool; do
		[[ $(LC_ALL=C ldd "$tool" 2>/dev/null) == *"not found"* ]] || continue
		mv "$tool" "$tool.elf"
		cat >"$tool" <<-END
			#!/bin/sh
			self=\$(realpath "\$0")
			lib=\${self%/usr/lib/linux-kbuild-*}/$libc
			exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib:/$libc" "\$self.elf" "\$@"
		END
		chmod +x "$tool"
	done < <(find "$root"/usr/lib/linux-kbuild-* -type f -perm /111)
}

fetch_unpack()
{
	local deb

	for deb in "$new"/debs/*.deb; do
		case $deb in
		*/linux-headers-* | */linux-kbuild-* | */libc6_*) dpkg-deb -x "$deb" "$new/headers" ;;
		*) dpkg-deb -x "$deb" "$new" ;;
		esac
	done
	fetch_adjust_headers "$new"
	[ "$kernel" != newest ] || fetch_adjust_tools "$new"
	rm -rf "$new/debs" "$new/log" "$new/headers/usr/share"
	[ "$part" != headers ] || return 0
	# Newer packages have all below /usr/lib/modules.
	[ ! -d "$new/usr/lib/modules" ] || mv "$new/usr/lib" "$new"
	rm -rf "${new:?}/usr"
	mv "$new/lib/modules/$release/vmlinuz" "$new/bzImage" 2>/dev/null ||
		mv "$new/boot/vmlinuz-$release" "$new/bzImage"
	busybox depmod -b "$new" "$release"
	echo "$release" >"$new/release"
}

fetch_cannot()
{
	echo "vm: $*" >&2
	exit "$fetch_failure"
}

# fetch_kernel KERNEL [headers]: only these.
fetch_kernel()
{
	local kernel=$1 part=${2:-} dir=$vm_dir/$1 new=$vm_dir/$1.new release image headers

	[ "$update" = no ] && [ -s "$dir/release" ] && return
	[ "$part" = headers ] && [ -e "$dir/headers/build" ] && return
	need apt-get apt
	need dpkg-deb dpkg
	need busybox busybox-static
	fetch_lists "$kernel"
	fetch_choose "$kernel" || { fetch_update_lists && fetch_choose "$kernel"; } ||
		fetch_cannot "no linux-image-$kernel package in apt's lists: run 'apt-get update' as root while online"
	[ "$(cat "$dir/release" 2>/dev/null)" != "$release" ] || return 0
	echo "vm: fetching $release" >&2
	fetch_download || { fetch_update_lists && fetch_choose "$kernel" && fetch_download; } ||
		fetch_cannot "cannot download $image ($(sed -n '/^E: /{s///p;q}' "$new/log")): run" \
			"'apt-get update' as root while online and try again"
	fetch_unpack
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

fetch_headers_main()
(
	[[ $# = 1 && " $fetched_kernels $other_kernels " == *" $1 "* ]] ||
		usage_error "headers takes one of $fetched_kernels $other_kernels"
	fetch_failure=4
	update=no
	mkdir -p "$vm_dir"
	exec 9>"$vm_dir/lock"
	flock 9
	fetch_kernel "$1" headers
)

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
