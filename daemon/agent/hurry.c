// SPDX-License-Identifier: GPL-2.0-only
#include "agent/hurry.h"

void hurry_begin(pid_t pid, struct hurry *before)
{
	const struct sched_param param = { .sched_priority = 1 };

	before->policy = sched_getscheduler(pid);
	sched_getparam(pid, &before->param);
	sched_setscheduler(pid, SCHED_FIFO, &param);
}

void hurry_end(pid_t pid, const struct hurry *before)
{
	if (before->policy >= 0)
		sched_setscheduler(pid, before->policy, &before->param);
}
