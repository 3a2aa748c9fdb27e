// SPDX-License-Identifier: GPL-2.0-only
/* What a fork makes of its parent's pages, without any process. */
#include "event/fork.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "evict/copies.h"
#include "page_fixture.h"

#define NO_UFFD	  1000 /* none */
#define NR_LEAVES 24
/* Less than a child needs for so many leaves of its own. */
#define NR_TABLES 12

static const char *const state_files[] = { "events", "posts", "hints", "spaces", "unserved" };

static int group_setup(void **state)
{
	struct pager *pg = &space_fixture.pg;
	int err = space_group_setup(state);

	if (err)
		return err;
	pg->fds_max = 1 << 16;
	pg->housekeeping_fd = pg->worker_fd = -1;
	pg->state_dir_fd = space_fixture.slots->dir_fd;
	pthread_mutex_init(&pg->lock, NULL);
	pthread_mutex_init(&pg->record_lock, NULL);
	pthread_mutex_init(&pg->state.unserved.lock, NULL);
	return pager_map_state(pg);
}

static int group_teardown(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_files); i++)
		unlinkat(space_fixture.slots->dir_fd, state_files[i], 0);
	return space_group_teardown(state);
}

static int setup_parent(void **state)
{
	struct space_fixture *f = &space_fixture;

	if (space_setup(state))
		return -1;
	f->pg.space[f->sp->id] = f->sp;
	f->pg.nr_ids = f->sp->id + 1;
	return 0;
}

static struct space *child_of(struct space_fixture *f)
{
	fork_apply(&f->pg, f->sp, NO_UFFD);
	return f->pg.space[f->sp->id + 1];
}

static void end_child(struct space_fixture *f, struct space *child)
{
	f->pg.space[child->id] = NULL;
	table_root_put(f->pg.tables, child->worker.root);
	space_free(child);
}

static pgno_t page_at(uint32_t place)
{
	return (pgno_t){ here.v + (uint64_t)place * TABLE_ENTRIES };
}

/* Each in a leaf of its own. */
static void bring_to_pool(struct space_fixture *f, uint32_t place, enum kind kind)
{
	struct page p = page_of(DETACHING, SLOT_NONE);

	p.place = place;
	step(f, page_at(place), page_of(RESIDENT, SLOT_NONE));
	step(f, page_at(place), p);
	p = page_of(DIRTY, SLOT_NONE);
	p.place = place;
	step(f, page_at(place), p);
	if (kind == CLEAN) {
		p.dirty = false;
		p.slot = new_slot(f);
		step(f, page_at(place), p);
	}
	standby_set(&f->sp->standby, place, kind == CLEAN ? PLACE_CLEAN : PLACE_DIRTY,
		    page_at(place));
}

static void forget_parent(struct space_fixture *f, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		page_drop(&f->pg, f->sp, page_at(i), pgno_add(page_at(i), 1));
}

/* Until nr are left, and no more can be made. */
static void leave_tables(struct space_fixture *f, uint32_t nr, table_id_t taken[],
			 uint32_t *nr_taken)
{
	table_id_t id;

	assert_int_equal(failpoint_init("tables_grow=err:28"), 0);
	for (*nr_taken = 0; (id = table_root_new(f->pg.tables)).v; ++*nr_taken)
		taken[*nr_taken] = id;
	for (; nr; nr--)
		table_root_put(f->pg.tables, taken[--*nr_taken]);
}

static void give_tables_back(struct space_fixture *f, const table_id_t taken[], uint32_t nr)
{
	assert_int_equal(failpoint_init(NULL), 0);
	while (nr)
		table_root_put(f->pg.tables, taken[--nr]);
}

/*
 * Regression: where there were no tables for it the child kept its parent's
 * place in its parent's pool, which is another page's soon.
 */
static void test_clean_without_tables(void **state)
{
	static table_id_t taken[4096];
	struct space_fixture *f = *state;
	struct space *child;
	uint32_t nr;

	for (uint32_t i = 0; i < NR_LEAVES; i++)
		bring_to_pool(f, i, CLEAN);
	leave_tables(f, NR_TABLES, taken, &nr);
	child = child_of(f);
	give_tables_back(f, taken, nr);
	assert_non_null(child);
	for (uint32_t i = 0; i < NR_LEAVES; i++) {
		struct page p = page_read(&f->pg, child, page_at(i));

		assert_int_equal(p.state, PAGE_SWAPPED);
		assert_true(slot_valid(p.slot));
	}
	end_child(f, child);
	forget_parent(f, NR_LEAVES);
}

/* Only copies cannot be forgotten, so the child is refused; its parent has them. */
static void test_dirty_without_tables(void **state)
{
	static table_id_t taken[4096];
	struct space_fixture *f = *state;
	struct space *child;
	uint32_t nr;

	for (uint32_t i = 0; i < NR_LEAVES; i++)
		bring_to_pool(f, i, i % 2 ? CLEAN : DIRTY);
	leave_tables(f, NR_TABLES, taken, &nr);
	child = child_of(f);
	give_tables_back(f, taken, nr);
	assert_null(child);
	assert_int_equal(f->sp->reports.orphans, 1);
	for (uint32_t i = 0; i < NR_LEAVES; i++) {
		struct page p = page_read(&f->pg, f->sp, page_at(i));

		assert_int_equal(p.state, i % 2 ? PAGE_SWAPPED : PAGE_STANDBY);
		page_drop(&f->pg, f->sp, page_at(i), pgno_add(page_at(i), 1));
	}
}

