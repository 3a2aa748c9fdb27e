// SPDX-License-Identifier: GPL-2.0-only
#include "memory/page.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"

/* allowed[from] has bit `to`; VIRGIN is reached from everywhere (REMOVE, UNMAP). */
#define TO(state) (1u << PAGE_##state)
static const uint8_t allowed[__PAGE_STATES] = {
	[PAGE_VIRGIN] = TO(RESIDENT),
	[PAGE_RESIDENT] = TO(RESIDENT) | TO(DETACHING) | TO(VIRGIN),
	[PAGE_DETACHING] = TO(STANDBY) | TO(RESIDENT) | TO(VIRGIN),
	[PAGE_STANDBY] = TO(STANDBY) | TO(RESIDENT) | TO(SWAPPED),
	[PAGE_SWAPPED] = TO(RESIDENT) | TO(LOST),
	[PAGE_LOST] = 0,
};

struct page page_read(struct pager *pg, const struct space *sp, pgno_t n)
{
	return page_entry_unpack(table_get(pg->tables, sp->root, n));
}

bool page_room(struct pager *pg, const struct space *sp, struct run run)
{
	return tables_room(pg->tables, 2 * TABLE_LEVELS) ||
	       (table_owned(pg->tables, sp->root, run.first) &&
		table_owned(pg->tables, sp->root, pgno_add(run.first, run.nr_pages - 1)));
}

bool page_may_return(struct pager *pg, const struct space *sp, pgno_t n)
{
	return tables_last_room(pg->tables, TABLE_LEVELS) || table_owned(pg->tables, sp->root, n);
}

static void count(struct space *sp, enum page_state state, uint64_t delta)
{
	switch (state) {
	case PAGE_DETACHING:
		space_count(&sp->nr_detaching, delta);
		/* fall through */
	case PAGE_RESIDENT:
		space_count(&sp->nr_resident, delta);
		break;
	case PAGE_STANDBY:
		space_count(&sp->nr_standby, delta);
		break;
	case PAGE_SWAPPED:
		space_count(&sp->nr_swapped, delta);
		break;
	case PAGE_LOST:
		space_count(&sp->nr_lost, delta);
		break;
	default:
		break;
	}
}

static void set_entry(struct pager *pg, struct space *sp, pgno_t n, uint64_t entry)
{
	if (!table_set(pg->tables, sp->root, n, entry))
		return;
	/*
	 * A wrong table would hand out wrong pages.  Programs wait for the next
	 * daemon instead; the limit is 2 TiB of paged addresses.
	 */
	log_err("out of page tables; stopping rather than losing a page");
	abort();
}

int page_change(struct pager *pg, struct space *sp, pgno_t n, struct page from, struct page to)
{
	uint64_t now = table_get(pg->tables, sp->root, n) & ~PAGE_ENTRY_AGE;

	if (now != (page_entry_pack(from) & ~PAGE_ENTRY_AGE))
		return -ESTALE;
	assert(allowed[from.state] & (1u << to.state));
	assert(!(from.state == PAGE_STANDBY && to.state == PAGE_SWAPPED && from.dirty));
	assert(to.state != PAGE_SWAPPED || slot_valid(to.slot));
	/* The copy on write of a shared leaf takes its own references first. */
	set_entry(pg, sp, n, page_entry_pack(to));
	if (slot_valid(from.slot) && !slot_equal(from.slot, to.slot))
		slot_put(pg->slots, from.slot);
	count(sp, from.state, (uint64_t)-1);
	count(sp, to.state, 1);
	return 0;
}

static void release_place(struct space *sp, struct page p)
{
	struct standby *sb = &sp->standby;
	enum place_state state;

	if (p.state != PAGE_STANDBY)
		return;
	state = sb->state[p.place];
	standby_set(sb, p.place, state == PLACE_WRITING ? PLACE_ORPHAN : PLACE_FREE, (pgno_t){ 0 });
}

static void drop_one(struct pager *pg, struct space *sp, pgno_t n, uint64_t entry)
{
	struct page p = page_entry_unpack(entry);

	assert(p.state != PAGE_DETACHING);
	release_place(sp, p);
	set_entry(pg, sp, n, 0);
	if (slot_valid(p.slot))
		slot_put(pg->slots, p.slot);
	count(sp, p.state, (uint64_t)-1);
}

