/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SWAPIN_H
#define UPAGER_SWAPIN_H

#include <stdbool.h>

#include "memory/page_entry_format.h"
#include "pager.h"

/*
 * Reads of SWAPPED pages, with what is worth fetching beside them.  Volatile:
 * after a crash a read in flight never happened.  The worker's thread only.
 */

/* Answers a fault on SWAPPED page p. False: out of buffers, try again later. */
bool swapin_begin(struct pager *pg, struct space *sp, struct fault f, struct page p);
/* Fetches SWAPPED page p and its neighbours unasked; pages covered, 0: not now. */
uint32_t swapin_fetch(struct pager *pg, struct space *sp, pgno_t n, struct page p);
uint32_t swapin_in_flight(struct pager *pg, const struct space *sp);

#endif
