// SPDX-License-Identifier: GPL-2.0-only
#include "populate.h"

#include "fault.h"
#include "page.h"
#include "swapin.h"

/* Starts fetching what of one leaf is outside; false when out of reads. */
static bool populate_leaf(struct pager *pg, struct space *sp, pgno_t base)
{
	while (sp->fill_cursor < base.v + TABLE_ENTRIES) {
		struct fault f = { .page = { sp->fill_cursor } };
		struct page p = page_read(pg, sp, f.page);
		uint32_t n = 1;

		if (p.state == PAGE_STANDBY)
			fault_rescue(pg, sp, f, p);
		else if (p.state == PAGE_LOST && pg->caps.poison)
			fault_lost(pg, sp, f); /* a marker that outlives the registration */
		else if (p.state == PAGE_SWAPPED)
			n = swapin_fetch(pg, sp, f.page, p);
		if (!n)
			return false;
		sp->fill_cursor += n;
	}
	return true;
}

bool populate_step(struct pager *pg, struct space *sp)
{
	static const pgno_t end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };
	pgno_t base;

	while (table_next_leaf(pg->tables, sp->root, (pgno_t){ sp->fill_cursor }, end, &base)) {
		if (sp->fill_cursor < base.v)
			sp->fill_cursor = base.v;
		if (!populate_leaf(pg, sp, base))
			return false;
	}
	if (swapin_in_flight(pg, sp) || sp->deferred.nr)
		return false;
	/* A batch that was posted before may still take pages out. */
	if (sp->nr_detaching)
		return false;
	if (sp->nr_swapped || sp->nr_standby) {
		sp->fill_cursor = 0; /* some fills had to wait: once more */
		return false;
	}
	return true;
}
