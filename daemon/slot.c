// SPDX-License-Identifier: GPL-2.0-only
#include "slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "log.h"
#include "slot_extent.h"
#include "slot_state.h"

/* Where a hint allocates: the extent that it owns, or owned last. */
struct cursor {
	uint64_t extent;
	uint32_t turn; /* index of the extent's area in its rank */
	uint16_t pos; /* next bit of the extent */
	bool owns;
};

/* The areas of one priority: extents are taken from them in turn. */
struct rank {
	uint32_t area[AREAS_MAX];
	uint32_t nr_areas;
	int priority;
	struct cursor cursor[SLOT_HINTS];
};

struct slots {
	pthread_mutex_t lock; /* extents, ranks, and every change of a reference count */
	struct area *areas;
	uint32_t nr_areas;
	uint32_t nr_ranks;
	bool recounting;
	struct slot_state state[AREAS_MAX];
	struct slot_extents extents[AREAS_MAX];
	struct rank rank[AREAS_MAX]; /* highest priority first */
};

/* A slot number that cannot be, or a count that would go wrong: going on would mix up pages. */
static void bug(const char *what, slot_t slot)
{
	log_err("slot %llu: %s, giving up", (unsigned long long)slot.v, what);
	abort();
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

static uint16_t *slot_count(const struct slots *slots, slot_t slot)
{
	uint32_t a = slot_area(slots, slot);

	return &slots->state[a].refs[slot_index(slots, a, slot)];
}

static uint64_t *slot_word(const struct slots *slots, slot_t slot)
{
	uint32_t a = slot_area(slots, slot);

	return &slots->state[a].checksum[slot_index(slots, a, slot)];
}

static void add_to_rank(struct slots *slots, uint32_t area)
{
	int priority = slots->areas[area].priority;
	uint32_t r = 0;

	while (r < slots->nr_ranks && slots->rank[r].priority > priority)
		r++;
	if (r == slots->nr_ranks || slots->rank[r].priority != priority) {
		memmove(&slots->rank[r + 1], &slots->rank[r],
			(slots->nr_ranks - r) * sizeof(slots->rank[0]));
		slots->nr_ranks++;
		slots->rank[r] = (struct rank){ .priority = priority };
	}
	slots->rank[r].area[slots->rank[r].nr_areas++] = area;
}

/* Before its first extent a hint stands at the end, so that it begins at the start. */
static void init_cursors(struct rank *rank)
{
	for (uint32_t h = 0; h < SLOT_HINTS; h++)
		rank->cursor[h] =
			(struct cursor){ .extent = SLOT_EXTENT_NONE, .turn = rank->nr_areas - 1 };
}

static int init_area(struct slots *slots, uint32_t a, int state_dir_fd)
{
	struct area *area = &slots->areas[a];
	int err;

	err = slot_state_open(&slots->state[a], state_dir_fd, a, &area->sb);
	if (err)
		return err;
	err = slot_extents_init(&slots->extents[a], area->sb.nr_slots, slots->state[a].refs);
	if (err)
		slot_state_close(&slots->state[a]);
	return err;
}

static void fini_area(struct slots *slots, uint32_t a)
{
	slot_extents_fini(&slots->extents[a]);
	slot_state_close(&slots->state[a]);
}

int slots_init(struct slots **out, struct area *areas, uint32_t nr_areas, int state_dir_fd)
{
	pthread_mutexattr_t attr;
	struct slots *slots;
	uint64_t next = 0;
	uint32_t a;
	int err;

	if (!areas || !nr_areas || nr_areas > AREAS_MAX)
		return -EINVAL;
	slots = calloc(1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	slots->areas = areas;
	for (a = 0; a < nr_areas; a++) {
		/* The superblock of the first area is slot 0, no slot. */
		areas[a].first = (slot_t){ next };
		next += areas[a].sb.nr_slots;
		if (next > 1ULL << SLOT_BITS) {
			err = -EFBIG;
			goto fini_areas;
		}
		err = init_area(slots, a, state_dir_fd);
		if (err)
			goto fini_areas;
		slots->nr_areas++;
		add_to_rank(slots, a);
	}
	for (uint32_t r = 0; r < slots->nr_ranks; r++)
		init_cursors(&slots->rank[r]);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&slots->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	*out = slots;
	return 0;
fini_areas:
	while (slots->nr_areas)
		fini_area(slots, --slots->nr_areas);
	free(slots);
	return err;
}

void slots_fini(struct slots *slots)
{
	pthread_mutex_destroy(&slots->lock);
	while (slots->nr_areas)
		fini_area(slots, --slots->nr_areas);
	free(slots);
}

static struct slot_extents *cursor_extents(struct slots *slots, struct rank *rank, struct cursor *c)
{
	return &slots->extents[rank->area[c->turn]];
}

static void disown(struct slots *slots, struct rank *rank, struct cursor *c)
{
	if (c->owns)
		slot_extents_disown(cursor_extents(slots, rank, c), c->extent);
	c->owns = false;
}

/* Owns the next extent of a kind after the cursor's last one, the areas in turn. */
static bool own_kind(struct slots *slots, struct rank *rank, struct cursor *c, bool whole)
{
	uint64_t from = c->extent;
	uint32_t turn = c->turn;

	for (uint32_t i = 0; i < rank->nr_areas; i++) {
		uint64_t extent;

		if (++turn == rank->nr_areas) {
			turn = 0;
			from++;
		}
		extent = slot_extents_own(&slots->extents[rank->area[turn]], from, whole);
		if (extent == SLOT_EXTENT_NONE)
			continue;
		*c = (struct cursor){ .extent = extent, .turn = turn, .owns = true };
		return true;
	}
	return false;
}

static bool own_next(struct slots *slots, struct rank *rank, struct cursor *c)
{
	return own_kind(slots, rank, c, true) || own_kind(slots, rank, c, false);
}

static uint32_t take(struct slots *slots, struct rank *rank, struct cursor *c, uint32_t want,
		     slot_t *first)
{
	uint32_t area = rank->area[c->turn];
	uint64_t index;
	uint32_t nr;

	if (!c->owns)
		return 0;
	nr = slot_extents_take(&slots->extents[area], c->extent, c->pos, want, &index);
	if (!nr)
		return 0;
	c->pos = (uint16_t)(index % SLOT_EXTENT_SLOTS + nr);
	*first = slot_add(slots->areas[area].first, index);
	for (uint32_t i = 0; i < nr; i++)
		__atomic_store_n(&slots->state[area].refs[index + i], 1, __ATOMIC_RELAXED);
	return nr;
}

/* Goes on in the extent behind the cursor's, so that the run stays one run. */
static bool own_adjacent(struct slots *slots, struct rank *rank, struct cursor *c)
{
	struct slot_extents *x = cursor_extents(slots, rank, c);
	uint64_t next = c->extent + 1;

	/* With several areas in turn the next extent belongs to another one. */
	if (rank->nr_areas > 1 || c->pos < SLOT_EXTENT_SLOTS || next == x->nr_extents ||
	    !slot_set_has(&x->whole, next))
		return false;
	disown(slots, rank, c);
	return own_kind(slots, rank, c, true);
}

/* A rank has a free slot. */
static uint32_t take_in_rank(struct slots *slots, struct rank *rank, uint32_t hint, uint32_t want,
			     slot_t *first)
{
	struct cursor *c = &rank->cursor[hint % SLOT_HINTS];
	uint32_t nr = take(slots, rank, c, want, first);

	if (!nr) {
		disown(slots, rank, c);
		if (!own_next(slots, rank, c)) {
			/* What is left lies in the extents of the other hints. */
			for (uint32_t h = 0; h < SLOT_HINTS; h++)
				disown(slots, rank, &rank->cursor[h]);
			own_next(slots, rank, c);
		}
		nr = take(slots, rank, c, want, first);
	}
	while (nr < want && own_adjacent(slots, rank, c)) {
		slot_t next;

		nr += take(slots, rank, c, want - nr, &next);
	}
	return nr;
}

int slot_alloc(struct slots *slots, uint32_t hint, uint32_t want, slot_t *first)
{
	uint32_t nr = 0;

	if (!want)
		return -EINVAL;
	pthread_mutex_lock(&slots->lock);
	for (uint32_t r = 0; r < slots->nr_ranks && !nr; r++) {
		struct rank *rank = &slots->rank[r];
		uint64_t nr_free = 0;

		for (uint32_t i = 0; i < rank->nr_areas; i++)
			nr_free += slots->extents[rank->area[i]].nr_free;
		if (nr_free)
			nr = take_in_rank(slots, rank, hint, want, first);
	}
	pthread_mutex_unlock(&slots->lock);
	return nr ? (int)nr : -ENOSPC;
}

int slot_get(struct slots *slots, slot_t slot)
{
	uint16_t *count = slot_count(slots, slot);
	int err = 0;

	pthread_mutex_lock(&slots->lock);
	if (!*count) {
		uint32_t a = slot_area(slots, slot);

		if (!slots->recounting)
			bug("get of a free slot", slot);
		slot_extents_take_one(&slots->extents[a], slot_index(slots, a, slot));
	}
	if (*count == UINT16_MAX)
		err = -EOVERFLOW;
	else
		__atomic_store_n(count, (uint16_t)(*count + 1), __ATOMIC_RELAXED);
	pthread_mutex_unlock(&slots->lock);
	return err;
}

void slot_put(struct slots *slots, slot_t slot)
{
	uint16_t *count = slot_count(slots, slot);

	pthread_mutex_lock(&slots->lock);
	if (!*count)
		bug("put of a free slot", slot);
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
			if (slots->state[a].refs[i]) {
				slots->state[a].refs[i] = 0;
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

uint64_t slots_total(const struct slots *slots)
{
	uint64_t total = 0;

	for (uint32_t a = 0; a < slots->nr_areas; a++)
		total += slots->areas[a].sb.nr_slots - 1;
	return total;
}

uint64_t slots_free(const struct slots *slots)
{
	uint64_t nr_free = 0;

	for (uint32_t a = 0; a < slots->nr_areas; a++)
		nr_free += __atomic_load_n(&slots->extents[a].nr_free, __ATOMIC_RELAXED);
	return nr_free;
}
