// SPDX-License-Identifier: GPL-2.0-only
#include "memory/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Only a program that splits its mappings on purpose has more. */
#define HINTED_MAX 65536

void regions_init(struct regions *rs)
{
	memset(rs, 0, sizeof(*rs));
}

void regions_fini(struct regions *rs)
{
	free(rs->at);
	regions_init(rs);
}

void regions_forget(struct regions *rs)
{
	rs->any_cold = false;
	rs->nr = 0;
	rs->nr_pages = 0;
}

static int reserve(struct regions *rs, uint32_t more)
{
	uint32_t max = rs->max ? rs->max : 64;
	struct region *at;

	while (max < rs->nr + more)
		max *= 2;
	if (max == rs->max)
		return 0;
	at = realloc(rs->at, max * sizeof(*at));
	if (!at)
		return -ENOMEM;
	rs->at = at;
	rs->max = max;
	return 0;
}

int regions_copy(struct regions *to, const struct regions *from)
{
	regions_init(to);
	if (!from->nr)
		return 0;
	if (reserve(to, from->nr))
		return -ENOMEM;
	memcpy(to->at, from->at, from->nr * sizeof(*to->at));
	to->nr = from->nr;
	to->nr_pages = from->nr_pages;
	to->any_cold = from->any_cold;
	return 0;
}

/* Index of the first region that ends after pg. */
static uint32_t lower(const struct regions *rs, pgno_t pg)
{
	uint32_t lo = 0, hi = rs->nr;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (rs->at[mid].end.v > pg.v)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct region *region_next(const struct regions *rs, pgno_t pg)
{
	uint32_t i = lower(rs, pg);

	return i < rs->nr ? &rs->at[i] : NULL;
}

struct region *region_find(const struct regions *rs, pgno_t pg)
{
	struct region *r = region_next(rs, pg);

	return r && r->first.v <= pg.v ? r : NULL;
}

static void insert_at(struct regions *rs, uint32_t i, struct region r)
{
	memmove(&rs->at[i + 1], &rs->at[i], (rs->nr - i) * sizeof(*rs->at));
	rs->at[i] = r;
	rs->nr++;
	rs->nr_pages += r.end.v - r.first.v;
}

static void remove_at(struct regions *rs, uint32_t i)
{
	rs->nr_pages -= rs->at[i].end.v - rs->at[i].first.v;
	memmove(&rs->at[i], &rs->at[i + 1], (rs->nr - i - 1) * sizeof(*rs->at));
	rs->nr--;
}

static bool is_plain(const struct region *r)
{
	return !r->fixed && r->hint == REGION_PLAIN;
}

int region_add(struct regions *rs, pgno_t first, pgno_t end)
{
	uint32_t i = lower(rs, first);

	while (first.v < end.v) {
		pgno_t until = end;

		if (i < rs->nr && rs->at[i].first.v <= first.v) {
			first = rs->at[i++].end; /* known already */
			continue;
		}
		if (i < rs->nr && rs->at[i].first.v < until.v)
			until = rs->at[i].first;
		if (i && rs->at[i - 1].end.v == first.v && is_plain(&rs->at[i - 1])) {
			rs->nr_pages += until.v - first.v;
			rs->at[i - 1].end = until;
		} else {
			if (reserve(rs, 1))
				return -ENOMEM;
			insert_at(rs, i++, (struct region){ .first = first, .end = until });
		}
		if (i < rs->nr && rs->at[i].first.v == until.v && is_plain(&rs->at[i]) &&
		    is_plain(&rs->at[i - 1])) {
			pgno_t merged_end = rs->at[i].end;

			remove_at(rs, i);
			rs->nr_pages += merged_end.v - until.v;
			rs->at[i - 1].end = merged_end;
			until = merged_end;
		}
		first = until;
	}
	return 0;
}

int region_cut(struct regions *rs, pgno_t first, pgno_t end)
{
	uint32_t i = lower(rs, first);

	if (first.v >= end.v)
		return 0;
	if (reserve(rs, 1))
		return -ENOMEM;
	while (i < rs->nr && rs->at[i].first.v < end.v) {
		struct region r = rs->at[i];

		remove_at(rs, i);
		if (r.first.v < first.v) {
			struct region before = r;

			before.end = first;
			insert_at(rs, i++, before);
		}
		if (r.end.v > end.v) {
			r.first = end;
			insert_at(rs, i++, r);
		}
	}
	return 0;
}

bool region_covers(const struct regions *rs, pgno_t first, pgno_t end)
{
	while (first.v < end.v) {
		const struct region *r = region_find(rs, first);

		if (!r)
			return false;
		first = r->end;
	}
	return true;
}

/* What contains pg is two from there on. */
static void split(struct regions *rs, pgno_t pg)
{
	struct region *r = region_find(rs, pg);
	struct region rest;

	if (!r || r->first.v == pg.v)
		return;
	rest = *r;
	rs->nr_pages -= r->end.v - pg.v;
	r->end = pg;
	rest.first = pg;
	insert_at(rs, (uint32_t)(r - rs->at) + 1, rest);
}

int region_hint(struct regions *rs, pgno_t first, pgno_t end, enum region_hint hint)
{
	if (rs->nr >= HINTED_MAX || reserve(rs, 2))
		return -ENOMEM;
	split(rs, first);
	split(rs, end);
	for (uint32_t i = lower(rs, first); i < rs->nr && rs->at[i].first.v < end.v; i++)
		if (rs->at[i].hint != REGION_PINNED || hint == REGION_PLAIN)
			rs->at[i].hint = hint;
	rs->any_cold |= hint == REGION_COLD;
	return 0;
}

uint64_t regions_hinted(const struct regions *rs, enum region_hint hint)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < rs->nr; i++)
		if (rs->at[i].hint == hint)
			n += rs->at[i].end.v - rs->at[i].first.v;
	return n;
}

int region_move(struct regions *rs, pgno_t from, pgno_t to, uint64_t nr_pages)
{
	pgno_t at = from, end = pgno_add(from, nr_pages);
	int err = 0;

	while (!err && at.v < end.v) {
		const struct region *r = region_next(rs, at);
		struct region part;

		if (!r || r->first.v >= end.v)
			break;
		part = *r;
		if (part.first.v < at.v)
			part.first = at;
		if (part.end.v > end.v)
			part.end = end;
		at = part.end;
		part.first.v += to.v - from.v;
		part.end.v += to.v - from.v;
		err = region_add(rs, part.first, part.end);
		if (!err && part.hint != REGION_PLAIN)
			err = region_hint(rs, part.first, part.end, part.hint);
	}
	return region_cut(rs, from, end) ? -ENOMEM : err;
}

int region_fix(struct regions *rs, pgno_t first, pgno_t end)
{
	if (reserve(rs, 2))
		return -ENOMEM;
	split(rs, first);
	split(rs, end);
	for (uint32_t i = lower(rs, first); i < rs->nr && rs->at[i].first.v < end.v; i++)
		rs->at[i].fixed = true;
	return 0;
}

bool regions_unfix(struct regions *rs)
{
	uint32_t to = 0;
	bool any = false;

	for (uint32_t i = 0; i < rs->nr; i++) {
		struct region r = rs->at[i];

		any |= r.fixed;
		r.fixed = false;
		if (to && rs->at[to - 1].end.v == r.first.v && rs->at[to - 1].hint == r.hint)
			rs->at[to - 1].end = r.end;
		else
			rs->at[to++] = r;
	}
	rs->nr = to;
	return any;
}
