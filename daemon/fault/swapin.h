/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SWAPIN_H
#define UPAGER_SWAPIN_H

#include <stdbool.h>

#include "memory/page_entry_format.h"
#include "pager.h"

/*
 * Reads of SWAPPED pages in flight, with what is worth fetching beside them.
 * Volatile: after a crash a read in flight never happened.  Every read ends
 * with its pages filled or their waiters woken.  The worker's thread only.
 */
int swapin_init(struct pager *pg);
void swapin_fini(struct pager *pg);

/* Answers a fault on SWAPPED page p. False: out of buffers, try again later. */
bool swapin_begin(struct pager *pg, struct space *sp, struct fault f, struct page p);
/* Fetches SWAPPED page p and its neighbours unasked; pages covered, 0: not now. */
uint32_t swapin_fetch(struct pager *pg, struct space *sp, pgno_t n, struct page p);
/* Fills that waited for events to be applied. */
void swapin_retry(struct pager *pg, struct space *sp);
/* Reads that failed, or take too long; when to look again, 0: not. */
uint64_t swapin_look(struct pager *pg, uint64_t now_ns);
uint32_t swapin_in_flight(struct pager *pg, const struct space *sp);

#endif
