// SPDX-License-Identifier: GPL-2.0-only
/* What of the slot words has room in the state directory: chunks of extents, ahead of use. */
#include "swap/slot_private.h"

/* Extents that are kept backed ahead of use; of more, idle chunks are given back. */
#define WHOLE_AHEAD (16 * SLOT_CHUNK_EXTENTS)
#define WHOLE_IDLE  (2 * WHOLE_AHEAD)
/* Chunks looked at in a tick. */
#define TRIM_LOOKS  64

bool slots_back_chunk(struct slots *slots, uint32_t a, uint64_t chunk)
{
	struct slot_extents *x = &slots->extents[a];
	struct slot_state *st = &slots->state[a];
	bool bare;
	int err;

	pthread_mutex_lock(&slots->lock);
	if (chunk == SLOT_EXTENT_NONE)
		chunk = slot_extents_next_bare(x);
	bare = slot_extents_take_bare(x, chunk);
	pthread_mutex_unlock(&slots->lock);
	if (!bare)
		return false;
	err = slot_state_back(st, chunk);
	pthread_mutex_lock(&slots->lock);
	if (err)
		slot_set_add(&x->bare, chunk);
	else
		slot_extents_back(x, chunk, st->chunk[chunk].refs);
	__atomic_store_n(&x->no_room, err != 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&slots->lock);
	return !err;
}

void slots_back_ahead(struct slots *slots, uint32_t a, uint64_t want)
{
	struct slot_extents *x = &slots->extents[a];

	while (__atomic_load_n(&x->nr_whole, __ATOMIC_RELAXED) < want &&
	       __atomic_load_n(&x->nr_bare_slots, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&x->no_room, __ATOMIC_RELAXED))
		if (!slots_back_chunk(slots, a, SLOT_EXTENT_NONE))
			break;
}

static bool give_back(struct slots *slots, uint32_t a)
{
	struct slot_extents *x = &slots->extents[a];
	uint64_t chunk = SLOT_EXTENT_NONE;

	pthread_mutex_lock(&slots->lock);
	if (x->nr_whole > WHOLE_IDLE)
		chunk = slot_extents_take_idle(x, TRIM_LOOKS);
	pthread_mutex_unlock(&slots->lock);
	if (chunk == SLOT_EXTENT_NONE)
		return false;
	slot_state_give_back(&slots->state[a], chunk);
	pthread_mutex_lock(&slots->lock);
	slot_extents_add_bare(x, chunk);
	pthread_mutex_unlock(&slots->lock);
	return true;
}

void slots_back_some(struct slots *slots)
{
	for (uint32_t a = 0; a < slots->nr_areas; a++) {
		if (slots->extents[a].no_room && slot_state_has_space(&slots->state[a]))
			__atomic_store_n(&slots->extents[a].no_room, false, __ATOMIC_RELAXED);
		slots_back_ahead(slots, a, WHOLE_AHEAD);
	}
}

bool slots_refill(struct slots *slots)
{
	bool more = false;

	slots_back_some(slots);
	for (uint32_t a = 0; a < slots->nr_areas; a++)
		more |= give_back(slots, a);
	return more;
}
