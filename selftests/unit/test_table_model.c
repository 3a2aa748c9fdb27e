// SPDX-License-Identifier: GPL-2.0-only
#include "space_fixture.h"

#define TREES 8
#define PAGES 4096
#define STEPS 60000

/* Every tree as a plain array over some pages of the 57-bit address space. */
struct model {
	struct space_fixture *f;
	uint64_t seed;
	pgno_t page[PAGES]; /* ascending */
	table_id_t root[TREES]; /* 0: no such tree */
	uint64_t entry[TREES][PAGES];
};

static int compare_pages(const void *a, const void *b)
{
	const pgno_t *x = a, *y = b;

	return x->v < y->v ? -1 : x->v > y->v;
}

/* Clusters of neighbours that part at each level of the tree, and both of its ends. */
static void choose_pages(struct model *m)
{
	uint64_t last = (1ULL << (TABLE_BITS * TABLE_LEVELS)) - 1;
	uint32_t n = 0;

	while (n < PAGES) {
		int level = (int)seed_below(&m->seed, TABLE_LEVELS + 1);
		uint64_t at = seed_next(&m->seed) & ((1ULL << (TABLE_BITS * level)) - 1);
		uint32_t nr = 1 + seed_below(&m->seed, 700);

		for (uint32_t i = 0; i < nr && n < PAGES - 1 && at + i < last; i++)
			m->page[n++].v = at + i;
		if (n == PAGES - 1)
			m->page[n++].v = last;
	}
	qsort(m->page, PAGES, sizeof(m->page[0]), compare_pages);
	for (uint32_t i = n = 1; i < PAGES; i++)
		if (m->page[i].v != m->page[n - 1].v)
			m->page[n++] = m->page[i];
	/* Doubles make room at the end of the address space. */
	for (; n < PAGES; n++)
		m->page[n].v = last + n;
}

/* Pages that the tree can hold. */
static bool is_page(const struct model *m, uint32_t i)
{
	return !(m->page[i].v >> (TABLE_BITS * TABLE_LEVELS));
}

static uint32_t some_page(struct model *m)
{
	uint32_t i = seed_below(&m->seed, PAGES);

	while (!is_page(m, i))
		i--;
	return i;
}

static int some_tree(struct model *m, bool live)
{
	int at = (int)seed_below(&m->seed, TREES);

	for (int n = 0; n < TREES; n++)
		if (!!m->root[(at + n) % TREES].v == live)
			return (at + n) % TREES;
	return -1;
}

static uint64_t no_hint(uint64_t entry)
{
	return entry & ~PAGE_ENTRY_AGE;
}

/* Replaces one entry and hands the slot references over, as page_change() does. */
static void model_set(struct model *m, int tree, uint32_t i, uint64_t entry)
{
	struct tables *t = m->f->pg.tables;
	slot_t old = page_entry_slot(m->entry[tree][i]);

	assert_int_equal(table_set(t, m->root[tree], m->page[i], entry), 0);
	if (slot_valid(old) && !slot_equal(old, page_entry_slot(entry)))
		slot_put(m->f->pg.slots, old);
	m->entry[tree][i] = entry;
}

static uint64_t random_entry(struct model *m, uint64_t old)
{
	struct page p = { .state = PAGE_RESIDENT, .age = (uint8_t)seed_below(&m->seed, 4) };

	switch (seed_below(&m->seed, 4)) {
	case 0:
		return page_entry_pack(p);
	case 1: /* another state, the same slot */
		p.state = PAGE_STANDBY;
		p.place = seed_below(&m->seed, 1u << PAGE_PLACE_BITS);
		p.slot = page_entry_slot(old);
		return page_entry_pack(p);
	default:
		p.state = PAGE_SWAPPED;
		p.slot = new_slot(m->f);
		return page_entry_pack(p);
	}
}

static void model_share(struct model *m)
{
	int from = some_tree(m, true), to = some_tree(m, false);

	if (from < 0 || to < 0)
		return;
	m->root[to] = table_root_share(m->f->pg.tables, m->root[from]);
	assert_true(m->root[to].v);
	memcpy(m->entry[to], m->entry[from], sizeof(m->entry[to]));
}

