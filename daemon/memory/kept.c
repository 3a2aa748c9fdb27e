// SPDX-License-Identifier: GPL-2.0-only
#include "memory/kept.h"

#include "base/clock.h"
#include "memory/page.h"

/* Of all slots: kept copies go when fewer are free, until twice as many are. */
#define LOW_PART   16
#define LOW_MAX	   16384
/* More than that is left for those that come back to keep. */
#define MAY_PART   4
/* In one turn of the loop. */
#define LEAVES_MAX 64
#define GIVE_MAX   1024
/* Until the hand goes round again in vain. */
#define REST_NS	   NS_PER_S

static const pgno_t space_end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

static uint64_t low_mark(const struct pager *pg)
{
	return min_t(uint64_t, slots_total(pg->slots) / LOW_PART, LOW_MAX);
}

bool kept_may(const struct pager *pg)
{
	return slots_free(pg->slots) > slots_total(pg->slots) / MAY_PART;
}

bool kept_is_exhausted(const struct pager *pg)
{
	return !pg->worker.kept.going && !slots_free(pg->slots);
}

/* One leaf at or after the hand; false: none is left in this space. */
static bool give_up_leaf(struct pager *pg, struct space *sp, uint32_t *given)
{
	struct kept *k = &pg->worker.kept;
	pgno_t base;
	const uint64_t *leaf =
		table_next_leaf(pg->tables, sp->worker.root, k->hand, space_end, &base);

	if (!leaf)
		return false;
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
		if (page_entry_state(leaf[i]) != PAGE_RESIDENT ||
		    !slot_valid(page_entry_slot(leaf[i])))
			continue;
		page_give_up_copy(pg, sp, pgno_add(base, i));
		++*given;
	}
	k->hand = pgno_add(base, TABLE_ENTRIES);
	return true;
}

/* To the next space; false: that was all of them. */
static bool next_space(struct pager *pg)
{
	struct kept *k = &pg->worker.kept;

	k->hand.v = 0;
	if (++k->id < pg->nr_ids)
		return true;
	k->id = 0;
	return false;
}

bool kept_step(struct pager *pg, uint64_t now_ns)
{
	struct kept *k = &pg->worker.kept;
	uint64_t nr_free = slots_free(pg->slots), low = low_mark(pg);
	uint32_t given = 0;

	if (!k->going) {
		if (nr_free >= low || now_ns < k->rest_until_ns)
			return false;
		*k = (struct kept){ .going = true };
	}
	for (int n = 0; n < LEAVES_MAX && given < GIVE_MAX; n++) {
		struct space *sp = pg->space[k->id];

		if (sp && sp->worker.root.v && sp->phase < SPACE_CLOSING &&
		    give_up_leaf(pg, sp, &given))
			continue;
		if (next_space(pg))
			continue;
		k->going = false;
		if (!k->found)
			k->rest_until_ns = now_ns + REST_NS;
		k->found = false;
		break;
	}
	k->found |= given;
	if (slots_free(pg->slots) >= 2 * low)
		k->going = false;
	return k->going;
}
