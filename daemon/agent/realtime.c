// SPDX-License-Identifier: GPL-2.0-only
#include "agent/realtime.h"

void realtime_begin(pid_t pid, struct realtime *before)
{
	const struct sched_param param = { .sched_priority = 1 };

	before->policy = sched_getscheduler(pid);
	sched_getparam(pid, &before->param);
	sched_setscheduler(pid, SCHED_FIFO, &param);
}

void realtime_end(pid_t pid, const struct realtime *before)
{
	if (before->policy >= 0)
		sched_setscheduler(pid, before->policy, &before->param);
}
