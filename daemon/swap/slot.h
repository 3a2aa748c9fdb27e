/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SLOT_H
#define UPAGER_SLOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "swap/area.h"

/*
 * Slots of all areas: who uses them and what their checksums are.
 *
 * Per slot a 64-bit checksum and a 16-bit reference count, in one file per
 * area under the state directory, mapped shared, so that a restarted daemon
 * finds them; everything else here (free extents, hints) can be recomputed
 * from the counts.  10 bytes per slot, which grow and shrink with use: housekeeping
 * backs chunks of slots ahead, and gives back those of which none is in use.
 *
 * Slots are handed out from extents of SLOT_EXTENT_SLOTS that belong to one
 * hint (an address space) at a time, in ascending order, so that what was near
 * in memory is near on the device.  When no extent is free, holes of used
 * extents are given.  No call allocates memory or makes a system call, but
 * slot_alloc() where housekeeping was late to back some.
 *
 * One lock (slots->lock, held for look-ups only) protects the free lists and
 * the counts.
 */

struct slots;

/*
 * state_dir_fd: where the files live; NULL areas are not allowed. Sets
 * areas[].first.  -ESTALE when a file there counts slots of another area.
 */
int slots_init(struct slots **slots, struct area *areas, uint32_t nr_areas, int state_dir_fd);
void slots_fini(struct slots *slots);
/* Housekeeping: chunks are backed ahead of use, and idle ones given back; true: there may be more. */
bool slots_refill(struct slots *slots);

/*
 * slot_alloc() - @want consecutive slots, near the last ones given for @hint
 * Gives a run of 1..want slots with reference count 1 each, all of one area,
 * the area of the highest priority that has room.  Returns how many, and the
 * first in @first; -ENOSPC means back-pressure.  hint: any small number, e.g.
 * a space id; hints share extents when there are more than SLOT_HINTS.
 */
int slot_alloc(struct slots *slots, uint32_t hint, uint32_t want, slot_t *first);

/*
 * One more user.  A slot with 65,535 users (forks that all copied the leaf) stays
 * in use until the daemon ends: a leak of one page rather than a wrong page.
 */
void slot_get(struct slots *slots, slot_t slot);
/* Frees at zero. */
void slot_put(struct slots *slots, slot_t slot);
/* Whether some area has it. */
bool slot_exists(const struct slots *slots, slot_t slot);
uint32_t slot_refs(const struct slots *slots, slot_t slot);

/*
 * Recovery, before any other use: begin makes every slot free, then one
 * slot_get() per reference found counts anew, end closes that.  Outside it a
 * get or put of a free slot is a bug and aborts.
 */
void slots_recount_begin(struct slots *slots);
void slots_recount_end(struct slots *slots);

/*
 * areas[area], which is open, is one of them from now on, or again: the number of
 * areas grows by one at most.  Closed, until it is opened.
 */
int slots_add_area(struct slots *slots, uint32_t area, int state_dir_fd);
/* Nobody names a slot of it any more. */
void slots_remove_area(struct slots *slots, uint32_t area, int state_dir_fd);
/* Nothing more is given out of an area, until it is opened; what is in use stays. */
void slots_close_area(struct slots *slots, uint32_t area, bool closed);
/* How many of its slots are in use. */
uint64_t slots_used(const struct slots *slots, uint32_t area);

void slot_set_checksum(struct slots *slots, slot_t slot, uint64_t checksum);
uint64_t slot_checksum(const struct slots *slots, slot_t slot);
/* Seeded XXH3-64 over a page: the seed mixes a per-daemon secret and the slot. */
uint64_t slot_hash(const struct slots *slots, slot_t slot, const void *page);

/* Area index (into the array given at init) and byte offset of a slot. */
void slot_place(const struct slots *slots, slot_t slot, uint32_t *area, uint64_t *offset);

/* Of the areas that are not closed. */
uint64_t slots_total(const struct slots *slots);
uint64_t slots_free(const struct slots *slots);
/* Memory that the slots take, those included that are backed and not used. */
uint64_t slots_bytes(const struct slots *slots);

#endif
