#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An upagerd that has its privileges from its file would be in the hands of whoever starts it: it does
# nothing for him, neither as the daemon, with failpoints, nor as its injector.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

# run_as_user PROGRAM: with a failpoint that is none, and an area that is not there.
run_as_user()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups env UPAGER_FAILPOINTS=x=y \
		UPAGER_DISABLE=nothing "$1" --swap /nonexistent/area --socket "$WORK/none" \
		--state "$WORK/none" >"$WORK/out" 2>&1
	status=$?
}

refuses_user()
{
	run_as_user "$1"
	if [ "$status" -ne 1 ] || ! grep -q "is set-uid, or has capabilities" "$WORK/out"; then
		diag_file "$WORK/out"
		return 1
	fi
	# As which it is started tells its name.
	# shellcheck disable=SC2016
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		bash -c 'exec -a "$0" "$1"' "$INJECTOR" "$1" >"$WORK/out" 2>&1
	grep -q "is set-uid, or has capabilities" "$WORK/out"
}

# skipped WHAT WHY
skipped()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

honoured()
{
	[ "$status" -eq 2 ] && grep -q "UPAGER_FAILPOINTS is wrong" "$WORK/out"
}

need_root
INJECTOR=$(sed -n 's/^#define INJECT_ARGV0 *"\(.*\)"/\1/p' daemon/agent/inject.h)
# The runner keeps its directory to itself.
chmod 0711 "$WORK" "${WORK%/*}"
install -m 0755 "$BUILD/upagerd" "$WORK/plain"
install -m 4755 "$BUILD/upagerd" "$WORK/setuid"
install -m 0755 "$BUILD/upagerd" "$WORK/capable"
run_as_user "$WORK/plain"
[ "$status" -lt 126 ] || skip_all "a user does not get at $WORK"
ok "without privileges it is who started it" honoured
if findmnt -no OPTIONS -T "$WORK" | grep -qw nosuid; then
	skipped "set-uid, and with capabilities of its file" "$WORK is mounted nosuid"
else
	ok "set-uid" refuses_user "$WORK/setuid"
	if setcap cap_sys_ptrace+ep "$WORK/capable" 2>/dev/null; then
		ok "with capabilities of its file" refuses_user "$WORK/capable"
	else
		skipped "with capabilities of its file" "setcap does not work here"
	fi
fi
done_testing
