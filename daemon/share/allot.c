// SPDX-License-Identifier: GPL-2.0-only
#include "share/allot.h"

#include <stdlib.h>

#include "agent/agent.h"
#include "base/clock.h"

#define IDLE_NS	    NS_PER_S
#define IDLE_PART   16
/* Less than this would have to go through the swap area at every turn. */
#define FLOOR_PAGES 256
/* Who has no more is not worth an agent. */
#define SMALL_PAGES 256
/* Room to grow into until the next look. */
#define GROW_PAGES  512
#define GROW_PART   8
/* Of a family's budget, for the overshoot that budget_slack() grants each of its processes. */
#define SLACK_PAGES 64
#define SLACK_PART  16

/* Whether pages can be taken from it. */
static bool can_shrink(const struct proc *p)
{
	const struct space *sp = p->space;

	return sp && sp->phase == SPACE_LIVE && p->state == UPAGER_PROC_PAGED &&
	       agent_present(&sp->agent) && !sp->orders.evict_off && !sp->reports.tracks_writes &&
	       !sp->orders.gone;
}

static bool is_idle(struct proc *p, uint64_t now_ns)
{
	uint64_t faults = p->space->stats.faults;

	if (faults != p->faults_seen)
		p->active_ns = now_ns;
	p->faults_seen = faults;
	return now_ns - p->active_ns >= IDLE_NS;
}

static void stake(struct proc *p, uint64_t now_ns)
{
	const struct space *sp = p->space;
	struct claim *c = &p->claim;

	c->held = p->borrows ? 0 : p->by_itself && sp ? sp->reports.nr_resident : p->rss_pages;
	c->weight = 1;
	c->max = UINT64_MAX;
	if (!can_shrink(p)) {
		c->want = c->held + c->held / 2 + FLOOR_PAGES;
		c->floor = c->held;
		return;
	}
	if (!is_idle(p, now_ns)) {
		c->want = c->held + sp->reports.nr_swapped + sp->reports.nr_standby +
			  max_t(uint64_t, c->held / GROW_PART, GROW_PAGES);
	} else if (now_ns - p->idled_ns >= IDLE_NS) {
		p->idled_ns = now_ns;
		c->want = max_t(uint64_t, c->held - c->held / IDLE_PART, FLOOR_PAGES);
	}
	c->floor = min_t(uint64_t, c->want, FLOOR_PAGES);
}

static void join(struct family *f, const struct proc *p)
{
	f->claim.want += p->claim.want;
	f->claim.floor += p->claim.floor;
	f->claim.held += p->claim.held;
	f->nr_procs++;
	f->nr_paged += can_shrink(p);
}

static void stake_all(struct housekeeping *h, uint64_t now_ns)
{
	for (struct family *f = h->families.first; f; f = f->next) {
		uint64_t share = f->claim.share;

		f->nr_procs = f->nr_paged = 0;
		f->claim = (struct claim){
			.share = share,
			.max = f->budget_bytes / PAGE_SIZE,
			.weight = f->weight * (f->budget_bytes / PAGE_SIZE),
		};
	}
	for (struct proc *p = h->procs; p; p = p->next) {
		struct family *f = family_find(&h->families, p->terms.family);

		stake(p, now_ns);
		if (f) {
			join(f, p);
			continue;
		}
		p->claim.max = p->terms.budget_bytes / PAGE_SIZE;
		p->claim.weight = p->terms.weight * p->claim.max;
	}
}

/* Room for as many claims as there are processes and families. */
static bool make_room(struct housekeeping *h)
{
	struct claim **claims;
	uint32_t nr = 0;

	for (const struct proc *p = h->procs; p; p = p->next)
		nr++;
	for (const struct family *f = h->families.first; f; f = f->next)
		nr++;
	if (nr <= h->claims_room)
		return true;
	claims = reallocarray(h->claims, 2 * (size_t)nr, sizeof(struct claim *));
	if (!claims)
		return false;
	h->claims = claims;
	h->claims_room = 2 * nr;
	return true;
}

/* Of the limit, or all that they were promised. */
static void divide_limit(struct housekeeping *h)
{
	uint32_t nr = 0;

	for (struct family *f = h->families.first; f; f = f->next)
		h->claims[nr++] = &f->claim;
	for (struct proc *p = h->procs; p; p = p->next)
		if (!family_find(&h->families, p->terms.family))
			h->claims[nr++] = &p->claim;
	if (h->limit_pages)
		share_divide(h->claims, nr, h->limit_pages);
	else
		for (uint32_t i = 0; i < nr; i++)
			h->claims[i]->share = h->claims[i]->max;
}

static void divide_family(struct housekeeping *h, const struct family *f)
{
	uint64_t total = f->claim.share;
	uint32_t nr = 0;

	for (struct proc *p = h->procs; p; p = p->next)
		if (p->terms.family == f->id)
			h->claims[nr++] = &p->claim;
	total -= min_t(uint64_t, (uint64_t)f->nr_paged * SLACK_PAGES, total / SLACK_PART);
	share_divide(h->claims, nr, total);
}

/* Alone with its budget it is pressed by what it has of that itself. */
static void press(struct housekeeping *h)
{
	uint64_t held = 0;

	for (const struct proc *p = h->procs; p; p = p->next)
		held += p->claim.held;
	for (struct proc *p = h->procs; p; p = p->next) {
		const struct family *f = family_find(&h->families, p->terms.family);

		p->pressed = h->limit_pages ? held > h->limit_pages : !f;
		p->pressed |= f && f->claim.held > f->claim.share;
	}
}

static bool has_space(const struct housekeeping *h, const struct family *f)
{
	for (uint32_t id = 1; id < h->pg->nr_ids; id++) {
		const struct space *sp = pager_space(h->pg, id);

		/* A child that is not found yet. */
		if (sp && sp->locked.terms.family == f->id)
			return true;
	}
	return false;
}

static void bury(struct housekeeping *h)
{
	struct family *next;

	for (struct family *f = h->families.first; f; f = next) {
		next = f->next;
		if (!f->nr_procs && !has_space(h, f))
			family_free(&h->families, f);
	}
}

void allot(struct housekeeping *h, uint64_t now_ns)
{
	if (!make_room(h))
		return; /* as it was */
	stake_all(h, now_ns);
	divide_limit(h);
	for (struct family *f = h->families.first; f; f = f->next)
		divide_family(h, f);
	press(h);
	for (struct proc *p = h->procs; p; p = p->next)
		if (p->space && p->space->orders.budget_pages != p->claim.share) {
			p->space->orders.budget_pages = p->claim.share;
			p->look_at_ns = 0;
		}
	bury(h);
}

bool allot_exceeded(const struct housekeeping *h, const struct proc *p)
{
	const struct family *f = family_find(&h->families, p->terms.family);
	const struct claim *c = f ? &f->claim : &p->claim;

	return c->held > c->share + c->share / 20;
}

bool allot_near(const struct housekeeping *h, const struct proc *p, uint32_t part)
{
	const struct family *f = family_find(&h->families, p->terms.family);

	if (p->borrows)
		return false;
	if (!f)
		return p->rss_pages >=
		       (h->limit_pages ? max_t(uint64_t, p->claim.share / part, SMALL_PAGES)
				       : p->claim.max / part);
	/* The large ones first: most of a family are often small and end soon. */
	return f->claim.held >= f->claim.share / part &&
	       p->rss_pages >= max_t(uint64_t,
				     f->claim.share / part / (2 * max_t(uint64_t, f->nr_procs, 1)),
				     SMALL_PAGES);
}
