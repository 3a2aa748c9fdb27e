/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HOUSE_H
#define UPAGER_HOUSE_H

#include <stdint.h>

#include "pager.h"
#include "proc.h"
#include "tracking.h"

/*
 * Housekeeping: the main thread.  Watches processes grow, places agents,
 * registers mappings, notices exec and exit: everything that may wait for a
 * target.  What users ask for is in request.c.
 */
struct house {
	struct pager *pg;
	struct proc *procs;
	struct tracking tracking;
	uint64_t memory_bytes; /* MemTotal */
	bool area_full_said;
};

void house_init(struct house *h, struct pager *pg);
/* One round of looking after everything; nanoseconds until the next. */
uint64_t house_tick(struct house *h);

struct proc *house_find(struct house *h, pid_t pid);

void house_add(struct house *h, struct proc *p);
void house_remove(struct house *h, struct proc *p);

#endif
