// SPDX-License-Identifier: GPL-2.0-only
#include "evict/policy.h"

#include <string.h>

void policy_leave_behind(struct policy *po, pgno_t first, pgno_t end)
{
	struct page_range *last = po->nr_behind ? &po->behind[po->nr_behind - 1] : NULL;

	if (first.v >= end.v)
		return;
	if (last && first.v >= last->first.v && first.v <= last->end.v && end.v >= last->end.v) {
		last->end = end; /* the same stream */
		return;
	}
	if (po->nr_behind == POLICY_BEHIND)
		memmove(&po->behind[0], &po->behind[1], --po->nr_behind * sizeof(po->behind[0]));
	po->behind[po->nr_behind++] = (struct page_range){ first, end };
}
