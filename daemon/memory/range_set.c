// SPDX-License-Identifier: GPL-2.0-only
#include "memory/range_set.h"

/* Pages between the two; 0: they touch. */
static uint64_t gap(const struct page_range *r, pgno_t first, pgno_t end)
{
	return first.v > r->end.v   ? first.v - r->end.v
	       : r->first.v > end.v ? r->first.v - end.v
				    : 0;
}

void range_set_add(struct range_set *set, pgno_t first, pgno_t end)
{
	struct page_range *nearest = NULL;

	if (first.v >= end.v)
		return;
	for (uint32_t i = 0; i < set->nr; i++)
		if (!nearest || gap(&set->at[i], first, end) < gap(nearest, first, end))
			nearest = &set->at[i];
	if (!nearest || (gap(nearest, first, end) && set->nr < RANGE_SET_MAX)) {
		set->at[set->nr++] = (struct page_range){ first, end };
		return;
	}
	if (first.v < nearest->first.v)
		nearest->first = first;
	if (end.v > nearest->end.v)
		nearest->end = end;
}

bool range_set_meets(const struct range_set *set, pgno_t first, pgno_t end)
{
	for (uint32_t i = 0; i < set->nr; i++)
		if (set->at[i].first.v < end.v && first.v < set->at[i].end.v)
			return true;
	return false;
}
