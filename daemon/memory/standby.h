/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_STANDBY_H
#define UPAGER_STANDBY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"
#include "memory/standby_part.h"

/*
 * The standby pool of a space: a memfd whose pages hold what was evicted until
 * it is on the device, and after that as long as there is room: the second
 * chance that stands in for the missing accessed bit.  Places are used in ring
 * order, so the oldest is reused first.
 *
 * The file is as large as a pool may ever be, and sealed so; there is memory for
 * the places that it has, in parts.
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

#define STANDBY_PLACES_MIN 32u
#define STANDBY_PLACES_MAX 4096u
#define STANDBY_PARTS_MAX  12u

struct standby {
	int fd; /* -1: there is none */
	_Atomic uint32_t nr_places; /* anybody may look */
	uint32_t nr_parts;
	struct standby_part *part[STANDBY_PARTS_MAX];
	uint32_t nr_backed; /* the file may have memory for so many */
	uint32_t hand; /* next place to give out */
	uint32_t write_hand; /* where to look for DIRTY places first */
	uint32_t nr_busy; /* places neither FREE nor CLEAN */
	uint32_t nr_dirty; /* DIRTY */
	uint32_t nr_writing; /* WRITING and ORPHAN */
};

/* With nr_places at least. */
int standby_init(struct standby *sb, uint32_t nr_places);
/* That of a daemon that died, all places FREE for now; the descriptor is ours. */
int standby_restore(struct standby *sb, int fd, uint32_t nr_places);
void standby_fini(struct standby *sb);

/* How many places it has once it has grown by a part, most at most; as it is: not worth one. */
uint32_t standby_next_size(const struct standby *sb, uint64_t most);
/* The part that begins where its places end. */
void standby_add_part(struct standby *sb, struct standby_part *part);
/* The last one, of which all places are FREE; it is the caller's from now on. */
struct standby_part *standby_remove_part(struct standby *sb);

void standby_set(struct standby *sb, uint32_t place, enum place_state state, pgno_t page);

static inline struct standby_part *standby_part_of(const struct standby *sb, uint32_t place)
{
	uint32_t i = sb->nr_parts - 1; /* which has as many as all others */

	while (place < sb->part[i]->first)
		i--;
	return sb->part[i];
}

static inline enum place_state standby_state(const struct standby *sb, uint32_t place)
{
	const struct standby_part *part = standby_part_of(sb, place);

	return (enum place_state)part->state[place - part->first];
}

static inline bool place_is_only_copy(enum place_state state)
{
	return state == PLACE_DIRTY || state == PLACE_WRITING;
}

/* How many places have one, at most. */
static inline uint32_t standby_only_copies(const struct standby *sb)
{
	return sb->nr_dirty + sb->nr_writing;
}

/* Who has a place that is neither FREE nor ORPHAN. */
static inline pgno_t standby_page(const struct standby *sb, uint32_t place)
{
	const struct standby_part *part = standby_part_of(sb, place);

	return part->page[place - part->first];
}

static inline uint8_t *standby_data(const struct standby *sb, uint32_t place)
{
	const struct standby_part *part = standby_part_of(sb, place);

	return part->map + (uint64_t)(place - part->first) * PAGE_SIZE;
}

/*
 * First run of 1..want consecutive places of a part at or after the hand that
 * are FREE or CLEAN; 0 when all are busy.  The caller frees the CLEAN ones before
 * use (their pages become SWAPPED) and then moves the hand with standby_take().
 */
uint32_t standby_find(const struct standby *sb, uint32_t want, uint32_t *first);
void standby_take(struct standby *sb, uint32_t first, uint32_t nr_places);

/* First run of 1..want consecutive DIRTY places of a part, oldest first; 0: none. */
uint32_t standby_find_dirty(struct standby *sb, uint32_t want, uint32_t *first);

#endif
