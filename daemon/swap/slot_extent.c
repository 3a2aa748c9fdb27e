// SPDX-License-Identifier: GPL-2.0-only
#include "swap/slot_extent.h"

#include <errno.h>
#include <stdlib.h>

#include "base/types.h"
#include "swap/slot.h"

_Static_assert(SLOT_EXTENT_SLOTS == 64, "an extent's free slots are one word");

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

/* Puts an extent that nobody owns where its free slots say. */
static void file_extent(struct slot_extents *x, uint64_t extent)
{
	uint64_t avail = x->avail[extent];

	slot_set_del(&x->whole, extent);
	slot_set_del(&x->holed, extent);
	if (avail && avail == usable(x, extent))
		slot_set_add(&x->whole, extent);
	else if (avail)
		slot_set_add(&x->holed, extent);
}

int slot_extents_init(struct slot_extents *x, uint64_t nr_slots, const uint16_t *refs)
{
	uint64_t nr_extents = (nr_slots + SLOT_EXTENT_SLOTS - 1) / SLOT_EXTENT_SLOTS;
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

	for (uint64_t e = 0; e < nr_extents; e++) {
		uint64_t mask = usable(x, e);

		for (uint32_t i = 0; i < SLOT_EXTENT_SLOTS && mask >> i; i++)
			if (refs[e * SLOT_EXTENT_SLOTS + i])
				mask &= ~BIT(i);
		x->avail[e] = mask;
		x->nr_free += (uint64_t)__builtin_popcountll(mask);
		file_extent(x, e);
	}
	return 0;
fini_whole:
	slot_set_fini(&x->whole);
free_owned:
	free(x->owned);
free_avail:
	free(x->avail);
	return err;
}

void slot_extents_fini(struct slot_extents *x)
{
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