/* Copies the leaf at or after *n, since changing entries may free or replace it. */
static bool copy_leaf(struct pager *pg, struct space *sp, pgno_t n, pgno_t end,
		      uint64_t entries[TABLE_ENTRIES], pgno_t *base)
{
	const uint64_t *leaf = table_next_leaf(pg->tables, sp->root, n, end, base);

	if (!leaf)
		return false;
	memcpy(entries, leaf, TABLE_ENTRIES * sizeof(*entries));
	return true;
}

void page_drop(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	assert(sp->changing);
	while (n.v < end.v && copy_leaf(pg, sp, n, end, entries, &base)) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			pgno_t at = pgno_add(base, i);

			if (entries[i] && at.v >= first.v && at.v < end.v)
				drop_one(pg, sp, at, entries[i]);
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

void page_forget(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	assert(sp->changing);
	while (n.v < end.v && copy_leaf(pg, sp, n, end, entries, &base)) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			pgno_t at = pgno_add(base, i);

			if (page_entry_state(entries[i]) == PAGE_RESIDENT && at.v >= first.v &&
			    at.v < end.v)
				drop_one(pg, sp, at, entries[i]);
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

/* In both places since a crash, and counted twice. */
static void forget_double(struct pager *pg, struct space *sp, pgno_t n)
{
	struct page p = page_read(pg, sp, n);

	if (p.state == PAGE_VIRGIN)
		return;
	if (slot_valid(p.slot))
		slot_put(pg->slots, p.slot);
	count(sp, p.state, (uint64_t)-1);
}

void page_shift(struct pager *pg, struct space *sp, pgno_t from, pgno_t to, uint64_t nr_pages)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = from, end = pgno_add(from, nr_pages), base;

	assert(sp->changing);
	while (n.v < end.v && copy_leaf(pg, sp, n, end, entries, &base)) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			pgno_t at = pgno_add(base, i), dest;
			struct page p = page_entry_unpack(entries[i]);

			if (!entries[i] || at.v < from.v || at.v >= end.v)
				continue;
			assert(p.state != PAGE_DETACHING);
			dest = pgno_add(to, at.v - from.v);
			forget_double(pg, sp, dest);
			/* Never nowhere: a crash in between leaves it in both places. */
			set_entry(pg, sp, dest, entries[i]);
			failpoint(FP_PAGE_SHIFTED);
			set_entry(pg, sp, at, 0);
			if (p.state == PAGE_STANDBY)
				sp->standby.page[p.place] = dest;
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

void page_lose(struct pager *pg, struct space *sp, pgno_t n)
{
	struct page p = page_read(pg, sp, n);

	count(sp, p.state, (uint64_t)-1);
	count(sp, PAGE_LOST, 1);
	set_entry(pg, sp, n, page_entry_pack((struct page){ .state = PAGE_LOST }));
	if (slot_valid(p.slot))
		slot_put(pg->slots, p.slot);
}

void page_doubt(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	assert(sp->changing);
	while (n.v < end.v && copy_leaf(pg, sp, n, end, entries, &base)) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			struct page p = page_entry_unpack(entries[i]);
			pgno_t at = pgno_add(base, i);

			if (at.v < first.v || at.v >= end.v ||
			    (p.state != PAGE_SWAPPED && p.state != PAGE_STANDBY))
				continue;
			release_place(sp, p);
			page_lose(pg, sp, at);
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

void page_give_up_copy(struct pager *pg, struct space *sp, pgno_t n)
{
	struct page p = page_read(pg, sp, n);

	assert(p.state == PAGE_RESIDENT && slot_valid(p.slot));
	/* A leaf that is shared holds the slot once, for all. */
	table_hint(pg->tables, sp->root, n, ~0ULL << PAGE_ENTRY_SLOT_LSB, 0);
	slot_put(pg->slots, p.slot);
}

void page_set_age(struct pager *pg, struct space *sp, pgno_t n, uint8_t age)
{
	table_hint(pg->tables, sp->root, n, PAGE_ENTRY_AGE, (uint64_t)age << PAGE_ENTRY_AGE_LSB);
}
