/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_HOUSE_H
#define UPAGER_HOUSE_H

#include <stdint.h>

#include "pager.h"
#include "proc.h"

/*
 * Housekeeping: the main thread.  Watches processes grow, places agents,
 * registers mappings, notices exec and exit, and does what the control socket
 * asks for: everything that may wait for a target.
 */
struct house {
	struct pager *pg;
	struct proc *procs;
	uint64_t memory_bytes; /* MemTotal */
	bool area_full_said;
};

/* Smallest budget: below it the pager's own batches would fill it. */
#define HOUSE_BUDGET_MIN_BYTES (4ULL << 20)

void house_init(struct house *h, struct pager *pg);
/* One round of looking after everything; nanoseconds until the next. */
uint64_t house_tick(struct house *h);

struct proc *house_find(struct house *h, pid_t pid);

/*
 * What the control socket asks for.  0, or -errno with a clause in text; the
 * detach and populate calls only start and are over when *_pending() says so.
 */
int house_attach(struct house *h, pid_t pid, uint64_t budget_bytes, uint32_t flags,
		 char text[UPAGER_TEXT_BYTES]);
int house_set_budget(struct house *h, struct proc *p, uint64_t budget_bytes,
		     char text[UPAGER_TEXT_BYTES]);
int house_fill(struct house *h, struct proc *p, char text[UPAGER_TEXT_BYTES]);
bool house_fill_pending(const struct proc *p);
/* After a fill: goes on paging. */
void house_resume(struct house *h, struct proc *p);
/* After a fill: gives the process back and forgets it. */
int house_release(struct house *h, struct proc *p, char text[UPAGER_TEXT_BYTES]);
void house_record(const struct house *h, const struct proc *p, struct upager_record *rec);
/* Bytes that giving everything back would need beyond what is free; 0: it fits. */
uint64_t house_shortage(const struct house *h);

#endif
