// SPDX-License-Identifier: GPL-2.0-only
/* Areas that come and go while slots are in use. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "swap/claim.h"
#include "swap/slot_private.h"

/* Under the lock. */
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
		slots->rank[r] = (struct slot_rank){ .priority = priority };
	}
	slots->rank[r].area[slots->rank[r].nr_areas++] = area;
	if (slots->rank[r].nr_areas == 1)
		slot_rank_init(&slots->rank[r]);
}

/* Under the lock: ranks without areas would come to be more than there is room for. */
static void remove_from_rank(struct slots *slots, uint32_t area)
{
	uint32_t to = 0;

	for (uint32_t r = 0; r < slots->nr_ranks; r++) {
		slot_rank_remove(&slots->rank[r], slots->extents, area);
		if (!slots->rank[r].nr_areas)
			continue;
		if (to != r)
			slots->rank[to] = slots->rank[r];
		to++;
	}
	slots->nr_ranks = to;
}

int slots_area_begin(struct slots *slots, uint32_t a, bool closed, int state_dir_fd)
{
	struct slot_extents *x = &slots->extents[a];
	struct slot_state *st = &slots->state[a];
	struct area *area = &slots->areas[a];
	int err;

	err = slot_state_open(st, state_dir_fd, a, &area->sb);
	if (err)
		return err;
	err = slot_extents_init(x, area->sb.nr_slots);
	if (err)
		goto close_state;
	for (uint64_t c = 0; !err && (c = slot_state_next(st, c)) < st->nr_chunks; c++) {
		if (area->claims && !claim_take(area->claims, c)) {
			log_err("slots of %s are in use that are another pager's: the state "
				"directories do not belong together",
				area->path);
			err = -ESTALE;
			break;
		}
		/* It may have ended half-way. */
		slot_extents_take_bare(x, c);
		err = slot_state_back(st, c);
		if (!err)
			slot_extents_back(x, c, st->chunk[c].refs);
	}
	if (err)
		goto fini_extents;
	pthread_mutex_lock(&slots->lock);
	x->closed = closed;
	add_to_rank(slots, a);
	pthread_mutex_unlock(&slots->lock);
	return 0;
fini_extents:
	slot_extents_fini(x);
close_state:
	slot_state_close(st);
	return err;
}

void slots_area_end(struct slots *slots, uint32_t a)
{
	if (!slots->state[a].header)
		return;
	slot_extents_fini(&slots->extents[a]);
	slot_state_close(&slots->state[a]);
}

int slots_add_area(struct slots *slots, uint32_t a, int state_dir_fd)
{
	struct area *area = &slots->areas[a];
	struct slot_extents none = { .closed = true };
	int err;

	if (a == slots->nr_areas) {
		const struct area *last = area - 1;

		area->first = slot_add(last->first, last->span);
		area->span = area->sb.nr_slots;
		if (area->first.v + area->span > 1ULL << SLOT_BITS)
			return -EFBIG;
	}
	pthread_mutex_lock(&slots->lock);
	slots->extents[a] = none;
	pthread_mutex_unlock(&slots->lock);
	err = slots_area_begin(slots, a, true, state_dir_fd);
	if (err) {
		slots->extents[a] = none;
		return err;
	}
	if (a == slots->nr_areas)
		__atomic_store_n(&slots->nr_areas, a + 1, __ATOMIC_RELEASE);
	slots_refill(slots);
	return 0;
}

void slots_remove_area(struct slots *slots, uint32_t a, int state_dir_fd)
{
	struct slot_extents none = { .closed = true };

	pthread_mutex_lock(&slots->lock);
	remove_from_rank(slots, a);
	pthread_mutex_unlock(&slots->lock);
	slots_area_end(slots, a);
	slot_state_remove(state_dir_fd, a);
	pthread_mutex_lock(&slots->lock);
	slots->extents[a] = none;
	slots->state[a] = (struct slot_state){ .fd = -1 };
	pthread_mutex_unlock(&slots->lock);
}
