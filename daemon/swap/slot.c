// SPDX-License-Identifier: GPL-2.0-only
#include "swap/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <xxh_x86dispatch.h> /* with AVX2 or AVX-512 where there is one: a third of the time */
#else
#include <xxhash.h>
#endif

#include "base/log.h"
#include "swap/claim.h"
#include "swap/slot_private.h"

/* A count that reached the limit no longer counts: the slot stays in use. */
#define COUNT_STUCK UINT16_MAX

/* A slot number that cannot be, or a count that would go wrong: going on would mix up pages. */
static void bug(const char *what, slot_t slot)
{
	log_err("slot %llu: %s, giving up", (unsigned long long)slot.v, what);
	abort();
}

bool slot_exists(const struct slots *slots, slot_t slot)
{
	for (uint32_t a = 0; a < slots->nr_areas; a++)
		if (slot.v - slots->areas[a].first.v < slots->areas[a].sb.nr_slots)
			return slot.v != slots->areas[a].first.v;
	return false;
}

static uint32_t slot_area(const struct slots *slots, slot_t slot)
{
	uint32_t a;

	for (a = 0; a < slots->nr_areas; a++)
		if (slot.v - slots->areas[a].first.v < slots->areas[a].sb.nr_slots)
			break;
	if (a == slots->nr_areas || slot.v == slots->areas[a].first.v)
		bug("no such slot", slot);
	return a;
}

static uint64_t slot_index(const struct slots *slots, uint32_t area, slot_t slot)
{
	return slot.v - slots->areas[area].first.v;
}

/* Of a chunk that is backed. */
static uint16_t *count_at(const struct slots *slots, uint32_t area, uint64_t index)
{
	return &slots->state[area].chunk[index / SLOT_CHUNK_SLOTS].refs[index % SLOT_CHUNK_SLOTS];
}

static uint16_t *slot_count(const struct slots *slots, slot_t slot)
{
	uint32_t a = slot_area(slots, slot);

	return count_at(slots, a, slot_index(slots, a, slot));
}

static uint64_t *slot_word(const struct slots *slots, slot_t slot)
{
	uint32_t a = slot_area(slots, slot);
	uint64_t index = slot_index(slots, a, slot);

	return &slots->state[a].chunk[index / SLOT_CHUNK_SLOTS].checksum[index % SLOT_CHUNK_SLOTS];
}

int slots_init(struct slots **slots, struct area *areas, uint32_t nr_areas, int state_dir_fd)
{
	pthread_mutexattr_t attr;
	struct slots *s;
	uint64_t next = 0;
	uint32_t a;
	int err;

	if (!areas || !nr_areas || nr_areas > AREAS_MAX)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->areas = areas;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&s->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	for (a = 0; a < nr_areas; a++) {
		/* The superblock of the first area is slot 0, no slot. */
		areas[a].first = (slot_t){ next };
		areas[a].span = max_t(uint64_t, areas[a].span, areas[a].sb.nr_slots);
		next += areas[a].span;
		if (next > 1ULL << SLOT_BITS) {
			err = -EFBIG;
			goto fini_areas;
		}
		s->extents[a].closed = area_is_hole(&areas[a]);
		err = area_is_hole(&areas[a]) ? 0 : slots_area_begin(s, a, false, state_dir_fd);
		if (err)
			goto fini_areas;
		s->nr_areas++;
	}
	for (uint32_t r = 0; r < s->nr_ranks; r++)
		slot_rank_init(&s->rank[r]);
	/*
	 * Nothing is given back yet: a daemon that died while it counted has left counts
	 * of 0 beside what is in use.
	 */
	slots_back_some(s);
	for (a = 0; a < nr_areas; a++)
		if (s->extents[a].no_room) {
			slots_fini(s);
			return -ENOSPC;
		}
	*slots = s;
	return 0;
fini_areas:
	while (s->nr_areas)
		slots_area_end(s, --s->nr_areas);
	free(s);
	return err;
}

