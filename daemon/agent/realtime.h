/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_REALTIME_H
#define UPAGER_REALTIME_H

#include <sched.h>
#include <sys/types.h>

/*
 * Real-time priority for the two sides of a handover, without which each waits
 * its turn behind the target's own threads: on two CPUs with eight busy threads
 * the target stood still for 28 ms instead of 3.  Never given to a thread of
 * the target: it would keep it if we died.
 */
struct realtime {
	int policy;
	struct sched_param param;
};

/* Where it is not allowed things take longer; that is no error. */
void realtime_begin(pid_t pid, struct realtime *before);
void realtime_end(pid_t pid, const struct realtime *before);

#endif
