/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_EVICT_H
#define UPAGER_EVICT_H

#include <stdbool.h>

#include "pager.h"

/*
 * The life of an eviction: evict_begin() chooses and posts, evict_settle()
 * takes what the agent moved into standby, evict_write() sends what is dirty
 * to the device, written() in evict.c is the end.  The worker's thread only.
 */
int evictions_init(struct pager *pg);
void evictions_fini(struct pager *pg);

/* Posts batches while the space is above its start mark. */
void evict_begin(struct pager *pg, struct space *sp);
/* Settles the batches that the agent has finished; true if there was one. */
bool evict_settle(struct pager *pg, struct space *sp);
/* Queues writes of dirty standby pages, as many as fit in flight. */
void evict_write(struct pager *pg, struct space *sp);
/*
 * Settles everything that is pending without waiting for the agent; it is dead
 * or held.  What it has moved and not copied is read from staging through
 * /proc/PID/mem.
 */
void evict_settle_now(struct pager *pg, struct space *sp);
/* All clean standby pages become SWAPPED. */
void evict_forget_clean(struct pager *pg, struct space *sp);

#endif
