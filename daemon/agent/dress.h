/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DRESS_H
#define UPAGER_DRESS_H

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "agent/agent_abi.h"
#include "agent/entry.h"
#include "agent/inside.h"

/*
 * How the agent sheds what it has from its target before it works: descriptors,
 * session, directory, capabilities, system calls.
 */

INSIDE long descriptors_close(uint64_t first, uint64_t last)
{
	return first > last ? 0 : sys(SYS_close_range, first, last, 0, 0, 0);
}

/* Its table is a copy of the target's: keep the three that it works with. */
INSIDE long descriptors_keep(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t low = a < b ? a : b;
	uint64_t high = a < b ? b : a;
	uint64_t mid = c;
	long ret;

	if (c < low) {
		mid = low;
		low = c;
	} else if (c > high) {
		mid = high;
		high = c;
	}
	ret = low ? descriptors_close(0, low - 1) : 0;
	if (!ret)
		ret = descriptors_close(low + 1, mid - 1);
	if (!ret)
		ret = descriptors_close(mid + 1, high - 1);
	return ret ? ret : descriptors_close(high + 1, UINT32_MAX);
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
	long ret;

	ret = descriptors_keep((uint64_t)ctl->uffd, (uint64_t)ctl->pool_fd,
			       (uint64_t)ctl->event_fd);
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
		ret = sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (uintptr_t)&start->filter, 0, 0);
	return ret;
}

#endif
