// SPDX-License-Identifier: GPL-2.0-only
#include "fault/handed.h"

#include <errno.h>

#include "memory/page.h"

/* How far pages that can tell are looked for, to each side, and how many are asked for. */
#define LOOK_PAGES (2048 * TABLE_ENTRIES)
#define ASKED_MAX  4

struct search {
	struct pager *pg;
	struct space *sp;
	pgno_t n;
	struct page_range in;
	bool one; /* in is one mapping */
	uint32_t asked;
	bool again; /* an event is unread: it may be so nevertheless */
};

static bool is_one_mapping(struct search *s, pgno_t first, pgno_t end)
{
	int err = uffd_covers(s->sp->uffd, pgno_addr(first), (end.v - first.v) << PAGE_SHIFT);

	s->again |= err == -EAGAIN;
	return !err;
}

static const struct page_range *find_handed(const struct space *sp, pgno_t n)
{
	for (uint32_t i = 0; i < HANDED_MAX; i++)
		if (sp->worker.handed[i].first.v <= n.v && n.v < sp->worker.handed[i].end.v)
			return &sp->worker.handed[i];
	return NULL;
}

static void add_handed(struct space *sp, struct page_range range)
{
	sp->worker.handed[sp->worker.nr_handed++ % HANDED_MAX] = range;
}

/*
 * A page that its parent had.  Where it is not here, zero is what the program
 * has to read, whatever the reason: it may as well have it.
 */
static bool is_here(struct search *s, pgno_t at)
{
	struct uffd_fill fill = uffd_zero(s->sp->uffd, (struct run){ at, 1 });

	s->asked++;
	s->again |= fill.error == -EAGAIN;
	if (fill.filled)
		range_set_add(&s->sp->worker.born_touched, at, pgno_add(at, 1));
	return !fill.filled && fill.error == -EEXIST;
}

/* A page in the same mapping as n that tells. */
static bool tells(struct search *s, pgno_t at)
{
	pgno_t first = at.v < s->n.v ? at : s->n, last = at.v < s->n.v ? s->n : at;

	if (range_set_meets(&s->sp->worker.born_touched, at, pgno_add(at, 1)))
		return false;
	if (!s->one && !is_one_mapping(s, first, pgno_add(last, 1)))
		return false;
	if (!is_here(s, at))
		return false;
	add_handed(s->sp, s->one ? s->in : (struct page_range){ first, pgno_add(last, 1) });
	return true;
}

static bool search(struct search *s, pgno_t first, pgno_t end)
{
	const uint64_t *leaf;
	pgno_t base;

	while (first.v < end.v &&
	       (leaf = table_next_leaf(s->pg->tables, s->sp->worker.root, first, end, &base))) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			pgno_t at = pgno_add(base, i);

			if (at.v < first.v || at.v >= end.v ||
			    page_entry_state(leaf[i]) != PAGE_RESIDENT)
				continue;
			if (s->asked >= ASKED_MAX)
				return false;
			if (tells(s, at))
				return true;
		}
		first = pgno_add(base, TABLE_ENTRIES);
	}
	return false;
}

bool handed_on(struct pager *pg, struct space *sp, pgno_t n)
{
	struct search s = { .pg = pg, .sp = sp, .n = n };
	const struct region *r;
	pgno_t from, to;

	if (sp->worker.moved)
		return false; /* what was where it is looked for now is not known */
	if (find_handed(sp, n))
		return true;
	pthread_mutex_lock(&sp->lock);
	r = region_find(&sp->locked.regions, n);
	if (r)
		s.in = (struct page_range){ r->first, r->end };
	pthread_mutex_unlock(&sp->lock);
	if (s.in.first.v == s.in.end.v ||
	    range_set_meets(&sp->worker.born_silent, n, pgno_add(n, 1)))
		return false;
	s.one = is_one_mapping(&s, s.in.first, s.in.end);
	from.v = max_t(uint64_t, s.in.first.v, n.v - min_t(uint64_t, n.v, LOOK_PAGES));
	to.v = min_t(uint64_t, s.in.end.v, n.v + LOOK_PAGES);
	if (search(&s, n, to) || search(&s, from, n))
		return true;
	/* None will come: what is put there from now on cannot tell. */
	if (!s.again)
		range_set_add(&sp->worker.born_silent, s.one ? s.in.first : n,
			      s.one ? s.in.end : pgno_add(n, 1));
	return false;
}

struct run handed_part(const struct space *sp, struct run run, pgno_t n)
{
	const struct page_range *r = find_handed(sp, n);
	pgno_t end = pgno_add(run.first, run.nr_pages);

	if (!r)
		return (struct run){ n, 1 };
	if (run.first.v < r->first.v)
		run.first = r->first;
	end.v = min_t(uint64_t, end.v, r->end.v);
	run.nr_pages = (uint32_t)(end.v - run.first.v);
	return run;
}
