/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_PAGED_H
#define UPAGER_SELFTESTS_PAGED_H

#include "selftests/memory.h"

/* In a target: NR pages, which the includer defines, all of them out. */

static inline uint8_t *at(uint8_t *p, uint64_t page)
{
	return p + page * PAGE_SIZE;
}

static inline uint8_t *paged(uint64_t seed)
{
	uint8_t *p = memory_map(NR);

	memory_fill(p, 0, NR, seed);
	if (!memory_push_far(p, NR))
		_exit(98);
	return p;
}

#endif
