/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_POLICY_H
#define UPAGER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "memory/run_list.h"

/*
 * Which pages to evict: a clock over the address space.
 *
 * A page's age counts the passes of the hand that it survives.  It is set when
 * the page is filled: 1 for a first touch or a swap-in, 2 for a rescue from
 * standby, which is the only reference that user space gets to see.  The hand
 * takes the age down and evicts at 0; so victims come out in address runs.
 * GCLOCK (Smith, "Sequentiality and prefetching in database systems", 1978).
 */
#define POLICY_AGE_FILLED  1
#define POLICY_AGE_RESCUED 2
#define POLICY_AGE_PINNED  3
#define POLICY_AGE_SHARED  3
#define POLICY_AGE_STAYS   3 /* from here on it was tried in vain */

/* What sequential streams left behind, the oldest first: victims before any other. */
#define POLICY_BEHIND 8

struct policy {
	pgno_t hand;
	uint32_t turns; /* that it made since it found something */
	bool going; /* it stopped on its way, having found nothing: call again soon */
	pgno_t cold; /* of the region that is REGION_COLD: offered up to here */
	struct page_range behind[POLICY_BEHIND];
	uint32_t nr_behind;
};

/* [first, end) was used and is not needed again soon. */
void policy_leave_behind(struct policy *po, pgno_t first, pgno_t end);

#endif
