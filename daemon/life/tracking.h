/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_TRACKING_H
#define UPAGER_TRACKING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/module.h"
#include "kernel/module_events.h"
#include "life/announced.h"
#include "life/proc.h"
#include "pager.h"

/*
 * What the daemon and the kernel module tell each other, if the module is
 * there: it tracks what is paged and shows its counters, and announces forks.
 * All of it is extra: without the module, or when it goes, the pager goes on
 * as it is.  The housekeeping thread.
 */
struct tracking {
	struct pager *pg;
	struct module module;
	struct module_events events;
	uint64_t look_at_ns; /* when to look next whether the module came or went */
	bool refused; /* the daemon may not use it: do not try again */
	bool full_said;
	struct announced *announced;
};

void tracking_init(struct tracking *t, struct pager *pg, struct announced *announced);
/* One round for all processes; cheap when nothing is to do. */
void tracking_tick(struct tracking *t, struct proc *procs);
/* The process is being let go of. */
void tracking_end(struct tracking *t, struct proc *p);

#endif
