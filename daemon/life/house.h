/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HOUSE_H
#define UPAGER_HOUSE_H

#include <stdint.h>

#include "life/announced.h"
#include "life/proc.h"
#include "life/tracking.h"
#include "pager.h"
#include "share/family.h"

/*
 * Housekeeping: the main thread.  Watches processes grow, places agents,
 * registers mappings, notices exec and exit: everything that may wait for a
 * target.  What users ask for is in request.c.
 */
#define ENDED_MAX 64

struct descent {
	int fd; /* of the proc connector; -1: closed, or not to be had */
	bool refused;
	bool busy; /* there were events at the last look */
	bool lost; /* some events, or not all processes were seen */
	bool full_said;
	uint32_t followed_max;
	/* Of whom there may be children that are told of later: the oldest gives way. */
	struct ended {
		pid_t pid;
		struct terms terms;
		uint64_t until_ns;
	} ended[ENDED_MAX];
	uint32_t nr_ended; /* ever */
	uint64_t scan_at_ns;
	uint64_t scanned_ticks; /* all that were born before are known; since boot */
};

struct house {
	struct pager *pg;
	struct proc *procs;
	struct families families;
	struct descent descent;
	struct announced announced;
	struct tracking tracking;
	int ends_fd; /* wakeup.c: readable when a process or an agent has ended */
	uint64_t limit_pages; /* of all together; 0: none */
	struct claim **claims; /* allot.c's */
	uint32_t claims_room;
	uint64_t memory_bytes; /* MemTotal */
	uint64_t full_say_ns; /* not before */
	uint64_t short_say_ns; /* not before */
	bool roster_changed;
	uint64_t roster_at_ns; /* it is not written again before */
};

void house_init(struct house *h, struct pager *pg, uint64_t limit_bytes);
/* When nothing is paged any more. */
void house_fini(struct house *h);
/* One round of looking after everything; nanoseconds until the next. */
uint64_t house_tick(struct house *h);

struct proc *house_find(const struct house *h, pid_t pid);

void house_add(struct house *h, struct proc *p);
void house_remove(struct house *h, struct proc *p);

#endif
