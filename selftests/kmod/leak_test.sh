#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What kmemleak finds after everything else ran, with the module loaded and after it is gone. Needs a
# kernel with CONFIG_DEBUG_KMEMLEAK, and runs last.
# TIMEOUT 240

set -u
leaks=/sys/kernel/debug/kmemleak
module=${UPAGER_KO:-/lib/modules/$(uname -r)/extra/upager.ko}

skip()
{
	echo "1..0 # SKIP $*"
	exit 4
}

[ "$(id -u)" = 0 ] || skip "needs root"
[ -e /proc/upager/query ] || skip "upager.ko is not loaded"
[ -w "$leaks" ] || skip "no kmemleak in this kernel"
[ -r "$module" ] || skip "$module is missing: name the module's file in UPAGER_KO"

failed=0

# A leak is reported once it was found in a second scan, 5 s later, so that what moves is not.
scan()
{
	local found

	echo scan >"$leaks"
	sleep 6
	echo scan >"$leaks"
	found=$(cat "$leaks")
	if [ -z "$found" ]; then
		echo "ok $1 - nothing leaked $2"
	else
		failed=1
		echo "not ok $1 - nothing leaked $2"
		sed 's/^/# /' <<<"$found"
	fi
	echo clear >"$leaks"
}

echo "TAP version 13"
echo "1..3"
scan 1 "with the module loaded"
if rmmod upager && [ ! -e /proc/upager ]; then
	echo "ok 2 - the module goes"
else
	failed=1
	echo "not ok 2 - the module goes"
fi
scan 3 "by the module that is gone"
insmod "$module" || failed=1
exit $failed
