// SPDX-License-Identifier: GPL-2.0-only
#include "event/newborn.h"

#include <stdlib.h>

#include "kernel/present.h"
#include "memory/change.h"
#include "memory/page.h"

/* As many are asked for at most. */
#define HANDED_ON_PAGES 512

/*
 * Whether what was present at the fork is present here, all of it: then it was
 * handed on, and so was what was outside.  Nothing was put in its place until
 * now but what is known to have been handed on; where first touches were served,
 * or something was moved or unmapped, nothing is known.
 */
static bool is_handed_on(struct pager *pg, const struct space *sp, const struct region *r)
{
	uint64_t bits[PRESENT_MAX / 64];
	const uint64_t *leaf;
	pgno_t n = r->first, base;
	uint32_t seen = 0;

	if (sp->map_changes || range_set_meets(&sp->born_touched, r->first, r->end))
		return false;
	while (seen < HANDED_ON_PAGES &&
	       (leaf = table_next_leaf(pg->tables, sp->root, n, r->end, &base))) {
		for (unsigned int i = 0; i < TABLE_ENTRIES && seen < HANDED_ON_PAGES; i++) {
			pgno_t at = pgno_add(base, i);

			if (at.v < r->first.v || at.v >= r->end.v ||
			    page_entry_state(leaf[i]) != PAGE_RESIDENT)
				continue;
			if (present_read(sp->pagemap_fd, (struct run){ at, 1 }, bits) ||
			    !(bits[0] & 1))
				return false;
			seen++;
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
	return seen;
}

/* What is not registered; false: no room for all of it. */
static bool drop_unborn(struct pager *pg, struct space *sp)
{
	pgno_t n = { 0 };

	for (uint32_t i = 0; i <= sp->born_with.nr; i++) {
		const struct region *r = &sp->born_with.at[i];
		pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

		if (i < sp->born_with.nr)
			end = r->first;
		if (!page_drop_room(pg))
			return false;
		page_drop(pg, sp, n, end);
		if (i < sp->born_with.nr)
			n = r->end;
	}
	return true;
}

static bool doubt_born(struct pager *pg, struct space *sp)
{
	for (uint32_t i = 0; i < sp->born_doubted.nr; i++) {
		const struct region *r = &sp->born_doubted.at[i];

		if (is_handed_on(pg, sp, r))
			continue;
		if (!page_range_room(pg, sp, r->first, r->end))
			return false;
		page_doubt(pg, sp, r->first, r->end);
	}
	return true;
}

void newborn_grow_up(struct pager *pg, struct space *sp)
{
	bool stale, done;

	if (!change_begin(sp, CHANGE_LOOKED))
		return;
	pthread_mutex_lock(&sp->lock);
	stale = sp->map_changes != sp->born_changes;
	if (stale)
		sp->identified = false; /* it moved something meanwhile: look again */
	pthread_mutex_unlock(&sp->lock);
	if (stale) {
		change_end(sp);
		return;
	}
	done = drop_unborn(pg, sp) && doubt_born(pg, sp);
	change_end(sp);
	if (!done)
		return; /* once more, when there is room */
	pthread_mutex_lock(&sp->lock);
	regions_fini(&sp->regions);
	sp->regions = sp->born_with;
	regions_init(&sp->born_with);
	pthread_mutex_unlock(&sp->lock);
	sp->phase = SPACE_LIVE;
	pager_record_space(pg, sp);
	sp->rescan_wanted = true; /* wiped mappings are registered, too */
	sp->retry = true;
}

void newborn_take_agent(struct pager *pg, struct space *sp)
{
	struct newcomer *nc = sp->newcomer;

	sp->agent = nc->agent;
	if (nc->standby.map)
		sp->standby = nc->standby;
	pager_record_space(pg, sp);
	sp->newcomer = NULL;
	free(nc);
}