void slots_fini(struct slots *slots)
{
	pthread_mutex_destroy(&slots->lock);
	while (slots->nr_areas)
		slots_area_end(slots, --slots->nr_areas);
	free(slots);
}

/* Mostly housekeeping did so.  It may add areas meanwhile, and remove closed ones. */
static void back_rank_ahead(struct slots *slots, const struct slot_rank *rank, uint32_t want)
{
	uint32_t areas[AREAS_MAX], nr_areas = 0;

	pthread_mutex_lock(&slots->lock);
	for (uint32_t i = 0; i < rank->nr_areas; i++)
		if (!slots->extents[rank->area[i]].closed)
			areas[nr_areas++] = rank->area[i];
	pthread_mutex_unlock(&slots->lock);
	for (uint32_t i = 0; i < nr_areas; i++)
		slots_back_ahead(slots, areas[i], want / SLOT_EXTENT_SLOTS + 2);
}

int slot_alloc(struct slots *slots, uint32_t hint, uint32_t want, slot_t *first)
{
	uint32_t area = 0, nr = 0;
	uint64_t index = 0;

	if (!want)
		return -EINVAL;
	for (uint32_t r = 0; r < slots->nr_ranks && !nr; r++) {
		struct slot_rank *rank = &slots->rank[r];

		back_rank_ahead(slots, rank, want);
		pthread_mutex_lock(&slots->lock);
		nr = slot_rank_take(rank, slots->extents, hint, want, &area, &index);
		for (uint32_t i = 0; i < nr; i++)
			__atomic_store_n(count_at(slots, area, index + i), 1, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&slots->lock);
	}
	if (!nr)
		return -ENOSPC;
	*first = slot_add(slots->areas[area].first, index);
	return (int)nr;
}

void slot_get(struct slots *slots, slot_t slot)
{
	uint32_t area = slot_area(slots, slot);
	uint16_t *count = slot_count(slots, slot);

	/* What is in use is backed, unless the file that tells so is damaged. */
	if (slots->recounting) {
		uint64_t chunk = slot_index(slots, area, slot) / SLOT_CHUNK_SLOTS;

		if (slots->areas[area].claims && !claim_take(slots->areas[area].claims, chunk))
			bug("it is another pager's", slot);
		slots_back_chunk(slots, area, chunk);
	}
	pthread_mutex_lock(&slots->lock);
	if (!*count) {
		uint32_t a = slot_area(slots, slot);

		if (!slots->recounting)
			bug("get of a free slot", slot);
		slot_extents_take_one(&slots->extents[a], slot_index(slots, a, slot));
	}
	if (*count != COUNT_STUCK)
		__atomic_store_n(count, (uint16_t)(*count + 1), __ATOMIC_RELAXED);
	pthread_mutex_unlock(&slots->lock);
}

void slot_put(struct slots *slots, slot_t slot)
{
	uint16_t *count = slot_count(slots, slot);

	pthread_mutex_lock(&slots->lock);
	if (!*count)
		bug("put of a free slot", slot);
	if (*count != COUNT_STUCK)
		__atomic_store_n(count, (uint16_t)(*count - 1), __ATOMIC_RELAXED);
	if (!*count) {
		uint32_t a = slot_area(slots, slot);

		slot_extents_give(&slots->extents[a], slot_index(slots, a, slot));
	}
	pthread_mutex_unlock(&slots->lock);
}

uint32_t slot_refs(const struct slots *slots, slot_t slot)
{
	return __atomic_load_n(slot_count(slots, slot), __ATOMIC_RELAXED);
}

void slots_recount_begin(struct slots *slots)
{
	pthread_mutex_lock(&slots->lock);
	slots->recounting = true;
	for (uint32_t a = 0; a < slots->nr_areas; a++)
		for (uint64_t i = 1; i < slots->areas[a].sb.nr_slots; i++)
			if (!slot_set_has(&slots->extents[a].bare, i / SLOT_CHUNK_SLOTS) &&
			    *count_at(slots, a, i)) {
				*count_at(slots, a, i) = 0;
				slot_extents_give(&slots->extents[a], i);
			}
	pthread_mutex_unlock(&slots->lock);
}

