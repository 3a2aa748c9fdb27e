// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

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

/* A slot's count is that of the leaves that name it, not of the trees. */
static void test_counts_leaves(void **state)
{
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;
	pgno_t near = { 0x7f1234567ULL }, neighbour = { near.v ^ 1 };
	struct page p = { .state = PAGE_SWAPPED, .slot = new_slot(f) };
	table_id_t child, grandchild;

	assert_int_equal(table_set(t, f->sp->root, near, page_entry_pack(p)), 0);
	child = table_root_share(t, f->sp->root);
	grandchild = table_root_share(t, child);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	assert_int_equal(table_get(t, grandchild, near), page_entry_pack(p));
	/* A change of a neighbour makes a copy of the leaf. */
	assert_int_equal(table_set(t, child, neighbour,
				   page_entry_pack((struct page){ .state = PAGE_RESIDENT })),
			 0);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 2);
	assert_int_equal(table_get(t, f->sp->root, neighbour), 0);
	assert_int_equal(table_get(t, grandchild, neighbour), 0);
	table_root_put(t, child);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	table_root_put(t, grandchild);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	assert_int_equal(table_set(t, f->sp->root, near, 0), 0);
	slot_put(f->pg.slots, p.slot);
	assert_int_equal(slots_free(f->pg.slots), slots_total(f->pg.slots));
}

/* Clearing where nothing is takes no table; the last entry of a leaf gives it back. */
static void test_empty_leaves(void **state)
{
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;
	uint64_t entry = page_entry_pack((struct page){ .state = PAGE_RESIDENT });
	uint64_t before = tables_used(t), with_path;
	pgno_t pg = { 1ULL << 40 }, base;

	assert_int_equal(table_set(t, f->sp->root, pg, 0), 0);
	assert_int_equal(tables_used(t), before);
	assert_int_equal(table_set(t, f->sp->root, pg, entry), 0);
	with_path = tables_used(t);
	assert_int_equal(table_set(t, f->sp->root, pgno_add(pg, 511), entry), 0);
	assert_int_equal(tables_used(t), with_path);
	assert_int_equal(table_set(t, f->sp->root, pgno_add(pg, 511), 0), 0);
	assert_int_equal(tables_used(t), with_path);
	assert_int_equal(table_set(t, f->sp->root, pg, 0), 0);
	assert_int_equal(tables_used(t), before);
	assert_null(table_next_leaf(t, f->sp->root, (pgno_t){ 0 }, (pgno_t){ 1ULL << 45 }, &base));
}

/* What is a tree's alone is changed in place; all else needs tables. */
static void test_owned_and_counted(void **state)
{
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;
	uint64_t entry = page_entry_pack((struct page){ .state = PAGE_RESIDENT });
	pgno_t far = { 1ULL << 40 }, near = { 77 };
	table_id_t root = f->sp->root, child;
	uint64_t used;

	assert_int_equal(table_count(t, root), 1);
	assert_false(table_owned(t, root, far));
	assert_int_equal(table_set(t, root, far, entry), 0);
	assert_int_equal(table_set(t, root, near, entry), 0);
	assert_true(table_owned(t, root, far));
	assert_true(table_owned(t, root, pgno_add(far, 511)));
	assert_false(table_owned(t, root, pgno_add(far, 512)));
	assert_int_equal(table_count(t, root), tables_used(t));
	assert_int_equal(table_count(t, root), 1 + 2 * (TABLE_LEVELS - 1));
	child = table_root_share(t, root);
	assert_false(table_owned(t, root, far) || table_owned(t, child, far));
	assert_int_equal(table_count(t, child), table_count(t, root));
	used = tables_used(t);
	assert_int_equal(table_set(t, child, far, 0), 0);
	assert_true(table_owned(t, root, far));
	assert_false(table_owned(t, child, far) || table_owned(t, root, near));
	assert_int_equal(table_count(t, child), TABLE_LEVELS);
	assert_int_equal(tables_used(t), used);
	table_root_put(t, child);
	assert_true(table_owned(t, root, near));
}

/* More than the file system has room for are not promised, and not made. */
static void test_room(void **state)
{
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;

	assert_true(tables_room(t, 1));
	assert_true(tables_last_room(t, 1));
	assert_true(tables_could(t, 1000));
	assert_false(tables_short(t));
	assert_false(tables_could(t, 1ULL << 40));
	assert_false(tables_room(t, UINT32_MAX / 2));
	assert_true(tables_short(t));
	assert_true(tables_room(t, 1));
	assert_false(tables_short(t));
	assert_int_equal(tables_used(t), 1);
}

struct refill {
	struct tables *tables;
	atomic_bool stop;
	atomic_uint rounds;
};

static void *refill(void *arg)
{
	struct refill *r = arg;

	while (!r->stop) {
		tables_refill(r->tables);
		r->rounds++;
	}
	return NULL;
}

/* The house populates free tables while the worker fills others. */
static void test_refill_beside_worker(void **state)
{
	struct space_fixture *f = *state;
	struct refill r = { .tables = f->pg.tables };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, refill, &r), 0);
	for (uint64_t i = 0; i < 3000; i++)
		assert_int_equal(table_set(f->pg.tables, f->sp->root, (pgno_t){ i * TABLE_ENTRIES },
					   page_entry_pack((struct page){ .state = PAGE_RESIDENT,
									  .place = (uint32_t)i })),
				 0);
	while (!r.rounds)
		sched_yield();
	r.stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (uint64_t i = 0; i < 3000; i++)
		assert_int_equal(page_read(&f->pg, f->sp, (pgno_t){ i * TABLE_ENTRIES }).place, i);
}

/* Of the file system of the state directory. */
static uint64_t backed_tables(const struct space_fixture *f)
{
	struct stat st;

	assert_int_equal(fstatat(f->slots->dir_fd, "tables", &st, 0), 0);
	return (uint64_t)st.st_blocks * 512 / PAGE_SIZE;
}

/* What is free goes back but for a reserve, and can be had again. */
static void test_given_back(void **state)
{
	const uint64_t nr = 6000, entry = page_entry_pack((struct page){ .state = PAGE_RESIDENT });
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;

	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < nr; i++)
			assert_int_equal(
				table_set(t, f->sp->root, (pgno_t){ i * TABLE_ENTRIES }, entry), 0);
		assert_true(backed_tables(f) >= nr);
		for (uint64_t i = 0; i < nr; i++)
			assert_int_equal(
				table_set(t, f->sp->root, (pgno_t){ i * TABLE_ENTRIES }, 0), 0);
		for (int n = 0; n < 100; n++)
			tables_refill(t);
		assert_true(backed_tables(f) < nr / 2);
		/* What is claimed stays. */
		assert_true(tables_claim(t, nr));
		for (int n = 0; n < 100; n++)
			tables_refill(t);
		assert_true(backed_tables(f) >= nr);
		assert_true(tables_claim(t, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_random_against_model),
		SPACE_TEST(test_counts_leaves),
		SPACE_TEST(test_empty_leaves),
		SPACE_TEST(test_owned_and_counted),
		SPACE_TEST(test_room),
		SPACE_TEST(test_refill_beside_worker),
		SPACE_TEST(test_given_back),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
