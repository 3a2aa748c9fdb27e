// SPDX-License-Identifier: GPL-2.0-only
#include "event/forked.h"

#include <stdlib.h>

#include "fault/handed.h"
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

	if (sp->worker.moved || sp->locked.map_changes ||
	    range_set_meets(&sp->worker.born_touched, r->first, r->end))
		return false;
	while (seen < HANDED_ON_PAGES &&
	       (leaf = table_next_leaf(pg->tables, sp->worker.root, n, r->end, &base))) {
		for (unsigned int i = 0; i < TABLE_ENTRIES && seen < HANDED_ON_PAGES; i++) {
			pgno_t at = pgno_add(base, i);

			if (at.v < r->first.v || at.v >= r->end.v ||
			    page_entry_state(leaf[i]) != PAGE_RESIDENT)
				continue;
			if (present_read(sp->process.pagemap_fd, (struct run){ at, 1 }, bits) ||
			    !(bits[0] & 1))
				return false;
			seen++;
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
	return seen;
}

/* In [first, end): a page that is outside, or else one that its parent had, if any. */
static bool find_page(struct pager *pg, const struct space *sp, pgno_t first, pgno_t end,
		      struct page *p, pgno_t *n)
{
	const uint64_t *leaf;
	pgno_t base;

	p->state = PAGE_VIRGIN;
	while (first.v < end.v &&
	       (leaf = table_next_leaf(pg->tables, sp->worker.root, first, end, &base))) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			enum page_state state = page_entry_state(leaf[i]);
			pgno_t at = pgno_add(base, i);

			if (at.v < first.v || at.v >= end.v || state == PAGE_VIRGIN ||
			    (state == PAGE_RESIDENT && p->state == PAGE_RESIDENT))
				continue;
			p->state = state;
			*n = at;
			if (state != PAGE_RESIDENT)
				return true;
		}
		first = pgno_add(base, TABLE_ENTRIES);
	}
	return p->state != PAGE_VIRGIN;
}

/*
 * What was handed on, as far as what is present tells.  Where nothing is
 * outside the tables may forget what they know.  False: the flags must tell.
 */
static bool take_stock(struct pager *pg, struct space *sp)
{
	for (uint32_t i = 0; i < sp->orders.born_maps.nr; i++) {
		const struct page_range *m = &sp->orders.born_maps.at[i];
		struct page p;
		pgno_t n;

		if (find_page(pg, sp, m->first, m->end, &p, &n) && !handed_on(pg, sp, n)) {
			if (p.state != PAGE_RESIDENT)
				return false;
			continue;
		}
		if (region_add(&sp->orders.born_with, m->first, m->end))
			return false;
	}
	sp->orders.born_maps.nr = 0; /* once: what is dropped next would tell otherwise */
	return true;
}

/* What is not registered; false: no room for all of it. */
static bool drop_unborn(struct pager *pg, struct space *sp)
{
	pgno_t n = { 0 };

	for (uint32_t i = 0; i <= sp->orders.born_with.nr; i++) {
		const struct region *r = &sp->orders.born_with.at[i];
		pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

		if (i < sp->orders.born_with.nr)
			end = r->first;
		if (!page_drop_room(pg))
			return false;
		page_drop(pg, sp, n, end);
		if (i < sp->orders.born_with.nr)
			n = r->end;
	}
	return true;
}

static bool doubt_born(struct pager *pg, struct space *sp)
{
	for (uint32_t i = 0; i < sp->orders.born_doubted.nr; i++) {
		const struct region *r = &sp->orders.born_doubted.at[i];

		if (is_handed_on(pg, sp, r))
			continue;
		if (!page_range_room(pg, sp, r->first, r->end))
			return false;
		page_doubt(pg, sp, r->first, r->end);
	}
	return true;
}

void forked_go_live(struct pager *pg, struct space *sp)
{
	bool stale, done;

	if (!change_begin(sp, CHANGE_LOOKED))
		return;
	pthread_mutex_lock(&sp->lock);
	stale = sp->locked.map_changes != sp->orders.born_changes;
	if (stale)
		sp->orders.identified = false; /* it moved something meanwhile: look again */
	pthread_mutex_unlock(&sp->lock);
	if (stale) {
		change_end(sp);
		return;
	}
	if (!sp->reports.flags_wanted && !take_stock(pg, sp)) {
		change_end(sp);
		sp->reports.flags_wanted = true;
		sp->orders.identified = false;
		pager_kick_housekeeping(pg);
		return;
	}
	done = drop_unborn(pg, sp) && doubt_born(pg, sp);
	change_end(sp);
	if (!done)
		return; /* once more, when there is room */
	pthread_mutex_lock(&sp->lock);
	regions_fini(&sp->locked.regions);
	sp->locked.regions = sp->orders.born_with;
	regions_init(&sp->orders.born_with);
	pthread_mutex_unlock(&sp->lock);
	sp->phase = SPACE_LIVE;
	pager_record_space(pg, sp);
	sp->reports.rescan_wanted = true; /* wiped mappings are registered, too */
	sp->worker.retry = true;
}

void forked_take_agent(struct pager *pg, struct space *sp)
{
	struct new_agent *nc = sp->orders.new_agent;

	sp->agent = nc->agent;
	if (nc->standby.nr_places)
		sp->standby = nc->standby;
	pager_record_space(pg, sp);
	sp->orders.new_agent = NULL;
	free(nc);
}
