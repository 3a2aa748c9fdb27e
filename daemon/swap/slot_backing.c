// SPDX-License-Identifier: GPL-2.0-only
/* What of the slot words has room in the state directory: chunks of extents, ahead of use. */
#include "swap/claim.h"
#include "swap/slot_private.h"

/* Extents that are kept backed ahead of use; of more, idle chunks are given back. */
#define WHOLE_AHEAD   (16 * SLOT_CHUNK_EXTENTS)
#define WHOLE_IDLE    (2 * WHOLE_AHEAD)
/* The same where others may need them; who has nothing there keeps nothing. */
#define CLAIMED_AHEAD (1 * SLOT_CHUNK_EXTENTS)
#define CLAIMED_IDLE  (2 * SLOT_CHUNK_EXTENTS)
/* Chunks looked at in a tick. */
#define TRIM_LOOKS    64

/* One that is bare, and ours to use; SLOT_EXTENT_NONE: none. */
static uint64_t next_bare(const struct slots *slots, uint32_t a)
{
	struct claims *claims = slots->areas[a].claims;
	const struct slot_extents *x = &slots->extents[a];
	uint64_t first = slot_extents_next_bare(x, x->back_hand), chunk = first;

	if (!claims || first == SLOT_EXTENT_NONE)
		return first;
	if (!claim_room(claims) && !claims_linger(claims))
		return SLOT_EXTENT_NONE;
	do {
		if (claim_take(claims, chunk))
			return chunk;
		chunk = slot_extents_next_bare(x, chunk + 1);
	} while (chunk != first);
	return SLOT_EXTENT_NONE;
}

bool slots_back_chunk(struct slots *slots, uint32_t a, uint64_t chunk)
{
	struct slot_extents *x = &slots->extents[a];
	struct slot_state *st = &slots->state[a];
	bool bare;
	int err;

	pthread_mutex_lock(&slots->lock);
	if (chunk == SLOT_EXTENT_NONE)
		chunk = next_bare(slots, a);
	bare = slot_extents_take_bare(x, chunk);
	pthread_mutex_unlock(&slots->lock);
	if (!bare)
		return false;
	err = slot_state_back(st, chunk);
	pthread_mutex_lock(&slots->lock);
	if (err)
		slot_set_add(&x->bare, chunk); /* a claim stays, for the next try */
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

static uint64_t ahead(const struct slots *slots, uint32_t a)
{
	if (!slots->areas[a].claims)
		return WHOLE_AHEAD;
	return slots_used(slots, a) ? CLAIMED_AHEAD : 0;
}

static uint64_t idle(const struct slots *slots, uint32_t a)
{
	if (!slots->areas[a].claims)
		return WHOLE_IDLE;
	return slots_used(slots, a) ? CLAIMED_IDLE : 0;
}

static bool give_back(struct slots *slots, uint32_t a)
{
	struct slot_extents *x = &slots->extents[a];
	uint64_t chunk = SLOT_EXTENT_NONE;
	bool none_used = slots->areas[a].claims && !slots_used(slots, a), more;

	pthread_mutex_lock(&slots->lock);
	/* Nor does anybody stand in one of them, ready to go on. */
	for (uint32_t r = 0; none_used && r < slots->nr_ranks; r++)
		slot_rank_let_go(&slots->rank[r], slots->extents);
	if (x->nr_whole > idle(slots, a))
		chunk = slot_extents_take_idle(x, TRIM_LOOKS);
	more = none_used && x->nr_whole;
	pthread_mutex_unlock(&slots->lock);
	if (chunk == SLOT_EXTENT_NONE)
		return more;
	slot_state_give_back(&slots->state[a], chunk);
	pthread_mutex_lock(&slots->lock);
	slot_extents_add_bare(x, chunk);
	if (slots->areas[a].claims)
		claim_drop(slots->areas[a].claims, chunk);
	pthread_mutex_unlock(&slots->lock);
	return true;
}

/* Claims that a predecessor had, of what is not in use. */
static void drop_left(struct slots *slots, uint32_t a)
{
	struct claims *claims = slots->areas[a].claims;

	if (!claims || !claims_linger_over(claims))
		return;
	pthread_mutex_lock(&slots->lock);
	for (uint64_t c = 0; c < slots->state[a].nr_chunks; c++)
		if (slot_set_has(&slots->extents[a].bare, c) && claim_has(claims, c))
			claim_drop(claims, c);
	pthread_mutex_unlock(&slots->lock);
}

void slots_back_some(struct slots *slots)
{
	for (uint32_t a = 0; a < slots->nr_areas; a++) {
		if (slots->extents[a].no_room && slot_state_has_space(&slots->state[a]))
			__atomic_store_n(&slots->extents[a].no_room, false, __ATOMIC_RELAXED);
		slots_back_ahead(slots, a, ahead(slots, a));
	}
}

bool slots_refill(struct slots *slots)
{
	bool more = false;

	slots_back_some(slots);
	for (uint32_t a = 0; a < slots->nr_areas; a++) {
		more |= give_back(slots, a);
		drop_left(slots, a);
	}
	return more;
}
