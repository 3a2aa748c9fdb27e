/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_POOL_H
#define UPAGER_POOL_H

#include "pager.h"

/*
 * The size of a standby pool: it grows by a part when places are short, up to
 * what its budget allows, and gives parts back when nothing was evicted for long.
 * The worker's thread only.
 */

/* Gives the CLEAN places of a run free, their pages are SWAPPED from now on; how many. */
uint32_t pool_forget(struct pager *pg, struct space *sp, uint32_t first, uint32_t nr_places);
void pool_forget_all(struct pager *pg, struct space *sp);

/* One step.  When to come again, 0: not for its sake. */
uint64_t pool_step(struct pager *pg, struct space *sp, uint64_t now_ns);
/* The agent has done what an AGENT_TRIM asked for. */
void pool_trimmed(struct space *sp, const struct agent_post *post);

/* What the ring may know of pools: those of spaces with an id below POOLS_MAX. */
#define POOLS_MAX    1024u
#define POOL_BUFFERS (POOLS_MAX * STANDBY_PARTS_MAX)

/* To the ring, for cheaper writes; again after each change. */
void pool_register(struct pager *pg, struct space *sp);
void pool_unregister(struct pager *pg, struct space *sp);

#endif
