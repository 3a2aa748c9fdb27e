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
 * handed on, and so was what was outside.  Its faults have waited until now, so
 * nothing else can have come in its place; but where first touches were served,
 * or something was moved or unmapped, nothing is known.
 */
static bool is_handed_on(struct pager *pg, const struct space *sp, const struct region *r)
{
	uint64_t bits[PRESENT_MAX / 64];
	const uint64_t *leaf;
	pgno_t n = r->first, base;
	uint32_t seen = 0;

	if (sp->map_changes ||
	    (sp->born_touched.first.v < r->end.v && r->first.v < sp->born_touched.end.v))
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

void newborn_grow_up(struct pager *pg, struct space *sp)
{
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };
	pgno_t n = { 0 };
	bool stale;

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
	for (uint32_t i = 0; i < sp->born_with.nr; i++) {
		page_drop(pg, sp, n, sp->born_with.at[i].first);
		n = sp->born_with.at[i].end;
	}
	page_drop(pg, sp, n, end);
	for (uint32_t i = 0; i < sp->born_doubted.nr; i++)
		if (!is_handed_on(pg, sp, &sp->born_doubted.at[i]))
			page_doubt(pg, sp, sp->born_doubted.at[i].first,
				   sp->born_doubted.at[i].end);
	pthread_mutex_lock(&sp->lock);
	regions_fini(&sp->regions);
	sp->regions = sp->born_with;
	regions_init(&sp->born_with);
	pthread_mutex_unlock(&sp->lock);
	change_end(sp);
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
