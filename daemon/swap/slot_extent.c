// SPDX-License-Identifier: GPL-2.0-only
#include "swap/slot_extent.h"

#include <errno.h>
#include <stdlib.h>

#include "base/types.h"
#include "swap/slot_state.h"

_Static_assert(SLOT_EXTENT_SLOTS == 64, "an extent's free slots are one word");
_Static_assert(SLOT_CHUNK_EXTENTS *SLOT_EXTENT_SLOTS == SLOT_CHUNK_SLOTS, "one size");

#define BIT(n) (1ULL << ((n) % 64))

/* The slots of an extent that can be given out: not slot 0, none beyond the end. */
static uint64_t usable(const struct slot_extents *x, uint64_t extent)
{
	uint64_t nr = min_t(uint64_t, x->nr_slots - extent * SLOT_EXTENT_SLOTS, SLOT_EXTENT_SLOTS);
	uint64_t mask = nr == SLOT_EXTENT_SLOTS ? ~0ULL : BIT(nr) - 1;

	return extent ? mask : mask & ~1ULL;
}

static bool is_owned(const struct slot_extents *x, uint64_t extent)
{
	return x->owned[extent / 64] & BIT(extent);
}

/* Read without the lock, too. */
static void set_nr_free(struct slot_extents *x, uint64_t nr_free)
{
	__atomic_store_n(&x->nr_free, nr_free, __ATOMIC_RELAXED);
}

static void set_whole(struct slot_extents *x, uint64_t extent, bool whole)
{
	if (slot_set_has(&x->whole, extent) == whole)
		return;
	__atomic_store_n(&x->nr_whole, whole ? x->nr_whole + 1 : x->nr_whole - 1, __ATOMIC_RELAXED);
	if (whole)
		slot_set_add(&x->whole, extent);
	else
		slot_set_del(&x->whole, extent);
}

/* Puts an extent that nobody owns where its free slots say. */
static void file_extent(struct slot_extents *x, uint64_t extent)
{
	uint64_t avail = x->avail[extent];

	set_whole(x, extent, avail && avail == usable(x, extent));
	slot_set_del(&x->holed, extent);
	if (avail && !slot_set_has(&x->whole, extent))
		slot_set_add(&x->holed, extent);
}

int slot_extents_init(struct slot_extents *x, uint64_t nr_slots)
{
	uint64_t nr_extents = (nr_slots + SLOT_EXTENT_SLOTS - 1) / SLOT_EXTENT_SLOTS;
	uint64_t nr_chunks = (nr_extents + SLOT_CHUNK_EXTENTS - 1) / SLOT_CHUNK_EXTENTS;
	int err = -ENOMEM;

	*x = (struct slot_extents){ .nr_slots = nr_slots, .nr_extents = nr_extents };
	x->avail = calloc(nr_extents, sizeof(*x->avail));
	if (!x->avail)
		return err;
	x->owned = calloc((nr_extents + 63) / 64, sizeof(*x->owned));
	if (!x->owned)
		goto free_avail;
	err = slot_set_init(&x->whole, nr_extents);
	if (err)
		goto free_owned;
	err = slot_set_init(&x->holed, nr_extents);
	if (err)
		goto fini_whole;
	err = slot_set_init(&x->bare, nr_chunks);
	if (err)
		goto fini_holed;
	for (uint64_t c = 0; c < nr_chunks; c++)
		slot_extents_add_bare(x, c);
	x->nr_free = x->nr_bare_slots;
	return 0;
fini_holed:
	slot_set_fini(&x->holed);
fini_whole:
	slot_set_fini(&x->whole);
free_owned:
	free(x->owned);
free_avail:
	free(x->avail);
	return err;
}

/* Of a chunk; fewer in the last one. */
static uint64_t end_of(const struct slot_extents *x, uint64_t chunk)
{
	return min_t(uint64_t, (chunk + 1) * SLOT_CHUNK_EXTENTS, x->nr_extents);
}

static uint64_t usable_in(const struct slot_extents *x, uint64_t chunk)
{
	uint64_t nr = 0;

	for (uint64_t e = chunk * SLOT_CHUNK_EXTENTS; e < end_of(x, chunk); e++)
		nr += (uint64_t)__builtin_popcountll(usable(x, e));
	return nr;
}

/* Read without the lock, too. */
static void set_nr_bare(struct slot_extents *x, uint64_t nr)
{
	__atomic_store_n(&x->nr_bare_slots, nr, __ATOMIC_RELAXED);
}