void slots_recount_end(struct slots *slots)
{
	pthread_mutex_lock(&slots->lock);
	slots->recounting = false;
	pthread_mutex_unlock(&slots->lock);
}

void slot_set_checksum(struct slots *slots, slot_t slot, uint64_t checksum)
{
	__atomic_store_n(slot_word(slots, slot), checksum, __ATOMIC_RELEASE);
}

uint64_t slot_checksum(const struct slots *slots, slot_t slot)
{
	return __atomic_load_n(slot_word(slots, slot), __ATOMIC_ACQUIRE);
}

uint64_t slot_hash(const struct slots *slots, slot_t slot, const void *page)
{
	uint64_t secret = slots->state[slot_area(slots, slot)].header->secret;

	/* An odd factor: distinct slots of an area have distinct seeds. */
	return XXH3_64bits_withSeed(page, PAGE_SIZE, secret ^ (slot.v * 0x9e3779b97f4a7c15ULL));
}

void slot_place(const struct slots *slots, slot_t slot, uint32_t *area, uint64_t *offset)
{
	*area = slot_area(slots, slot);
	*offset = slot_index(slots, *area, slot) << PAGE_SHIFT;
}

void slots_close_area(struct slots *slots, uint32_t area, bool closed)
{
	pthread_mutex_lock(&slots->lock);
	__atomic_store_n(&slots->extents[area].closed, closed, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&slots->lock);
}

static bool is_closed(const struct slots *slots, uint32_t area)
{
	return __atomic_load_n(&slots->extents[area].closed, __ATOMIC_RELAXED);
}

uint64_t slots_used(const struct slots *slots, uint32_t area)
{
	return slots->areas[area].sb.nr_slots - 1 -
	       __atomic_load_n(&slots->extents[area].nr_free, __ATOMIC_RELAXED);
}

uint64_t slots_total(const struct slots *slots)
{
	uint64_t total = 0;

	for (uint32_t a = 0; a < slots->nr_areas; a++)
		total += is_closed(slots, a) ? 0 : slots->areas[a].sb.nr_slots - 1;
	return total;
}

/* Of those that are bare: what cannot be backed, or is another pager's, cannot be had. */
static uint64_t bare_and_ours(const struct slots *slots, uint32_t a, uint64_t bare)
{
	const struct claims *claims = slots->areas[a].claims;

	if (__atomic_load_n(&slots->extents[a].no_room, __ATOMIC_RELAXED))
		return 0;
	return claims ? min_t(uint64_t, bare, claim_room(claims) * SLOT_CHUNK_SLOTS) : bare;
}

uint64_t slots_free(const struct slots *slots)
{
	uint64_t nr_free = 0;

	for (uint32_t a = 0; a < slots->nr_areas; a++) {
		const struct slot_extents *x = &slots->extents[a];
		uint64_t nr = __atomic_load_n(&x->nr_free, __ATOMIC_RELAXED), bare;

		bare = __atomic_load_n(&x->nr_bare_slots, __ATOMIC_RELAXED);
		if (is_closed(slots, a))
			continue;
		nr -= min_t(uint64_t, nr, bare);
		nr_free += nr + bare_and_ours(slots, a, bare);
	}
	return nr_free;
}

uint64_t slots_bytes(const struct slots *slots)
{
	uint64_t bytes = 0;

	for (uint32_t a = 0; a < slots->nr_areas; a++)
		bytes += (slots->areas[a].sb.nr_slots -
			  __atomic_load_n(&slots->extents[a].nr_bare_slots, __ATOMIC_RELAXED)) *
			 (sizeof(struct slot_chunk) / SLOT_CHUNK_SLOTS);
	return bytes;
}
