/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_RANGE_SET_H
#define UPAGER_RANGE_SET_H

#include "memory/run_list.h"

/*
 * A few ranges that hold all that was added, and, once there are too many, what
 * is between some of them.  Never allocates.
 */
#define RANGE_SET_MAX 16

struct range_set {
	struct page_range at[RANGE_SET_MAX];
	uint32_t nr;
};

void range_set_add(struct range_set *set, pgno_t first, pgno_t end);
/* Whether any page of [first, end) is in it. */
bool range_set_meets(const struct range_set *set, pgno_t first, pgno_t end);

#endif
