/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_PINNED_H
#define UPAGER_PINNED_H

#include <stdint.h>

#include "pager.h"

/*
 * Pages that a device may write to by way of no page table: DONTNEED would lose
 * what it writes [F12].  MOVE finds most of them by itself; without it the
 * module is asked, after the pages were write-protected, since nobody can take
 * hold of them for writing from then on.  Without the module none is known.
 */

/* Bit i of masks[n] for page i of runs[n], in address order and of at most 64 pages. */
void pinned_find(struct pager *pg, const struct space *sp, const struct run *runs, uint32_t nr_runs,
		 uint64_t *masks);

#endif
