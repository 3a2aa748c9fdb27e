// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include "page.h"

static const pgno_t space_end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

struct sweep {
	struct space *sp;
	struct run *runs;
	uint32_t nr_runs;
	uint32_t max_runs;
	uint32_t run_pages;
	uint32_t left;
};

static bool take(struct sweep *sw, pgno_t n)
{
	struct run *last = sw->nr_runs ? &sw->runs[sw->nr_runs - 1] : NULL;

	if (last && last->first.v + last->nr_pages == n.v && last->nr_pages < sw->run_pages) {
		last->nr_pages++;
	} else {
		if (sw->nr_runs == sw->max_runs)
			return false;
		sw->runs[sw->nr_runs++] = (struct run){ n, 1 };
	}
	sw->left--;
	return true;
}

/* Whether the page may be moved at all. */
static bool is_fixed(struct space *sp, pgno_t n)
{
	const struct region *r = region_find(&sp->regions, n);

	return !r || r->fixed || thread_pages_contains(&sp->threads, n);
}

/* One leaf from the hand on; false when the sweep has what it wants. */
static bool sweep_leaf(struct pager *pg, struct sweep *sw, const uint64_t *leaf, pgno_t base)
{
	struct space *sp = sw->sp;
	unsigned int i =
		sp->policy.hand.v > base.v ? (unsigned int)(sp->policy.hand.v - base.v) : 0;

	for (; i < TABLE_ENTRIES; i++) {
		pgno_t n = pgno_add(base, i);
		struct page p;

		sp->policy.hand = n;
		if (!sw->left)
			return false;
		if (page_entry_state(leaf[i]) != PAGE_RESIDENT)
			continue;
		p = page_entry_unpack(leaf[i]);
		if (p.age) {
			page_set_age(pg, sp, n, (uint8_t)(p.age - 1));
			continue;
		}
		if (is_fixed(sp, n))
			continue;
		if (!take(sw, n))
			return false;
	}
	sp->policy.hand = pgno_add(base, TABLE_ENTRIES);
	return true;
}

uint32_t policy_victims(struct pager *pg, struct space *sp, uint32_t nr_pages, uint32_t run_pages,
			struct run *runs, uint32_t max_runs)
{
	struct sweep sw = {
		.sp = sp,
		.runs = runs,
		.max_runs = max_runs,
		.run_pages = run_pages,
		.left = nr_pages,
	};
	uint32_t turns = 0;
	pgno_t base;

	/* After PAGE_AGE_MAX turns every page that may go has been offered. */
	while (sw.left && turns <= PAGE_AGE_MAX + 1) {
		const uint64_t *leaf =
			table_next_leaf(pg->tables, sp->root, sp->policy.hand, space_end, &base);

		if (!leaf) {
			/* A page is taken once: never across the start of a turn. */
			if (sw.nr_runs)
				break;
			turns++;
			sp->policy.hand.v = 0;
			continue;
		}
		if (!sweep_leaf(pg, &sw, leaf, base))
			break;
	}
	return sw.nr_runs;
}
