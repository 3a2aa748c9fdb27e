#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module builds, without a warning, against the headers of the newest kernel that packages offer and of
# those that UPAGER_TEST_HEADERS names (what is given to make as KDIR), and modprobe finds it where it is
# installed. For 6.1 and 6.12 it is built for the guests.
# TIMEOUT 900

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

top=$(realpath "${0%/*}/../..")
[ -x "$top/scripts/vm" ] || skip_all "scripts/vm is missing"
need make gcc depmod modinfo modprobe
unset MAKEFLAGS MAKELEVEL MFLAGS

# builds NUMBER KDIR
builds()
{
	local log=$WORK/$1/kmod-host/log

	# Whatever compiler the headers name.
	if ! make -j2 -C "$top" --no-print-directory BUILD="$WORK/$1" KDIR="$2" CC=gcc KCFLAGS=-g0 DESTDIR="$WORK/root" \
		install-module install-module-source >"$WORK/make.log" 2>&1; then
		diag_file "$WORK/make.log"
		return 1
	fi
	# That the kernel was built by another compiler is no warning about the module.
	! grep -E ': warning: |WARNING: modpost|modpost: WARNING' "$log"
}

read -r -a named <<<"${UPAGER_TEST_HEADERS:-}"
"$top/scripts/vm" headers newest 2>"$WORK/fetch.log"
case $? in
0) named+=("$top/build/vm/newest/headers/build") ;;
4) [ ${#named[@]} -gt 0 ] || skip_all "no headers can be had: $(tail -n 1 "$WORK/fetch.log")" ;;
*)
	diag_file "$WORK/fetch.log"
	ok "fetches the headers of the newest kernel" false
	;;
esac
for number in "${!named[@]}"; do
	ok "builds against ${named[number]#"$top/"}" builds "$number" "${named[number]}"
	release=$(modinfo -F vermagic "$WORK/$number/upager.ko" | cut -d' ' -f1)
	depmod -b "$WORK/root" "$release" 2>"$WORK/depmod.log"
	is "modprobe of $release finds it" \
		"$(modprobe -d "$WORK/root" -S "$release" --show-depends upager 2>&1)" \
		"insmod $WORK/root/lib/modules/$release/updates/upager.ko "
done
source=$(echo "$WORK"/root/usr/src/upager-*)
ok "dkms gets each source" diff -r -x README.rst -x '*.in' "$top/kmod" "$source/kmod"
is "and its version" "upager-$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$source/dkms.conf")" "${source##*/}"
done_testing
