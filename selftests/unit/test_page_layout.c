// SPDX-License-Identifier: GPL-2.0-only
/* Many pages, each as a model of it says, whatever order changes, drops and shifts come in. */
#include "space_fixture.h"

#define LAYOUT_PAGES 3000
#define LAYOUT_STEPS 40000

/* Pages [first, first + LAYOUT_PAGES) as page_change(), page_drop() and page_shift() leave them. */
struct layout {
	struct space_fixture *f;
	uint64_t seed;
	pgno_t first;
	struct page page[LAYOUT_PAGES];
	table_id_t child; /* shares, and has what was there at its fork */
	struct page passed[LAYOUT_PAGES];
};

static uint64_t count_states(const struct layout *l, enum page_state state)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < LAYOUT_PAGES; i++)
		n += l->page[i].state == state;
	return n;
}

static void layout_check(struct layout *l)
{
	struct space_fixture *f = l->f;
	const struct standby *sb = &f->sp->standby;
	uint64_t nr_slots = 0, nr_places = 0;

	for (uint32_t i = 0; i < LAYOUT_PAGES; i++) {
		struct page p = l->page[i];

		expect_entry(f, pgno_add(l->first, i), p);
		if (slot_valid(p.slot)) {
			assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
			nr_slots++;
		}
		if (p.state == PAGE_STANDBY) {
			assert_int_equal(standby_page(sb, p.place).v, l->first.v + i);
			nr_places++;
		}
	}
	assert_int_equal(slots_total(f->pg.slots) - slots_free(f->pg.slots), nr_slots);
	expect_counts(f, count_states(l, PAGE_RESIDENT), 0, count_states(l, PAGE_STANDBY),
		      count_states(l, PAGE_SWAPPED));
	for (uint32_t place = 0; place < sb->nr_places; place++)
		nr_places -= standby_state(sb, place) != PLACE_FREE &&
			     standby_state(sb, place) != PLACE_ORPHAN;
	assert_int_equal(nr_places, 0);
}

static void layout_change(struct layout *l, uint32_t i, struct page to)
{
	assert_int_equal(page_change(&l->f->pg, l->f->sp, pgno_add(l->first, i), l->page[i], to),
			 0);
	l->page[i] = to;
}

/* Into the pool, and on: as eviction, writing, rescue and reading do. */
static void layout_evict(struct layout *l, uint32_t i)
{
	struct standby *sb = &l->f->sp->standby;
	struct page detaching = { .state = PAGE_DETACHING, .slot = l->page[i].slot };
	struct page standby = { .state = PAGE_STANDBY, .dirty = true };
	uint32_t place;

	if (!standby_find(sb, 1, &place) || standby_state(sb, place) != PLACE_FREE)
		return;
	standby_take(sb, place, 1);
	detaching.place = standby.place = place;
	layout_change(l, i, detaching);
	layout_change(l, i, standby);
	standby_set(sb, place, PLACE_DIRTY, pgno_add(l->first, i));
}

static void layout_write(struct layout *l, uint32_t i)
{
	struct standby *sb = &l->f->sp->standby;
	struct page p = l->page[i];

	if (p.dirty && standby_state(sb, p.place) == PLACE_DIRTY && slots_free(l->f->pg.slots)) {
		p.slot = new_slot(l->f);
		layout_change(l, i, p);
		standby_set(sb, p.place, PLACE_WRITING, pgno_add(l->first, i));
	} else if (p.dirty && standby_state(sb, p.place) == PLACE_WRITING) {
		p.dirty = false;
		layout_change(l, i, p);
		standby_set(sb, p.place, PLACE_CLEAN, pgno_add(l->first, i));
	} else if (!p.dirty) {
		layout_change(l, i, (struct page){ .state = PAGE_SWAPPED, .slot = p.slot });
		standby_set(sb, p.place, PLACE_FREE, (pgno_t){ 0 });
	}
}

static void layout_rescue(struct layout *l, uint32_t i)
{
	struct standby *sb = &l->f->sp->standby;
	struct page p = l->page[i];
	enum place_state place = standby_state(sb, p.place);

	layout_change(
		l, i,
		(struct page){ .state = PAGE_RESIDENT, .slot = p.dirty ? SLOT_NONE : p.slot });
	standby_set(sb, p.place, place == PLACE_WRITING ? PLACE_ORPHAN : PLACE_FREE, (pgno_t){ 0 });
}

