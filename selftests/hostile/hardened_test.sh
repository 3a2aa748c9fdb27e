#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the compiler and the linker do against bugs is in what is shipped, and not in the code that is
# copied into programs, which must do without a C library and without thread-local storage.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

need readelf objdump nm
case $BUILD in
*/san-*) skip_all "a build with sanitizers has checks of its own" ;;
esac

has()
{
	readelf -W "$1" "$2" | grep -q -- "$3"
}

has_not()
{
	! has "$@"
}

# imports FILE PATTERN
imports()
{
	nm -D --undefined-only "$1" | grep -qE -- " $2(@|$)"
}

for name in upagerd upager libupager.so; do
	file=$BUILD/$name
	ok "$name: position independent" has -h "$file" 'Type: .*DYN'
	[ "$name" = libupager.so ] || ok "$name: an executable that is" has -d "$file" 'FLAGS_1.*PIE'
	ok "$name: what is relocated is read-only then" has -l "$file" GNU_RELRO
	ok "$name: and all of it is at once" has -d "$file" 'FLAGS_1.*NOW'
	ok "$name: no code on the stack" has -l "$file" 'GNU_STACK .* RW '
	ok "$name: nothing can be written and run" has_not -l "$file" ' RWE '
	ok "$name: its code is not relocated" has_not -d "$file" TEXTREL
	ok "$name: no path of its own to libraries" has_not -d "$file" 'R.*PATH'
	ok "$name: stacks are guarded" imports "$file" __stack_chk_fail
	ok "$name: the C library checks lengths" imports "$file" '__[a-z]+_chk'
done

level=$(sed -n 's/.*-D_FORTIFY_SOURCE=\([0-9]\).*/\1/p' "$BUILD/obj/.flags")
cc=$(cut -d ' ' -f 1 "$BUILD/obj/.flags")
if command -v "$cc" >/dev/null; then
	is "as far as the compiler can tell lengths" "$level" "$(echo '#include <features.h>' |
		"$cc" -E -dM -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 - 2>/dev/null |
		sed -n 's/#define __USE_FORTIFY_LEVEL //p')"
fi

inside=$BUILD/obj/daemon/agent/inside.o
if [ -e "$inside" ]; then
	is "the agent's code calls nobody" "$(nm -u "$inside")" ""
	is "and has no thread-local storage" "$(objdump -d "$inside" | grep -c '%fs:')" 0
fi
done_testing
