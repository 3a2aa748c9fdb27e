/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STANDBY_H
#define UPAGER_STANDBY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

/*
 * The standby pool of a space: a memfd whose pages hold what was evicted until
 * it is on the device, and after that as long as there is room: the second
 * chance that stands in for the missing accessed bit.  Places are used in ring
 * order, so the oldest is reused first.
 *
 * Only the worker touches it once the space is live.
 */
enum place_state {
	PLACE_FREE,
	PLACE_DETACHING, /* the agent may write it */
	PLACE_DIRTY, /* only copy of its page, not being written yet */
	PLACE_WRITING, /* only copy of its page, write in flight */
	PLACE_CLEAN, /* its page is also in its slot */
	PLACE_ORPHAN, /* write in flight, its page was taken back or dropped */
};

struct standby {
	int fd;
	uint8_t *map;
	uint32_t nr_places;
	uint32_t hand; /* next place to give out */
	uint32_t write_hand; /* where to look for DIRTY places first */
	uint32_t nr_busy; /* places neither FREE nor CLEAN */
	uint32_t nr_dirty; /* DIRTY */
	uint32_t nr_writing; /* WRITING and ORPHAN */
	uint8_t *state; /* enum place_state per place */
	pgno_t *page; /* owner, where not FREE or ORPHAN */
	int buffer; /* index of the ring's registered buffer, -1 none */
};

int standby_init(struct standby *sb, uint32_t nr_places);
/* That of a daemon that died, all places FREE for now; the descriptor is ours. */
int standby_restore(struct standby *sb, int fd);
void standby_fini(struct standby *sb);

void standby_set(struct standby *sb, uint32_t place, enum place_state state, pgno_t page);

static inline uint8_t *standby_data(const struct standby *sb, uint32_t place)
{
	return sb->map + (uint64_t)place * PAGE_SIZE;
}

/*
 * First run of 1..want consecutive places at or after the hand that are FREE
 * or CLEAN; 0 when all are busy.  The caller frees the CLEAN ones before use
 * (their pages become SWAPPED) and then moves the hand with standby_take().
 */
uint32_t standby_find(const struct standby *sb, uint32_t want, uint32_t *first);
void standby_take(struct standby *sb, uint32_t first, uint32_t nr_places);

/* First run of 1..want consecutive DIRTY places, oldest first; 0: none. */
uint32_t standby_find_dirty(struct standby *sb, uint32_t want, uint32_t *first);

#endif