static void layout_move_on(struct layout *l, uint32_t i)
{
	struct page p = l->page[i];

	switch (p.state) {
	case PAGE_VIRGIN:
		layout_change(l, i, (struct page){ .state = PAGE_RESIDENT });
		break;
	case PAGE_RESIDENT:
		layout_evict(l, i);
		break;
	case PAGE_STANDBY:
		if (seed_below(&l->seed, 4))
			layout_write(l, i);
		else
			layout_rescue(l, i);
		break;
	case PAGE_SWAPPED:
		p.state = seed_below(&l->seed, 8) ? PAGE_RESIDENT : PAGE_LOST;
		if (p.state == PAGE_LOST)
			p.slot = SLOT_NONE;
		layout_change(l, i, p);
		break;
	default:
		break;
	}
}

static void layout_drop(struct layout *l, uint32_t i, uint32_t nr)
{
	page_drop(&l->f->pg, l->f->sp, pgno_add(l->first, i), pgno_add(l->first, i + nr));
	memset(&l->page[i], 0, nr * sizeof(l->page[0]));
}

/* mremap() to a place that does not overlap the old one; often of whole leaves. */
static void layout_shift(struct layout *l, uint32_t from, uint32_t to, uint32_t nr)
{
	pgno_t source = pgno_add(l->first, from), dest;
	uint64_t need, before;

	if (seed_below(&l->seed, 2) && to >= from)
		to -= (to - from) % TABLE_ENTRIES;
	if (to < from + nr && from < to + nr)
		return;
	dest = pgno_add(l->first, to);
	layout_drop(l, to, nr);
	need = table_move_need(l->f->pg.tables, l->f->sp->worker.root, source, dest, nr);
	before = tables_used(l->f->pg.tables);
	assert_true(space_fixture_shift_room(&l->f->pg, l->f->sp, source, dest, nr));
	page_shift(&l->f->pg, l->f->sp, source, dest, nr);
	assert_true(tables_used(l->f->pg.tables) <= before + need);
	memcpy(&l->page[to], &l->page[from], nr * sizeof(l->page[0]));
	memset(&l->page[from], 0, nr * sizeof(l->page[0]));
}

/* As a fork: nothing is in the pool, whose places a child does not share. */
static void layout_share(struct layout *l)
{
	if (l->child.v || l->f->sp->reports.nr_standby)
		return;
	l->child = table_root_share(l->f->pg.tables, l->f->sp->worker.root);
	memcpy(l->passed, l->page, sizeof(l->passed));
}

static void layout_part(struct layout *l)
{
	for (uint32_t i = 0; l->child.v && i < LAYOUT_PAGES; i++)
		assert_int_equal(table_get(l->f->pg.tables, l->child, pgno_add(l->first, i)),
				 page_entry_pack(l->passed[i]));
	table_root_put(l->f->pg.tables, l->child);
	l->child.v = 0;
}

/* So that one can be shared. */
static void layout_empty_pool(struct layout *l)
{
	for (uint32_t i = 0; i < LAYOUT_PAGES; i++)
		if (l->page[i].state == PAGE_STANDBY)
			layout_rescue(l, i);
}

static void free_orphans(struct standby *sb)
{
	for (uint32_t place = 0; place < sb->nr_places; place++)
		if (standby_state(sb, place) == PLACE_ORPHAN)
			standby_set(sb, place, PLACE_FREE, (pgno_t){ 0 });
}

static void test_random_layouts(void **state)
{
	struct layout *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->f = *state;
	l->seed = seed_start(__func__);
	l->first.v = (seed_next(&l->seed) & ((1ULL << 44) - 1)) + 1;
	for (int n = 0; n < LAYOUT_STEPS; n++) {
		uint32_t nr = 1 + seed_below(&l->seed, seed_below(&l->seed, 4) ? 20 : 1200);
		uint32_t i = seed_below(&l->seed, LAYOUT_PAGES - nr + 1);
		uint32_t to = seed_below(&l->seed, LAYOUT_PAGES - nr + 1);
		uint32_t op = seed_below(&l->seed, 100);

		if (op < 3) {
			layout_drop(l, i, nr);
		} else if (op < 8) {
			layout_shift(l, i, to, nr);
		} else if (op < 9) {
			layout_empty_pool(l);
			layout_share(l);
		} else {
			for (uint32_t k = 0; k < nr && k < 64; k++)
				layout_move_on(l, i + k);
		}
		free_orphans(&l->f->sp->standby);
		if (n % 500 == 0) {
			layout_part(l);
			layout_check(l);
		}
	}
	layout_part(l);
	layout_check(l);
	/* More than what is there, and what lies around it. */
	page_drop(&l->f->pg, l->f->sp, (pgno_t){ 0 }, (pgno_t){ 1ULL << 45 });
	expect_counts(l->f, 0, 0, 0, 0);
	assert_int_equal(slots_free(l->f->pg.slots), slots_total(l->f->pg.slots));
	free_orphans(&l->f->sp->standby);
	assert_int_equal(l->f->sp->standby.nr_busy, 0);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_random_layouts),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
