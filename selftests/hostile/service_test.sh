#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The unit must not put a seccomp filter around the daemon: its injector could then not look at that
# of a program (PTRACE_SECCOMP_GET_FILTER), and none that has one would be paged. Which options of
# systemd.exec(5) install one: those that say that they need NoNewPrivileges= or seccomp.

# shellcheck source=selftests/lib.sh
. "${0%/*}/../lib.sh"

for option in SystemCallFilter SystemCallArchitectures SystemCallLog RestrictAddressFamilies \
	RestrictNamespaces RestrictRealtime RestrictSUIDSGID LockPersonality \
	MemoryDenyWriteExecute ProtectClock ProtectHostname ProtectKernelLogs ProtectKernelModules \
	ProtectKernelTunables PrivateDevices DynamicUser; do
	ok "without $option" test "$(grep -c "^$option=" daemon/upagerd.service.in)" = 0
done
done_testing
