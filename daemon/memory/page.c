// SPDX-License-Identifier: GPL-2.0-only
#include "memory/page.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/failpoint.h"

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
	return page_entry_unpack(table_get(pg->tables, sp->worker.root, n));
}

bool page_room(struct pager *pg, const struct space *sp, struct run run)
{
	return tables_room(pg->tables, 2 * TABLE_LEVELS) ||
	       (table_owned(pg->tables, sp->worker.root, run.first) &&
		table_owned(pg->tables, sp->worker.root, pgno_add(run.first, run.nr_pages - 1)));
}

bool page_may_return(struct pager *pg, const struct space *sp, pgno_t n)
{
	return tables_last_room(pg->tables, TABLE_LEVELS) ||
	       table_owned(pg->tables, sp->worker.root, n);
}

static void count(struct space *sp, enum page_state state, uint64_t delta)
{
	switch (state) {
	case PAGE_DETACHING:
		space_count(&sp->reports.nr_detaching, delta);
		/* fall through */
	case PAGE_RESIDENT:
		space_count(&sp->reports.nr_resident, delta);
		break;
	case PAGE_STANDBY:
		space_count(&sp->reports.nr_standby, delta);
		break;
	case PAGE_SWAPPED:
		space_count(&sp->reports.nr_swapped, delta);
		break;
	case PAGE_LOST:
		space_count(&sp->reports.nr_lost, delta);
		break;
	default:
		break;
	}
}

/* There are tables for it: somebody claimed them, or the path is the tree's own. */
static void set_entry(struct pager *pg, struct space *sp, pgno_t n, uint64_t entry)
{
	int err = table_set(pg->tables, sp->worker.root, n, entry);

	assert(!err);
}

int page_change(struct pager *pg, struct space *sp, pgno_t n, struct page from, struct page to)
{
	uint64_t now = table_get(pg->tables, sp->worker.root, n) & ~PAGE_ENTRY_AGE;

	if (now != (page_entry_pack(from) & ~PAGE_ENTRY_AGE))
		return -ESTALE;
	assert(allowed[from.state] & (1u << to.state));
	assert(!(from.state == PAGE_STANDBY && to.state == PAGE_SWAPPED && from.dirty));
	assert(to.state != PAGE_SWAPPED || slot_valid(to.slot));
	/* The copy on write of a shared leaf takes its own references first. */
	if (table_set(pg->tables, sp->worker.root, n, page_entry_pack(to)))
		return -ENOMEM;
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
	state = standby_state(sb, p.place);
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
	const uint64_t *leaf = table_next_leaf(pg->tables, sp->worker.root, n, end, base);

	if (!leaf)
		return false;
	memcpy(entries, leaf, TABLE_ENTRIES * sizeof(*entries));
	return true;
}

/* Two leaves in part, and what table_cut() needs. */
#define DROP_TABLES (2 * TABLE_LEVELS + TABLE_CUT_NEED)

bool page_drop_room(struct pager *pg)
{
	return tables_claim(pg->tables, DROP_TABLES);
}

uint64_t page_drop_need(uint32_t nr_ranges)
{
	return (uint64_t)nr_ranges * DROP_TABLES;
}

bool page_find(struct pager *pg, const struct space *sp, pgno_t first, pgno_t end, pgno_t *found)
{
	const uint64_t *leaf;
	pgno_t n, base;

	for (n = first; (leaf = table_next_leaf(pg->tables, sp->worker.root, n, end, &base));
	     n = pgno_add(base, TABLE_ENTRIES))
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
			if (leaf[i] && base.v + i >= first.v && base.v + i < end.v) {
				*found = pgno_add(base, i);
				return true;
			}
	return false;
}

static void drop_part(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	while (n.v < end.v && copy_leaf(pg, sp, n, end, entries, &base)) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			pgno_t at = pgno_add(base, i);

			if (entries[i] && at.v >= first.v && at.v < end.v)
				drop_one(pg, sp, at, entries[i]);
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

/* A leaf goes as a whole; slots go with its last user. */
static void drop_leaf(void *context, pgno_t base, const uint64_t *entries)
{
	uint64_t nr[__PAGE_STATES] = { 0 };
	struct space *sp = context;

	(void)base;
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
		enum page_state state = page_entry_state(entries[i]);

		assert(state != PAGE_DETACHING);
		nr[state]++;
		if (state == PAGE_STANDBY)
			release_place(sp, page_entry_unpack(entries[i]));
	}
	for (int state = 0; state < __PAGE_STATES; state++)
		if (nr[state])
			count(sp, (enum page_state)state, -nr[state]);
}

void page_drop(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	const uint64_t in_leaf = TABLE_ENTRIES - 1;
	pgno_t whole = { (first.v + in_leaf) & ~in_leaf }, rest = { end.v & ~in_leaf };
	int err;

	assert(sp->worker.changing);
	if (whole.v >= rest.v) {
		drop_part(pg, sp, first, end);
		return;
	}
	drop_part(pg, sp, first, whole);
	drop_part(pg, sp, rest, end);
	err = table_cut(pg->tables, sp->worker.root, whole, rest, drop_leaf, sp);
	assert(!err);
}

