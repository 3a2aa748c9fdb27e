/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HOUSEKEEPING_H
#define UPAGER_HOUSEKEEPING_H

#include <stdint.h>

#include "life/announced.h"
#include "life/full.h"
#include "life/pressure.h"
#include "life/proc.h"
#include "life/quotas.h"
#include "life/tracking.h"
#include "pager.h"
#include "share/family.h"

/* descendants.c's. */
#define ENDED_MAX 64

struct descendants {
	int fd; /* of the proc connector; -1: closed, or not to be had */
	bool refused;
	bool busy; /* there were events at the last look */
	bool lost; /* some events, or not all processes were seen */
	bool full_said;
	uint64_t quota_say_ns; /* not before */
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

/* Of users whose processes took long (patience.h): whose pause ends first gives way. */
#define PATIENCE_MAX 32

struct patience {
	uid_t uid;
	uint64_t until_ns;
};

/*
 * The processes that are taken care of, and what is known of all of them.  The
 * housekeeping thread's own; who looks after them is round.c.
 */
struct housekeeping {
	struct pager *pg;
	struct proc *procs;
	struct families families;
	struct descendants descendants;
	struct announced announced;
	struct tracking tracking;
	struct patience patience[PATIENCE_MAX];
	int ends_fd; /* readable when a process or an agent has ended */
	uint64_t limit_pages; /* of all together; 0: none */
	struct quotas quotas;
	struct claim **claims; /* allot.c's */
	uint32_t claims_room;
	uint64_t memory_bytes; /* MemTotal */
	struct pressure pressure; /* of the stall of any program */
	struct full full;
	uint64_t full_say_ns; /* not before */
	uint64_t short_say_ns; /* not before */
	uint64_t lost_say_ns; /* not before */
	uint64_t trouble_say_ns; /* not before */
	uint64_t trouble_said[AREAS_MAX]; /* failures of each area */
	struct sigbus *sigbus; /* sigbus.c's */
	uint32_t sigbus_room;
	uint64_t sigbus_at_ns; /* not before */
	bool roster_changed; /* what is written of them (roster.c) is not what is so any more */
	uint64_t roster_at_ns; /* it is not written again before */
};

void housekeeping_init(struct housekeeping *h, struct pager *pg, uint64_t limit_bytes,
		       const struct quotas *quotas);
/* When nothing is paged any more. */
void housekeeping_fini(struct housekeeping *h);

struct proc *housekeeping_find(const struct housekeeping *h, pid_t pid);

void housekeeping_add(struct housekeeping *h, struct proc *p);
/* Of a process that is let go of: release.h. */
void housekeeping_unlink(struct housekeeping *h, struct proc *p);
/* The end of what a pidfd names wakes housekeeping, which then looks at everything. */
void housekeeping_watch(struct housekeeping *h, int pidfd);

#endif