bool slot_extents_take_bare(struct slot_extents *x, uint64_t chunk)
{
	if (chunk == SLOT_EXTENT_NONE || !slot_set_has(&x->bare, chunk))
		return false;
	slot_set_del(&x->bare, chunk);
	x->back_hand = chunk + 1;
	return true;
}

uint64_t slot_extents_next_bare(const struct slot_extents *x, uint64_t from)
{
	return slot_set_next(&x->bare, from);
}

void slot_extents_back(struct slot_extents *x, uint64_t chunk, const uint16_t *refs)
{
	for (uint64_t e = chunk * SLOT_CHUNK_EXTENTS; e < end_of(x, chunk); e++) {
		uint64_t mask = usable(x, e);

		for (uint32_t i = 0; i < SLOT_EXTENT_SLOTS; i++)
			if (refs[e % SLOT_CHUNK_EXTENTS * SLOT_EXTENT_SLOTS + i])
				mask &= ~BIT(i);
		set_nr_free(x, x->nr_free - (uint64_t)__builtin_popcountll(usable(x, e) & ~mask));
		x->avail[e] = mask;
		file_extent(x, e);
	}
	set_nr_bare(x, x->nr_bare_slots - usable_in(x, chunk));
}

void slot_extents_add_bare(struct slot_extents *x, uint64_t chunk)
{
	slot_set_add(&x->bare, chunk);
	set_nr_bare(x, x->nr_bare_slots + usable_in(x, chunk));
}

static bool is_idle(const struct slot_extents *x, uint64_t chunk)
{
	for (uint64_t e = chunk * SLOT_CHUNK_EXTENTS; e < end_of(x, chunk); e++)
		if (usable(x, e) && !slot_set_has(&x->whole, e))
			return false;
	return true;
}

uint64_t slot_extents_take_idle(struct slot_extents *x, uint64_t looks)
{
	while (looks--) {
		uint64_t chunk = x->trim_hand;

		x->trim_hand = end_of(x, chunk) == x->nr_extents ? 0 : chunk + 1;
		if (!is_idle(x, chunk))
			continue;
		for (uint64_t e = chunk * SLOT_CHUNK_EXTENTS; e < end_of(x, chunk); e++)
			set_whole(x, e, false);
		return chunk;
	}
	return SLOT_EXTENT_NONE;
}

void slot_extents_fini(struct slot_extents *x)
{
	slot_set_fini(&x->bare);
	slot_set_fini(&x->holed);
	slot_set_fini(&x->whole);
	free(x->owned);
	free(x->avail);
}

uint64_t slot_extents_own(struct slot_extents *x, uint64_t from, bool whole)
{
	struct slot_set *set = whole ? &x->whole : &x->holed;
	uint64_t extent = slot_set_next(set, from);

	if (extent == SLOT_SET_NONE)
		return SLOT_EXTENT_NONE;
	if (whole)
		set_whole(x, extent, false);
	else
		slot_set_del(set, extent);
	x->owned[extent / 64] |= BIT(extent);
	return extent;
}

void slot_extents_disown(struct slot_extents *x, uint64_t extent)
{
	x->owned[extent / 64] &= ~BIT(extent);
	file_extent(x, extent);
}

uint32_t slot_extents_take(struct slot_extents *x, uint64_t extent, uint32_t pos, uint32_t want,
			   uint64_t *first)
{
	uint64_t avail = pos < SLOT_EXTENT_SLOTS ? x->avail[extent] & (~0ULL << pos) : 0;
	uint32_t start, nr;
	uint64_t rest;

	if (!avail)
		return 0;
	start = (uint32_t)__builtin_ctzll(avail);
	rest = ~(avail >> start);
	nr = rest ? (uint32_t)__builtin_ctzll(rest) : SLOT_EXTENT_SLOTS;
	nr = min_t(uint32_t, nr, want);
	x->avail[extent] &= ~((nr == SLOT_EXTENT_SLOTS ? ~0ULL : BIT(nr) - 1) << start);
	set_nr_free(x, x->nr_free - nr);
	*first = extent * SLOT_EXTENT_SLOTS + start;
	return nr;
}

void slot_extents_take_one(struct slot_extents *x, uint64_t slot)
{
	uint64_t extent = slot / SLOT_EXTENT_SLOTS;

	x->avail[extent] &= ~BIT(slot);
	set_nr_free(x, x->nr_free - 1);
	if (!is_owned(x, extent))
		file_extent(x, extent);
}

void slot_extents_give(struct slot_extents *x, uint64_t slot)
{
	uint64_t extent = slot / SLOT_EXTENT_SLOTS;

	x->avail[extent] |= BIT(slot);
	set_nr_free(x, x->nr_free + 1);
	if (!is_owned(x, extent))
		file_extent(x, extent);
}