void page_forget(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	assert(sp->worker.changing);
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

uint64_t page_shift_need(struct pager *pg, const struct space *sp, pgno_t from, pgno_t to,
			 uint64_t nr_pages)
{
	return table_move_need(pg->tables, sp->worker.root, from, to, nr_pages);
}

/* In both places since a crash, and counted twice. */
static void forget_double(void *context, uint64_t entry)
{
	count(context, page_entry_state(entry), (uint64_t)-1);
}

static bool has_detaching(struct pager *pg, const struct space *sp, pgno_t first, uint64_t nr_pages)
{
	pgno_t n = first, end = pgno_add(first, nr_pages), base;
	const uint64_t *leaf;

	for (; (leaf = table_next_leaf(pg->tables, sp->worker.root, n, end, &base));
	     n = pgno_add(base, TABLE_ENTRIES))
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
			if (base.v + i >= first.v && base.v + i < end.v &&
			    page_entry_state(leaf[i]) == PAGE_DETACHING)
				return true;
	return false;
}

void page_shift(struct pager *pg, struct space *sp, pgno_t from, pgno_t to, uint64_t nr_pages)
{
	struct standby *sb = &sp->standby;
	int err;

	/* A batch that has other pages may be pending. */
	assert(sp->worker.changing &&
	       !(sp->reports.nr_detaching && has_detaching(pg, sp, from, nr_pages)));
	err = table_move(pg->tables, sp->worker.root, from, to, nr_pages, forget_double, sp);
	assert(!err);
	for (uint32_t i = 0; sp->reports.nr_standby && i < sb->nr_places; i++) {
		enum place_state state = standby_state(sb, i);
		pgno_t n = standby_page(sb, i);

		if (state == PLACE_FREE || state == PLACE_ORPHAN || n.v < from.v ||
		    n.v - from.v >= nr_pages)
			continue;
		standby_set(sb, i, state, pgno_add(to, n.v - from.v));
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

bool page_range_room(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	return tables_claim(pg->tables, table_change_need(pg->tables, sp->worker.root, first, end));
}

void page_doubt(struct pager *pg, struct space *sp, pgno_t first, pgno_t end)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	assert(sp->worker.changing);
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

static void lose_all_of(struct pager *pg, struct space *sp, pgno_t n)
{
	struct page p = page_read(pg, sp, n);

	if (p.state == PAGE_LOST)
		return;
	release_place(sp, p);
	page_lose(pg, sp, n);
}

/* What is outside of [first, end), and with it what is there from other on. */
static void doubt_beside(struct pager *pg, struct space *sp, pgno_t first, pgno_t end, pgno_t other)
{
	uint64_t entries[TABLE_ENTRIES];
	pgno_t n = first, base;

	while (n.v < end.v && copy_leaf(pg, sp, n, end, entries, &base)) {
		for (unsigned int i = 0; i < TABLE_ENTRIES; i++) {
			enum page_state state = page_entry_state(entries[i]);
			pgno_t at = pgno_add(base, i);

			if (at.v < first.v || at.v >= end.v ||
			    (state != PAGE_SWAPPED && state != PAGE_STANDBY))
				continue;
			lose_all_of(pg, sp, at);
			lose_all_of(pg, sp, pgno_add(other, at.v - first.v));
		}
		n = pgno_add(base, TABLE_ENTRIES);
	}
}

void page_doubt_both(struct pager *pg, struct space *sp, pgno_t one, pgno_t other,
		     uint64_t nr_pages)
{
	assert(sp->worker.changing);
	doubt_beside(pg, sp, one, pgno_add(one, nr_pages), other);
	doubt_beside(pg, sp, other, pgno_add(other, nr_pages), one);
}

uint64_t page_doubt_both_need(struct pager *pg, const struct space *sp, pgno_t one, pgno_t other,
			      uint64_t nr_pages)
{
	table_id_t root = sp->worker.root;

	/* What one side has comes to be on the other. */
	return 2 * (table_change_need(pg->tables, root, one, pgno_add(one, nr_pages)) +
		    table_change_need(pg->tables, root, other, pgno_add(other, nr_pages)));
}

void page_resettle(struct pager *pg, struct space *sp, pgno_t n, slot_t slot)
{
	struct page p = page_read(pg, sp, n);

	assert(p.state == PAGE_SWAPPED);
	table_hint(pg->tables, sp->worker.root, n, ~0ULL << PAGE_ENTRY_SLOT_LSB,
		   slot.v << PAGE_ENTRY_SLOT_LSB);
	slot_put(pg->slots, p.slot);
}

void page_give_up_copy(struct pager *pg, struct space *sp, pgno_t n)
{
	struct page p = page_read(pg, sp, n);

	assert(p.state == PAGE_RESIDENT && slot_valid(p.slot));
	/* A leaf that is shared holds the slot once, for all. */
	table_hint(pg->tables, sp->worker.root, n, ~0ULL << PAGE_ENTRY_SLOT_LSB, 0);
	slot_put(pg->slots, p.slot);
}

void page_set_age(struct pager *pg, struct space *sp, pgno_t n, uint8_t age)
{
	table_hint(pg->tables, sp->worker.root, n, PAGE_ENTRY_AGE,
		   (uint64_t)age << PAGE_ENTRY_AGE_LSB);
}