static void model_put(struct model *m, int tree)
{
	table_root_put(m->f->pg.tables, m->root[tree]);
	m->root[tree].v = 0;
	memset(m->entry[tree], 0, sizeof(m->entry[tree]));
}

static void check_tree(struct model *m, int tree)
{
	for (uint32_t i = 0; i < PAGES; i++)
		if (is_page(m, i))
			assert_int_equal(
				no_hint(table_get(m->f->pg.tables, m->root[tree], m->page[i])),
				no_hint(m->entry[tree][i]));
}

/* The leaves of [first, end) hold exactly what the model has there, in order. */
static void check_leaves(struct model *m, int tree)
{
	pgno_t first = m->page[some_page(m)], end = m->page[some_page(m)], base;
	const uint64_t *leaf;
	pgno_t at = first;
	uint32_t i = 0;

	while (i < PAGES && m->page[i].v < first.v)
		i++;
	while ((leaf = table_next_leaf(m->f->pg.tables, m->root[tree], at, end, &base))) {
		assert_int_equal(base.v % TABLE_ENTRIES, 0);
		assert_true(base.v + TABLE_ENTRIES > at.v && base.v < end.v);
		for (; i < PAGES && m->page[i].v < base.v; i++)
			assert_int_equal(m->entry[tree][i], 0);
		for (; i < PAGES && m->page[i].v < base.v + TABLE_ENTRIES; i++)
			assert_int_equal(no_hint(leaf[m->page[i].v - base.v]),
					 no_hint(m->entry[tree][i]));
		at = pgno_add(base, TABLE_ENTRIES);
	}
	for (; i < PAGES && m->page[i].v < end.v; i++)
		assert_int_equal(m->entry[tree][i], 0);
}

/* A slot is in use exactly as long as a tree names it. */
static void check_slots(struct model *m)
{
	static bool named[NR_SLOTS];
	uint64_t used = 0, in_use = 0;

	memset(named, 0, sizeof(named));
	for (int tree = 0; tree < TREES; tree++)
		for (uint32_t i = 0; i < PAGES; i++)
			named[page_entry_slot(m->entry[tree][i]).v] = true;
	for (uint64_t s = 1; s < NR_SLOTS; s++) {
		used += named[s];
		in_use += slot_refs(m->f->pg.slots, (slot_t){ s }) != 0;
		assert_int_equal(named[s], slot_refs(m->f->pg.slots, (slot_t){ s }) != 0);
	}
	assert_int_equal(used, in_use);
}

static void model_step(struct model *m)
{
	int tree = some_tree(m, true);
	uint32_t i = some_page(m), op = seed_below(&m->seed, 1000);

	if (tree < 0) {
		tree = 0;
		m->root[tree] = table_root_new(m->f->pg.tables);
	} else if (op < 3) {
		model_share(m);
	} else if (op < 5) {
		model_put(m, tree);
	} else if (op < 10) {
		check_leaves(m, tree);
	} else if (op < 20) { /* an age may show in every tree that shares the leaf */
		table_hint(m->f->pg.tables, m->root[tree], m->page[i], PAGE_ENTRY_AGE,
			   (uint64_t)seed_below(&m->seed, 4) << PAGE_ENTRY_AGE_LSB);
	} else if (op < 500 || slots_free(m->f->pg.slots) < 10) {
		model_set(m, tree, i, 0);
	} else {
		/* Some neighbours, so that leaves fill up. */
		for (uint32_t n = 0; n < 8 && i + n < PAGES && is_page(m, i + n); n++)
			if (slots_free(m->f->pg.slots))
				model_set(m, tree, i + n, random_entry(m, m->entry[tree][i + n]));
	}
}

static void test_random_against_model(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->f = *state;
	m->seed = seed_start(__func__);
	choose_pages(m);
	for (int step = 0; step < STEPS; step++) {
		model_step(m);
		if (step % 5000 == 4999) {
			for (int tree = 0; tree < TREES; tree++)
				if (m->root[tree].v)
					check_tree(m, tree);
			check_slots(m);
		}
	}
	for (int tree = 0; tree < TREES; tree++)
		model_put(m, tree);
	check_slots(m);
	/* The root of the fixture is what is left. */
	assert_int_equal(tables_used(m->f->pg.tables), 1);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_random_against_model),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
