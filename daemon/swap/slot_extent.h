/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_EXTENT_H
#define UPAGER_SLOT_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "swap/slot_set.h"

#define SLOT_EXTENT_NONE SLOT_SET_NONE

/*
 * The free slots of one area, as extents of 64.  An extent is at any time one
 * of: owned (by one hint), whole (no slot in use), holed (some in use), full.
 * Slot numbers here count from the area's start; its slot 0 is never free.
 */
struct slot_extents {
	uint64_t nr_slots;
	uint64_t nr_extents;
	uint64_t nr_free;
	uint64_t *avail; /* per extent, a bit per free slot */
	uint64_t *owned; /* a bit per extent */
	struct slot_set whole;
	struct slot_set holed;
};

/* All slots are free for which refs is zero. */
int slot_extents_init(struct slot_extents *x, uint64_t nr_slots, const uint16_t *refs);
void slot_extents_fini(struct slot_extents *x);

/*
 * Owns the next whole (or holed) extent at or after @from, around the end, and
 * returns it, or SLOT_EXTENT_NONE.
 */
uint64_t slot_extents_own(struct slot_extents *x, uint64_t from, bool whole);
void slot_extents_disown(struct slot_extents *x, uint64_t extent);

/*
 * Takes the first run of free slots at or after bit @pos of an owned extent, at
 * most @want; returns how many and the first.
 */
uint32_t slot_extents_take(struct slot_extents *x, uint64_t extent, uint32_t pos, uint32_t want,
			   uint64_t *first);
/* Takes one free slot, wherever it is. */
void slot_extents_take_one(struct slot_extents *x, uint64_t slot);
void slot_extents_give(struct slot_extents *x, uint64_t slot);

#endif
