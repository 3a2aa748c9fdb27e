/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_CONFINE_H
#define UPAGER_CONFINE_H

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "agent/agent_abi.h"
#include "agent/entry.h"
#include "agent/bare.h"

/*
 * How the agent sheds what it has from its target before it works: descriptors,
 * session, directory, capabilities, system calls.
 */

INSIDE long descriptors_close(uint64_t first, uint64_t last)
{
	return first > last ? 0 : sys(SYS_close_range, first, last, 0, 0, 0);
}

/* Its table is a copy of the target's: keep those that it works with. */
INSIDE long descriptors_keep(uint32_t *fd, int nr)
{
	uint64_t first = 0;
	long ret = 0;

	while (nr && !ret) {
		int least = 0;

		for (int i = 1; i < nr; i++)
			if (fd[i] < fd[least])
				least = i;
		ret = fd[least] ? descriptors_close(first, fd[least] - 1) : 0;
		first = (uint64_t)fd[least] + 1;
		fd[least] = fd[--nr];
	}
	return ret ? ret : descriptors_close(first, UINT32_MAX);
}

INSIDE long capabilities_drop(void)
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	header.version = _LINUX_CAPABILITY_VERSION_3;
	header.pid = 0;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = 0;
		data[i].permitted = 0;
		data[i].inheritable = 0;
	}
	return sys(SYS_capset, (uintptr_t)&header, (uintptr_t)data, 0, 0, 0);
}

INSIDE long agent_setup(const struct agent_ctl *ctl, const struct agent_start *start)
{
	uint32_t fd[4];
	long ret;

	fd[0] = (uint32_t)ctl->uffd;
	fd[1] = (uint32_t)ctl->pool_fd;
	fd[2] = (uint32_t)ctl->event_fd;
	fd[3] = (uint32_t)ctl->grip_fd;
	ret = descriptors_keep(fd, 4);
	/* Out of reach of the target's terminal and of kill() to its group. */
	if (!ret)
		ret = sys(SYS_setsid, 0, 0, 0, 0, 0) < 0 ? -EPERM : 0;
	/* The directory that the target is in must not stay busy for our sake. */
	if (!ret)
		ret = sys(SYS_chdir, (uintptr_t)start->root, 0, 0, 0, 0);
	if (!ret)
		ret = sys(SYS_prctl, PR_SET_NAME, (uintptr_t)start->name, 0, 0, 0);
	if (!ret)
		ret = capabilities_drop();
	if (!ret)
		ret = sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!ret)
		ret = sys(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (uintptr_t)&start->filter,
			  0, 0);
	return ret;
}

#endif
