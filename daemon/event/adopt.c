// SPDX-License-Identifier: GPL-2.0-only
#include "event/adopt.h"

#include "kernel/present.h"
#include "memory/page.h"

#define SLICE_RUNS 512
/* Many small mappings are looked at in one step. */
#define STEP_PAGES 512

/* At most one range; true when something was looked at. */
static bool next_slice(struct space *sp, struct page_range *slice)
{
	struct page_range *r;

	pthread_mutex_lock(&sp->lock);
	r = run_list_last(&sp->locked.adopt);
	if (r)
		*slice = *r;
	else
		sp->orders.adopt_wanted = false;
	pthread_mutex_unlock(&sp->lock);
	return r;
}

/* Housekeeping only adds at the end, so the range is looked up again. */
static void slice_done(struct space *sp, struct page_range slice, pgno_t next)
{
	pthread_mutex_lock(&sp->lock);
	for (uint32_t i = sp->locked.adopt.nr; i-- > 0;) {
		struct page_range *r = &sp->locked.adopt.at[i];

		if (r->first.v != slice.first.v || r->end.v != slice.end.v)
			continue;
		r->first = next;
		if (r->first.v >= r->end.v) {
			*r = *run_list_last(&sp->locked.adopt);
			run_list_pop(&sp->locked.adopt);
		}
		break;
	}
	pthread_mutex_unlock(&sp->lock);
}

/*
 * Filled by a daemon that died before it could say so, if it was outside: the
 * program may have written it since.
 */
static bool adopt(struct pager *pg, struct space *sp, pgno_t n)
{
	struct page p = page_read(pg, sp, n), to = { .state = PAGE_RESIDENT };

	if (p.state == PAGE_STANDBY) {
		standby_set(&sp->standby, p.place,
			    standby_state(&sp->standby, p.place) == PLACE_WRITING ? PLACE_ORPHAN
										  : PLACE_FREE,
			    (pgno_t){ 0 });
	} else if (p.state != PAGE_SWAPPED && p.state != PAGE_VIRGIN) {
		return false;
	}
	if (!p.dirty)
		to.slot = p.slot;
	return !page_change(pg, sp, n, p, to);
}

/* What was seen beyond the tables is in them now, and would count twice until it is sampled. */
static void count_once(struct space *sp, uint64_t nr_pages)
{
	uint64_t other = sp->orders.other_pages;

	while (!atomic_compare_exchange_weak(&sp->orders.other_pages, &other,
					     other - min_t(uint64_t, other, nr_pages)))
		;
}

/* How many pages were looked at; 0: nothing is left. */
static uint64_t adopt_slice(struct pager *pg, struct space *sp)
{
	struct run runs[SLICE_RUNS];
	struct page_range slice;
	uint64_t adopted = 0;
	pgno_t next;
	int n;

	if (!next_slice(sp, &slice))
		return 0;
	n = present_runs(sp->process.pagemap_fd, slice.first, slice.end, runs, SLICE_RUNS, &next);
	/* What is mapped there now may be another mapping, before what is unread is applied. */
	if (n > 0 && uffd_has_unread(sp->uffd))
		return 0;
	for (int i = 0; i < n; i++) {
		for (uint32_t k = 0; k < runs[i].nr_pages; k++) {
			pgno_t at = pgno_add(runs[i].first, k);

			if (!quarantine_contains(&sp->quarantine, at) &&
			    page_room(pg, sp, (struct run){ at, 1 }))
				adopted += adopt(pg, sp, at);
		}
	}
	count_once(sp, adopted);
	if (n < 0)
		next = slice.end;
	slice_done(sp, slice, next);
	return next.v - slice.first.v;
}

void adopt_step(struct pager *pg, struct space *sp)
{
	uint64_t looked = 0, n;

	do {
		n = adopt_slice(pg, sp);
		looked += n;
	} while (n && looked < STEP_PAGES);
}
