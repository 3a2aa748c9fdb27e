/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_RANK_H
#define UPAGER_SLOT_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "swap/area.h"
#include "swap/slot_extent.h"

/* Hints share cursors where there are more. */
#define SLOT_HINTS 256

/* Where a hint allocates: the extent that it owns, or owned last. */
struct slot_cursor {
	uint64_t extent;
	uint32_t turn; /* index of the extent's area in its rank */
	uint16_t pos; /* next bit of the extent */
	bool owns;
};

/* The areas of one priority: extents are taken from them in turn. */
struct slot_rank {
	uint32_t area[AREAS_MAX];
	uint32_t nr_areas;
	int priority;
	struct slot_cursor cursor[SLOT_HINTS];
};

/* After the last area was added: puts the cursors before the first extent. */
void slot_rank_init(struct slot_rank *rank);

/* No cursor owns an extent any more; each goes on behind its last one. */
void slot_rank_let_go(struct slot_rank *rank, struct slot_extents *extents);
/* An area that is not one of the rank's is no matter. */
void slot_rank_remove(struct slot_rank *rank, struct slot_extents *extents, uint32_t area);

/*
 * @extents: of all areas.  Takes up to @want consecutive slots and returns how
 * many, with their area and the first one's number in it; 0 when none is free.
 */
uint32_t slot_rank_take(struct slot_rank *rank, struct slot_extents *extents, uint32_t hint,
			uint32_t want, uint32_t *area, uint64_t *first);

#endif
