// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "space_fixture.h"

/* A slot's count is that of the leaves that name it, not of the trees. */
static void test_counts_leaves(void **state)
{
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;
	pgno_t near = { 0x7f1234567ULL }, neighbour = { near.v ^ 1 };
	struct page p = { .state = PAGE_SWAPPED, .slot = new_slot(f) };
	table_id_t child, grandchild;

	assert_int_equal(table_set(t, f->sp->worker.root, near, page_entry_pack(p)), 0);
	child = table_root_share(t, f->sp->worker.root);
	grandchild = table_root_share(t, child);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	assert_int_equal(table_get(t, grandchild, near), page_entry_pack(p));
	/* A change of a neighbour makes a copy of the leaf. */
	assert_int_equal(table_set(t, child, neighbour,
				   page_entry_pack((struct page){ .state = PAGE_RESIDENT })),
			 0);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 2);
	assert_int_equal(table_get(t, f->sp->worker.root, neighbour), 0);
	assert_int_equal(table_get(t, grandchild, neighbour), 0);
	table_root_put(t, child);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	table_root_put(t, grandchild);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	assert_int_equal(table_set(t, f->sp->worker.root, near, 0), 0);
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

	assert_int_equal(table_set(t, f->sp->worker.root, pg, 0), 0);
	assert_int_equal(tables_used(t), before);
	assert_int_equal(table_set(t, f->sp->worker.root, pg, entry), 0);
	with_path = tables_used(t);
	assert_int_equal(table_set(t, f->sp->worker.root, pgno_add(pg, 511), entry), 0);
	assert_int_equal(tables_used(t), with_path);
	assert_int_equal(table_set(t, f->sp->worker.root, pgno_add(pg, 511), 0), 0);
	assert_int_equal(tables_used(t), with_path);
	assert_int_equal(table_set(t, f->sp->worker.root, pg, 0), 0);
	assert_int_equal(tables_used(t), before);
	assert_null(table_next_leaf(t, f->sp->worker.root, (pgno_t){ 0 }, (pgno_t){ 1ULL << 45 },
				    &base));
}

/* What is a tree's alone is changed in place; all else needs tables. */
static void test_owned_and_counted(void **state)
{
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;
	uint64_t entry = page_entry_pack((struct page){ .state = PAGE_RESIDENT });
	pgno_t far = { 1ULL << 40 }, near = { 77 };
	table_id_t root = f->sp->worker.root, child;
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

/* Housekeeping populates free tables while the worker fills others. */
static void test_refill_beside_worker(void **state)
{
	struct space_fixture *f = *state;
	struct refill r = { .tables = f->pg.tables };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, refill, &r), 0);
	for (uint64_t i = 0; i < 3000; i++)
		assert_int_equal(table_set(f->pg.tables, f->sp->worker.root,
					   (pgno_t){ i * TABLE_ENTRIES },
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
			assert_int_equal(table_set(t, f->sp->worker.root,
						   (pgno_t){ i * TABLE_ENTRIES }, entry),
					 0);
		assert_true(backed_tables(f) >= nr);
		for (uint64_t i = 0; i < nr; i++)
			assert_int_equal(
				table_set(t, f->sp->worker.root, (pgno_t){ i * TABLE_ENTRIES }, 0),
				0);
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
		SPACE_TEST(test_counts_leaves),	       SPACE_TEST(test_empty_leaves),
		SPACE_TEST(test_owned_and_counted),    SPACE_TEST(test_room),
		SPACE_TEST(test_refill_beside_worker), SPACE_TEST(test_given_back),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
