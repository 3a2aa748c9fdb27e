/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_DRAIN_H
#define UPAGER_DRAIN_H

#include "pager.h"

/*
 * Empties an area while programs are paged, as pg->area_job says.  What is there is
 * read, written to a slot of another area, and only then named there: by one store, so
 * that a daemon that dies leaves it in either.  Where no other area has room it comes
 * into memory.  Copies that resident pages keep are given up.  The worker's.
 */

/* A little of it; when to go on, 0: nothing is to be done. */
uint64_t drain_step(struct pager *pg, uint64_t now_ns);

#endif
