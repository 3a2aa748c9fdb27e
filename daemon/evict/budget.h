/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_BUDGET_H
#define UPAGER_BUDGET_H

#include "memory/space.h"

/*
 * How much a space may have, and when its faults wait.
 *
 *   low      budget - 2 * slack   eviction stops here
 *   start    budget - slack       eviction starts here: off the fault path
 *   hard     budget + slack       above it faults wait for eviction
 *
 * Resident counts what is tracked (zero-filled pages included), what is being
 * read, and what was seen beyond it (stacks, mappings not registered yet).
 */
static inline uint64_t budget_slack(const struct space *sp)
{
	return max_t(uint64_t, sp->orders.budget_pages / 64, 64);
}

static inline uint64_t budget_resident(const struct space *sp)
{
	return sp->reports.nr_resident + sp->reports.nr_reading + sp->orders.other_pages;
}

/* Pages to evict to get down to the low mark; 0 below the start mark. */
static inline uint64_t budget_excess(const struct space *sp)
{
	uint64_t resident = budget_resident(sp), slack = budget_slack(sp);

	if (resident + slack <= sp->orders.budget_pages)
		return 0;
	return resident + 2 * slack > sp->orders.budget_pages
		       ? resident + 2 * slack - sp->orders.budget_pages
		       : 0;
}

/* Pages that may become resident before the hard mark is reached. */
static inline uint64_t budget_room(const struct space *sp)
{
	uint64_t resident = budget_resident(sp), hard = sp->orders.budget_pages + budget_slack(sp);

	return resident < hard ? hard - resident : 0;
}

#endif
