// SPDX-License-Identifier: GPL-2.0-only
#include "fault/populate.h"

#include "fault/fill.h"
#include "fault/swapin.h"
#include "memory/page.h"

/* Starts fetching what of one leaf is outside; false when out of reads. */
static bool populate_leaf(struct pager *pg, struct space *sp, uint64_t *cursor, uint64_t end)
{
	while (*cursor < end) {
		struct fault f = { .page = { *cursor } };
		struct page p = page_read(pg, sp, f.page);
		uint32_t n = 1;

		if ((p.state == PAGE_STANDBY || p.state == PAGE_SWAPPED) &&
		    !page_may_return(pg, sp, f.page))
			return false;
		if (p.state == PAGE_STANDBY)
			fill_rescue(pg, sp, f, p);
		else if (p.state == PAGE_LOST && pg->caps.poison)
			fill_lost(pg, sp, f); /* a marker that outlives the registration */
		else if (p.state == PAGE_SWAPPED)
			n = swapin_fetch(pg, sp, f.page, p);
		if (!n)
			return false;
		*cursor += n;
	}
	return true;
}

bool populate_range(struct pager *pg, struct space *sp, uint64_t *cursor, pgno_t end)
{
	pgno_t base;

	while (*cursor < end.v &&
	       table_next_leaf(pg->tables, sp->worker.root, (pgno_t){ *cursor }, end, &base)) {
		if (*cursor < base.v)
			*cursor = base.v;
		if (!populate_leaf(pg, sp, cursor, min_t(uint64_t, base.v + TABLE_ENTRIES, end.v)))
			return false;
	}
	return true;
}

bool populate_step(struct pager *pg, struct space *sp)
{
	/* Beyond is what has gone, for a moment, see event/aside.h. */
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS - 1) };

	if (!populate_range(pg, sp, &sp->orders.fill_cursor, end))
		return false;
	if (swapin_in_flight(pg, sp) || sp->worker.deferred.nr)
		return false;
	/* A batch that was posted before may still take pages out. */
	if (sp->reports.nr_detaching)
		return false;
	if (sp->reports.nr_swapped || sp->reports.nr_standby) {
		sp->orders.fill_cursor = 0; /* some fills had to wait: once more */
		return false;
	}
	return true;
}
