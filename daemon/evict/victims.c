// SPDX-License-Identifier: GPL-2.0-only
#include "evict/victims.h"

#include <string.h>

#include "memory/page.h"

/* In one call: some tenths of a millisecond, in which others wait. */
#define WORK_MAX    32768
#define WORK_REGION 4
#define WORK_LEAF   16

static const pgno_t space_end = { 1ULL << (TABLE_BITS * TABLE_LEVELS) };

struct sweep {
	struct space *sp;
	struct run *runs;
	uint32_t nr_runs;
	uint32_t max_runs;
	uint32_t run_pages;
	uint32_t left;
	uint32_t work; /* done in this call */
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
	const struct region *r = region_find(&sp->locked.regions, n);

	return !r || r->fixed || r->hint == REGION_PINNED || range_job_covers(&sp->range_job, n) ||
	       exit_pages_have(&sp->worker.exit_pages, n);
}

/* Puts the hand where something may be moved; how far that goes, or space_end. */
static pgno_t skip_fixed(struct sweep *sw)
{
	const struct regions *rs = &sw->sp->locked.regions;
	pgno_t *hand = &sw->sp->policy.hand;
	const struct region *r;

	while ((r = region_next(rs, *hand)) && (r->fixed || r->hint == REGION_PINNED)) {
		*hand = r->end;
		sw->work += WORK_REGION;
	}
	if (!r)
		*hand = space_end;
	else if (hand->v < r->first.v)
		*hand = r->first;
	return r ? r->end : space_end;
}

/* One leaf from the hand on, up to end; false when the sweep has what it wants. */
static bool sweep_leaf(struct pager *pg, struct sweep *sw, const uint64_t *leaf, pgno_t base,
		       pgno_t end)
{
	struct space *sp = sw->sp;
	pgno_t n = sp->policy.hand.v > base.v ? sp->policy.hand : base;

	sw->work += WORK_LEAF;
	for (; n.v < end.v && n.v < base.v + TABLE_ENTRIES; n.v++) {
		uint64_t entry = leaf[n.v - base.v];
		struct page p;

		sp->policy.hand = n;
		if (!sw->left)
			return false;
		if (page_entry_state(entry) != PAGE_RESIDENT)
			continue;
		sw->work++;
		p = page_entry_unpack(entry);
		if (p.age) {
			page_set_age(pg, sp, n, (uint8_t)(p.age - 1));
			continue;
		}
		if (is_fixed(sp, n))
			continue;
		if (!take(sw, n))
			return false;
	}
	sp->policy.hand = n;
	return true;
}

/* It left, or it was seen that it does not go now. */
static bool is_over(struct space *sp, pgno_t n, struct page p)
{
	if (p.state == PAGE_DETACHING)
		return false; /* it may come back */
	return p.state != PAGE_RESIDENT || p.age >= POLICY_AGE_STAYS || is_fixed(sp, n);
}

/*
 * What is resident of a range, whatever its age.  *first comes to what is not over
 * yet: what was offered may find no room, or not be let go of.  True: all is.
 */
static bool take_range(struct pager *pg, struct sweep *sw, pgno_t *first, pgno_t end)
{
	bool over = true;
	pgno_t n = *first, base;
	const uint64_t *leaf;

	while (n.v < end.v &&
	       (leaf = table_next_leaf(pg->tables, sw->sp->worker.root, n, end, &base))) {
		if (n.v < base.v)
			n = base;
		for (; n.v < end.v && n.v < base.v + TABLE_ENTRIES; n.v++) {
			struct page p = page_entry_unpack(leaf[n.v - base.v]);

			if (is_over(sw->sp, n, p))
				continue;
			if (over)
				*first = n;
			over = false;
			if (p.state == PAGE_RESIDENT && (!sw->left || !take(sw, n)))
				return false;
		}
		sw->work += WORK_LEAF;
		if (sw->work > WORK_MAX) {
			if (over)
				*first = n;
			return false;
		}
	}
	if (over)
		*first = end;
	return over;
}

/* These may overlap, so of one at a time: a page is taken once. */
static void take_behind(struct pager *pg, struct sweep *sw)
{
	struct policy *po = &sw->sp->policy;
	uint32_t i = 0;

	while (i < po->nr_behind && !sw->nr_runs)
		if (take_range(pg, sw, &po->behind[i].first, po->behind[i].end))
			memmove(&po->behind[i], &po->behind[i + 1],
				(--po->nr_behind - i) * sizeof(po->behind[0]));
		else
			i++;
}

static void take_cold(struct pager *pg, struct sweep *sw)
{
	struct regions *rs = &sw->sp->locked.regions;
	pgno_t *at = &sw->sp->policy.cold;
	bool any = false;
	uint32_t i;

	if (!rs->any_cold)
		return;
	for (i = 0; i < rs->nr && sw->left; i++) {
		struct region *r = &rs->at[i];
		pgno_t first = r->first;

		if (r->hint != REGION_COLD)
			continue;
		if (at->v >= r->first.v && at->v < r->end.v)
			first = *at;
		if (r->fixed || take_range(pg, sw, &first, r->end)) {
			r->hint = REGION_PLAIN;
			continue;
		}
		any = true;
		*at = first;
	}
	rs->any_cold = any || i < rs->nr;
}

uint32_t victims_choose(struct pager *pg, struct space *sp, uint32_t nr_pages, uint32_t run_pages,
			struct run *runs, uint32_t max_runs)
{
	struct sweep sw = {
		.sp = sp,
		.runs = runs,
		.max_runs = max_runs,
		.run_pages = run_pages,
		.left = nr_pages,
	};
	struct policy *po = &sp->policy;
	pgno_t base;

	po->going = false;
	take_behind(pg, &sw);
	if (!sw.nr_runs)
		take_cold(pg, &sw);
	if (sw.nr_runs)
		return sw.nr_runs;
	/* After PAGE_AGE_MAX turns every page that may go has been offered. */
	while (sw.left && po->turns <= PAGE_AGE_MAX + 1) {
		pgno_t end = skip_fixed(&sw);
		const uint64_t *leaf =
			table_next_leaf(pg->tables, sp->worker.root, po->hand, end, &base);

		if (sw.work > WORK_MAX) {
			po->going = !sw.nr_runs;
			break;
		}
		if (leaf) {
			if (!sweep_leaf(pg, &sw, leaf, base, end))
				break;
		} else if (end.v < space_end.v) {
			po->hand = end;
			sw.work += WORK_REGION;
		} else {
			/* A page is taken once: never across the start of a turn. */
			if (sw.nr_runs)
				break;
			po->turns++;
			po->hand.v = 0;
		}
	}
	if (!po->going)
		po->turns = 0;
	return sw.nr_runs;
}