/* Where there are tables its parent keeps its second chances. */
static void test_clean_with_tables(void **state)
{
	struct space_fixture *f = *state;
	struct space *child;

	for (uint32_t i = 0; i < NR_LEAVES; i++)
		bring_to_pool(f, i, CLEAN);
	child = child_of(f);
	assert_non_null(child);
	for (uint32_t i = 0; i < NR_LEAVES; i++) {
		assert_int_equal(page_read(&f->pg, f->sp, page_at(i)).state, PAGE_STANDBY);
		assert_int_equal(page_read(&f->pg, child, page_at(i)).state, PAGE_SWAPPED);
	}
	end_child(f, child);
	forget_parent(f, NR_LEAVES);
}

/* What was DIRTY has been written by the parent, data and all. */
static slot_t write_out(struct space_fixture *f, uint32_t place)
{
	struct page p = page_read(&f->pg, f->sp, page_at(place));
	slot_t slot = new_slot(f);

	slot_set_checksum(f->pg.slots, slot,
			  slot_hash(f->pg.slots, slot, standby_data(&f->sp->standby, place)));
	p.slot = slot;
	p.dirty = false;
	step(f, page_at(place), p);
	standby_set(&f->sp->standby, place, PLACE_CLEAN, page_at(place));
	return slot;
}

/* Two writes of the same would cost twice the time and room. */
static void test_copies_are_written_once(void **state)
{
	struct space_fixture *f = *state;
	struct space *child;
	slot_t slot[2];

	for (uint32_t i = 0; i < 2; i++) {
		bring_to_pool(f, i, DIRTY);
		memset(standby_data(&f->sp->standby, i), (int)i + 1, PAGE_SIZE);
	}
	child = child_of(f);
	assert_non_null(child);
	for (uint32_t i = 0; i < 2; i++) {
		struct page p = page_read(&f->pg, child, page_at(i));

		assert_int_equal(p.state, PAGE_STANDBY);
		assert_int_equal(standby_data(&child->standby, p.place)[7], i + 1);
	}
	slot[0] = write_out(f, 0);
	assert_true(copies_step(&f->pg, child, 1));
	assert_true(child->worker.copies_wait);
	assert_true(child->reports.has_copies);
	slot[1] = write_out(f, 1);
	assert_int_equal(copies_step(&f->pg, child, NS_PER_S), 0);
	assert_false(child->worker.copies_wait);
	assert_false(child->reports.has_copies);
	assert_int_equal(child->standby.nr_places, 0);
	assert_int_equal(f->pg.worker.nr_copies, 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct page p = page_read(&f->pg, child, page_at(i));

		assert_int_equal(p.state, PAGE_SWAPPED);
		assert_int_equal(p.slot.v, slot[i].v);
		assert_int_equal(slot_refs(f->pg.slots, p.slot), 2);
	}
	end_child(f, child);
	forget_parent(f, 2);
}

/* Its parent has written something else since, or has it back. */
static void test_copies_of_its_own(void **state)
{
	struct space_fixture *f = *state;
	struct space *child;

	for (uint32_t i = 0; i < 2; i++)
		bring_to_pool(f, i, DIRTY);
	child = child_of(f);
	assert_non_null(child);
	memset(standby_data(&f->sp->standby, 0), 9, PAGE_SIZE);
	write_out(f, 0);
	step(f, page_at(1), page_of(RESIDENT, SLOT_NONE));
	standby_set(&f->sp->standby, 1, PLACE_FREE, page_at(1));
	assert_true(copies_step(&f->pg, child, 1));
	assert_false(child->worker.copies_wait); /* it may write them */
	assert_true(child->reports.has_copies);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(page_read(&f->pg, child, page_at(i)).dirty);
	copies_forget(&f->pg, child);
	end_child(f, child);
	forget_parent(f, 2);
}

/* Not where it forks itself, nor for who waits for it, nor for who never comes to an end. */
static void test_copies_wait_no_longer(void **state)
{
	struct space_fixture *f = *state;
	struct space *child;
	uint64_t now_ns = 1;

	bring_to_pool(f, 0, DIRTY);
	child = child_of(f);
	assert_non_null(child);
	for (int i = 0; i < 3; i++) {
		assert_true(copies_step(&f->pg, child, now_ns));
		assert_true(child->worker.copies_wait);
		child->worker.events_waiting = i == 0;
		f->sp->worker.copies_wait = i == 1;
		now_ns = i == 2 ? child->worker.copies_until_ns : now_ns + NS_PER_S / 4;
		assert_true(copies_step(&f->pg, child, now_ns));
		assert_false(child->worker.copies_wait);
		child->worker.events_waiting = f->sp->worker.copies_wait = false;
		now_ns += NS_PER_S / 4;
	}
	copies_forget(&f->pg, child);
	end_child(f, child);
	forget_parent(f, 1);
}

/* Then a fork waits for the device. */
static void test_copies_have_an_end(void **state)
{
	struct space_fixture *f = *state;

	bring_to_pool(f, 0, DIRTY);
	assert_true(fork_may_apply(&f->pg, f->sp));
	f->pg.worker.nr_copies = 1 << 20;
	assert_false(fork_may_apply(&f->pg, f->sp));
	f->pg.worker.nr_copies = 0;
	forget_parent(f, 1);
}

#define FORK_TEST(name) cmocka_unit_test_setup_teardown(name, setup_parent, space_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORK_TEST(test_clean_without_tables),  FORK_TEST(test_dirty_without_tables),
		FORK_TEST(test_clean_with_tables),     FORK_TEST(test_copies_are_written_once),
		FORK_TEST(test_copies_of_its_own),     FORK_TEST(test_copies_have_an_end),
		FORK_TEST(test_copies_wait_no_longer),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
