/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_VICTIMS_H
#define UPAGER_VICTIMS_H

#include "pager.h"

/*
 * Up to nr_pages victims in up to max_runs runs of at most run_pages each, in
 * ascending order.  Ages change; states do not.  Returns the number of runs, 0
 * when nothing may be evicted, or not all was looked at (going): what is done in
 * one call is bounded.  Under the space's lock (regions).
 */
uint32_t victims_choose(struct pager *pg, struct space *sp, uint32_t nr_pages, uint32_t run_pages,
			struct run *runs, uint32_t max_runs);

#endif
