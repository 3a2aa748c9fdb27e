/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TRACKING_H
#define UPAGER_TRACKING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "module.h"
#include "module_events.h"
#include "pager.h"
#include "proc.h"

/*
 * What the daemon and the kernel module tell each other, if the module is
 * there: it tracks what is paged and shows its counters, and announces forks.
 * All of it is extra: without the module, or when it goes, the pager goes on
 * as it is.  The house's thread.
 */
#define ANNOUNCED_MAX 64

struct tracking {
	struct pager *pg;
	struct module module;
	struct module_events events;
	uint64_t look_at_ns; /* when to look next whether the module came or went */
	bool refused; /* the daemon may not use it: do not try again */
	bool full_said;
	/* Children that may be looked for: the oldest gives way. */
	struct announcement {
		pid_t pid;
		pid_t parent_pid;
		uint32_t tries;
	} announced[ANNOUNCED_MAX];
	uint32_t nr_announced; /* ever */
	uint32_t next; /* to be tried */
};

void tracking_init(struct tracking *t, struct pager *pg);
/* One round for all processes; cheap when nothing is to do. */
void tracking_tick(struct tracking *t, struct proc *procs);
/* The process is being let go of. */
void tracking_end(struct tracking *t, struct proc *p);
/* A process that may be a child of parent that nobody has found yet, each in its turn; 0: none. */
pid_t tracking_announced(struct tracking *t, pid_t parent_pid);

#endif
