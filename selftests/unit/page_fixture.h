/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UPAGER_SELFTESTS_PAGE_FIXTURE_H
#define UPAGER_SELFTESTS_PAGE_FIXTURE_H

#include "space_fixture.h"

/* The states of page_entry_format.h's table; STANDBY counts twice. */
enum kind {
	VIRGIN,
	RESIDENT,
	DETACHING,
	DIRTY,
	CLEAN,
	SWAPPED,
	LOST,
	NR_KINDS,
};

#define PLACE 3

/* Base of a leaf's last pages, so that a few pages on is another leaf. */
static const pgno_t here = { 0x7fffe01feULL };

static inline bool has_slot(enum kind kind)
{
	return kind == CLEAN || kind == SWAPPED;
}

static inline struct page page_of(enum kind kind, slot_t slot)
{
	static const enum page_state state[NR_KINDS] = {
		[VIRGIN] = PAGE_VIRGIN, [RESIDENT] = PAGE_RESIDENT, [DETACHING] = PAGE_DETACHING,
		[DIRTY] = PAGE_STANDBY, [CLEAN] = PAGE_STANDBY,	    [SWAPPED] = PAGE_SWAPPED,
		[LOST] = PAGE_LOST,
	};
	bool placed = kind == DETACHING || kind == DIRTY || kind == CLEAN;

	return (struct page){
		.state = state[kind],
		.dirty = kind == DIRTY,
		.place = placed ? PLACE : 0,
		.slot = has_slot(kind) ? slot : SLOT_NONE,
	};
}

static inline void step(struct space_fixture *f, pgno_t n, struct page to)
{
	assert_int_equal(page_change(&f->pg, f->sp, n, page_read(&f->pg, f->sp, n), to), 0);
}

/* Brings a VIRGIN page into a state on the way that pages take. */
static inline struct page bring(struct space_fixture *f, pgno_t n, enum kind kind)
{
	static const enum kind way[] = { RESIDENT, DETACHING, DIRTY, CLEAN, SWAPPED, LOST };
	struct page p = page_of(VIRGIN, SLOT_NONE);
	slot_t slot = SLOT_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(way) && way[i] <= kind; i++) {
		if (way[i] == CLEAN)
			slot = new_slot(f);
		p = page_of(way[i], slot);
		step(f, n, p);
		if (kind != LOST && way[i] == kind)
			break;
	}
	return p;
}

struct attempt {
	struct space_fixture *f;
	struct page from;
	struct page to;
};

static inline void forget(struct space_fixture *f)
{
	if (page_read(&f->pg, f->sp, here).state == PAGE_DETACHING)
		step(f, here, page_of(RESIDENT, SLOT_NONE));
	page_drop(&f->pg, f->sp, here, pgno_add(here, 1));
	expect_counts(f, 0, 0, 0, 0);
	assert_int_equal(slots_free(f->pg.slots), slots_total(f->pg.slots));
}

#endif
