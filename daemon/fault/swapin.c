// SPDX-License-Identifier: GPL-2.0-only
/*
 * FAULT, when the page is in its slot: readahead and strides (what else) -> slot ->
 * store (one read per run); arrival.c goes on.
 */
#include "fault/swapin.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "evict/budget.h"
#include "fault/fill.h"
#include "fault/handed.h"
#include "fault/read_retry.h"
#include "fault/readahead_space.h"
#include "memory/page.h"
#include "swap/read.h"

/* Reads of a space in flight while everything is brought in. */
#define FETCH_READS_MAX	 16
/* The same, with those that a stride has fetched ahead. */
#define STRIDE_READS_MAX 64

uint32_t swapin_in_flight(struct pager *pg, const struct space *sp)
{
	const struct reads *in = pg->worker.reads;
	uint32_t n = 0;

	for (uint32_t i = 0; i < in->nr_busy; i++)
		n += in->read[in->busy[i]].sp == sp;
	return n;
}

/* How far from the faulting page one read can reach: SWAPPED, slots in a row. */
static struct run cut_to_slots(struct pager *pg, struct space *sp, struct run plan, pgno_t n,
			       slot_t slot)
{
	pgno_t first = n, end = pgno_add(n, 1);

	while (first.v > plan.first.v) {
		struct page p = page_read(pg, sp, (pgno_t){ first.v - 1 });

		if (p.state != PAGE_SWAPPED || p.slot.v != slot.v - (n.v - first.v) - 1 ||
		    read_find(pg, sp, (pgno_t){ first.v - 1 }))
			break;
		first.v--;
	}
	while (end.v < plan.first.v + plan.nr_pages) {
		struct page p = page_read(pg, sp, end);

		if (p.state != PAGE_SWAPPED || p.slot.v != slot.v + (end.v - n.v) ||
		    read_find(pg, sp, end))
			break;
		end.v++;
	}
	return (struct run){ first, (uint32_t)(end.v - first.v) };
}

static void read_queue(struct read *rd, struct run run, pgno_t page, slot_t slot)
{
	rd->run = run;
	rd->page = page;
	rd->slot = slot;
	rd->sp->reports.nr_reading += run.nr_pages;
	for (uint32_t i = 0; i < run.nr_pages; i++)
		slot_get(rd->pg->slots, slot_add(slot, i));
	read_send(rd);
	failpoint(FP_FAULT_SUBMIT);
}

/* The region is asked once: what is beyond it is another mapping's. */
static bool find_region(struct space *sp, pgno_t n, struct page_range *found)
{
	const struct region *r;

	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->locked.regions, n);
	if (r)
		*found = (struct page_range){ r->first, r->end };
	pthread_mutex_unlock(&sp->lock);
	return r;
}

/* Reads of their own, in flight together; never the last buffers. */
static void fetch_stride(struct pager *pg, struct space *sp, pgno_t n, uint32_t limit)
{
	struct stride_plan plan = strides_plan(&sp->worker.strides, n, limit);
	uint32_t in_flight, nr = 0;
	struct page_range range;

	if (!plan.nr_pages || !find_region(sp, n, &range))
		return;
	in_flight = swapin_in_flight(pg, sp);
	for (uint32_t i = 0; i < plan.nr_pages && in_flight + nr < STRIDE_READS_MAX; i++) {
		pgno_t at = stride_page(n, plan, i);
		struct page p;
		struct read *rd;

		if (at.v < range.first.v || at.v >= range.end.v)
			break;
		p = page_read(pg, sp, at);
		if (p.state != PAGE_SWAPPED || read_find(pg, sp, at))
			continue;
		if (pg->worker.reads->nr_busy >= STORE_READS / 2 || read_is_hopeless(pg, p.slot))
			break;
		rd = read_get(pg, sp, 1);
		if (!rd)
			break;
		rd->ahead = true;
		read_queue(rd, (struct run){ at, 1 }, at, p.slot);
		nr++;
	}
	strides_taken(&sp->worker.strides, plan, nr);
	space_count(&sp->stats.readahead_pages, nr);
}

bool swapin_begin(struct pager *pg, struct space *sp, struct fault f, struct page p)
{
	uint32_t limit = (uint32_t)min_t(uint64_t, STORE_READ_PAGES,
					 max_t(uint64_t, budget_room(sp) / 4, 1));
	struct run plan, run;
	uint32_t stream = READAHEAD_STREAMS;
	struct read *rd;
	slot_t first;

	/* On its way: the fill wakes everybody who waits for the page. */
	if (read_join(pg, sp, f.page, f.waits))
		return true;
	if (read_is_hopeless(pg, p.slot)) {
		if (clock_ns() - f.begin_ns < pg->trouble.timeout_ns)
			return false;
		fill_lose(pg, sp, f, p);
		return true;
	}
	plan = readahead_of_space(sp, f.page, limit, &stream);
	if (sp->phase == SPACE_FORKED)
		plan = handed_part(sp, plan, f.page);
	rd = read_get(pg, sp, plan.nr_pages);
	if (!rd)
		return false;
	if (plan.nr_pages > rd->buf.nr_pages)
		plan = (struct run){ f.page, rd->buf.nr_pages };
	run = cut_to_slots(pg, sp, plan, f.page, p.slot);
	if (stream < READAHEAD_STREAMS)
		readahead_taken(&sp->worker.readahead, stream, run);
	first.v = p.slot.v - (f.page.v - run.first.v);
	rd->tid = f.tid;
	rd->begin_ns = f.begin_ns;
	read_wait(rd, f.waits);
	read_queue(rd, run, f.page, first);
	space_count(&sp->stats.readahead_pages, run.nr_pages - 1);
	if (stream < READAHEAD_STREAMS && !sp->worker.readahead.went_on && sp->phase == SPACE_LIVE)
		fetch_stride(pg, sp, f.page, limit - 1);
	sp->stats.readahead_hits = sp->worker.readahead.hits + sp->worker.strides.hits;
	return true;
}

uint32_t swapin_fetch(struct pager *pg, struct space *sp, pgno_t n, struct page p)
{
	struct run run, plan = { n, STORE_READ_PAGES };
	struct read *rd;

	if (read_find(pg, sp, n))
		return 1;
	if (swapin_in_flight(pg, sp) >= FETCH_READS_MAX || read_is_hopeless(pg, p.slot))
		return 0;
	rd = read_get(pg, sp, STORE_READ_PAGES);
	if (!rd)
		return 0;
	plan.nr_pages = rd->buf.nr_pages;
	run = cut_to_slots(pg, sp, plan, n, p.slot);
	read_queue(rd, run, n, p.slot);
	return run.nr_pages;
}
