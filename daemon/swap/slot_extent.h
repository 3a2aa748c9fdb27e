/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_EXTENT_H
#define UPAGER_SLOT_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "swap/slot_set.h"

#define SLOT_EXTENT_SLOTS 64 /* 256 KiB */
#define SLOT_EXTENT_NONE  SLOT_SET_NONE

/*
 * The free slots of one area, as extents of 64.  An extent is at any time one
 * of: owned (by one hint), whole (no slot in use), holed (some in use), full.
 * Slot numbers here count from the area's start; its slot 0 is never free.
 *
 * What can be given out lies in chunks of extents that are backed (slot_state.h);
 * the others are bare, with all their slots free.
 */
#define SLOT_CHUNK_EXTENTS 32

struct slot_extents {
	uint64_t nr_slots;
	uint64_t nr_extents;
	uint64_t nr_free; /* bare ones included */
	uint64_t nr_whole;
	uint64_t nr_bare_slots;
	struct slot_set bare; /* chunks */
	uint64_t back_hand; /* chunk to be backed next, if it is bare */
	uint64_t trim_hand; /* chunk to be looked at next */
	bool closed; /* nothing is given out */
	bool no_room; /* for one more: bare slots count for nothing */
	uint64_t *avail; /* per extent, a bit per free slot */
	uint64_t *owned; /* a bit per extent */
	struct slot_set whole;
	struct slot_set holed;
};

/* All chunks are bare. */
int slot_extents_init(struct slot_extents *x, uint64_t nr_slots);
void slot_extents_fini(struct slot_extents *x);

/* Takes a chunk that is bare, to be backed; false: it is not, or @chunk is NONE. */
bool slot_extents_take_bare(struct slot_extents *x, uint64_t chunk);
/* The first bare one at or after @from, around the end, or SLOT_EXTENT_NONE. */
uint64_t slot_extents_next_bare(const struct slot_extents *x, uint64_t from);
/* One that was taken is backed: all its slots are free for which refs is zero. */
void slot_extents_back(struct slot_extents *x, uint64_t chunk, const uint16_t *refs);
/* Takes one of the next @looks chunks that is backed and wholly free; SLOT_EXTENT_NONE: none. */
uint64_t slot_extents_take_idle(struct slot_extents *x, uint64_t looks);
/* One that was taken is bare. */
void slot_extents_add_bare(struct slot_extents *x, uint64_t chunk);

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
