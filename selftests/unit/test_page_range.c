// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/failpoint.h"
#include "page_fixture.h"

/* REMOVE and UNMAP: from every state; what a device still writes must not be reused. */
static void test_drop_of_every_state(void **state)
{
	static const enum place_state places[] = { PLACE_DIRTY, PLACE_WRITING, PLACE_CLEAN };
	struct space_fixture *f = *state;
	struct standby *sb = &f->sp->standby;

	for (enum kind kind = 0; kind < NR_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			bring(f, here, kind == DETACHING ? RESIDENT : kind);
			if (kind == DIRTY || kind == CLEAN)
				standby_set(sb, PLACE, places[i], here);
			forget(f);
			expect_entry(f, here, page_of(VIRGIN, SLOT_NONE));
			if (kind == DIRTY || kind == CLEAN)
				assert_int_equal(standby_state(sb, PLACE),
						 places[i] == PLACE_WRITING ? PLACE_ORPHAN
									    : PLACE_FREE);
			standby_set(sb, PLACE, PLACE_FREE, (pgno_t){ 0 });
		}
	}
}

/* What was unregistered is forgotten; what was moved there since is not. */
static void test_forget(void **state)
{
	struct space_fixture *f = *state;
	pgno_t next = pgno_add(here, 1);
	struct page kept = bring(f, next, SWAPPED);

	bring(f, here, RESIDENT);
	page_forget(&f->pg, f->sp, here, pgno_add(here, 2));
	expect_entry(f, here, page_of(VIRGIN, SLOT_NONE));
	expect_entry(f, next, kept);
	expect_counts(f, 0, 0, 0, 1);
	page_drop(&f->pg, f->sp, next, pgno_add(next, 1));
}

/* Of a space whose leaves are shared: by one store each, however large it is. */
static void test_shift_of_whole_leaves(void **state)
{
	const pgno_t from = { 1ULL << 30 }, to = { 3ULL << 30 };
	const uint64_t leaves = 1024, nr = leaves * TABLE_ENTRIES;
	struct space_fixture *f = *state;
	struct tables *t = f->pg.tables;
	const uint64_t *was[1024];
	table_id_t child;
	pgno_t base;
	uint64_t used;

	for (uint64_t i = 0; i < leaves; i++)
		step(f, pgno_add(from, i * TABLE_ENTRIES + i % TABLE_ENTRIES),
		     page_of(RESIDENT, SLOT_NONE));
	child = table_root_share(t, f->sp->worker.root);
	for (uint64_t i = 0; i < leaves; i++)
		was[i] = table_next_leaf(t, child, pgno_add(from, i * TABLE_ENTRIES),
					 pgno_add(from, nr), &base);
	used = tables_used(t);
	assert_true(space_fixture_shift_room(&f->pg, f->sp, from, to, nr));
	page_shift(&f->pg, f->sp, from, to, nr);
	for (uint64_t i = 0; i < leaves; i++) {
		assert_ptr_equal(was[i], table_next_leaf(t, f->sp->worker.root,
							 pgno_add(to, i * TABLE_ENTRIES),
							 pgno_add(to, nr), &base));
		assert_int_equal(base.v, to.v + i * TABLE_ENTRIES);
	}
	assert_null(table_next_leaf(t, f->sp->worker.root, from, pgno_add(from, nr), &base));
	assert_true(tables_used(t) < used + 16);
	page_drop(&f->pg, f->sp, to, pgno_add(to, nr));
	expect_counts(f, 0, 0, 0, 0);
	assert_ptr_equal(was[0], table_next_leaf(t, child, from, pgno_add(from, nr), &base));
	table_root_put(t, child);
}

struct shift {
	struct space_fixture *f;
	pgno_t from;
	pgno_t to;
	const char *kill;
};

static void shift_and_die(void *arg)
{
	struct shift *s = arg;

	failpoint_init(s->kill);
	space_fixture_shift_room(&s->f->pg, s->f->sp, s->from, s->to, TABLE_ENTRIES);
	page_shift(&s->f->pg, s->f->sp, s->from, s->to, TABLE_ENTRIES);
}

/* As the next daemon does. */
static void restore(struct space_fixture *f)
{
	uint64_t nr = 0;

	slots_recount_begin(f->pg.slots);
	assert_int_equal(tables_restore_begin(&f->pg.tables, f->pg.slots, f->slots->dir_fd), 0);
	assert_int_equal(tables_restore_root(f->pg.tables, f->sp->worker.root), 0);
	assert_int_equal(tables_restore_end(f->pg.tables), 0);
	slots_recount_end(f->pg.slots);
	for (uint64_t n = 0; n < 8 * TABLE_ENTRIES; n++)
		nr += page_read(&f->pg, f->sp, (pgno_t){ n }).state == PAGE_SWAPPED;
	f->sp->reports.nr_swapped = nr;
}

/* Leaves and entries that are in both places are moved once more, and are in one then. */
static void test_shift_again_after_a_crash(void **state)
{
	struct space_fixture *f = *state;
	struct shift shifts[] = {
		{ f, { TABLE_ENTRIES }, { 4 * TABLE_ENTRIES }, "page_shifted=kill" },
		{ f, { TABLE_ENTRIES }, { 4 * TABLE_ENTRIES + 7 }, "page_shifted=kill@3" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(shifts); k++) {
		struct shift *s = &shifts[k];
		slot_t slot[6];
		int status;

		for (uint64_t i = 0; i < ARRAY_SIZE(slot); i++)
			slot[i] = bring(f, pgno_add(s->from, 100 * i), SWAPPED).slot;
		status = in_child(shift_and_die, s);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		restore(f);
		assert_true(f->sp->reports.nr_swapped > ARRAY_SIZE(slot));
		assert_true(space_fixture_shift_room(&f->pg, f->sp, s->from, s->to, TABLE_ENTRIES));
		page_shift(&f->pg, f->sp, s->from, s->to, TABLE_ENTRIES);
		for (uint64_t i = 0; i < ARRAY_SIZE(slot); i++) {
			struct page p = page_of(SWAPPED, slot[i]);

			expect_entry(f, pgno_add(s->to, 100 * i), p);
			expect_entry(f, pgno_add(s->from, 100 * i), page_of(VIRGIN, SLOT_NONE));
			assert_int_equal(slot_refs(f->pg.slots, slot[i]), 1);
		}
		expect_counts(f, 0, 0, 0, ARRAY_SIZE(slot));
		page_drop(&f->pg, f->sp, s->to, pgno_add(s->to, TABLE_ENTRIES));
		expect_counts(f, 0, 0, 0, 0);
	}
}

static void drop_here(void *arg)
{
	struct attempt *a = arg;

	signal(SIGABRT, SIG_DFL);
	page_drop(&a->f->pg, a->f->sp, here, pgno_add(here, 1));
}

static void shift_here(void *arg)
{
	struct attempt *a = arg;

	signal(SIGABRT, SIG_DFL);
	page_shift(&a->f->pg, a->f->sp, here, pgno_add(here, 100), 1);
}

/* A batch is settled before an event is applied: the agent's pages are nobody else's. */
static void test_detaching_is_the_agents(void **state)
{
	struct space_fixture *f = *state;
	struct attempt a = { .f = f };
	int status;

	bring(f, here, DETACHING);
	status = in_child(drop_here, &a);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = in_child(shift_here, &a);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	forget(f);
}

/* What a fork's child cannot have a copy of is lost to it, not to its parent. */
static void test_lose_copy(void **state)
{
	struct space_fixture *f = *state;
	struct page p = bring(f, here, DIRTY);
	struct space *child = space_new(2, -1, &f->events);

	assert_non_null(child);
	p.slot = new_slot(f);
	step(f, here, p);
	child->worker.root = table_root_share(f->pg.tables, f->sp->worker.root);
	child->reports.nr_standby = 1;
	page_lose(&f->pg, child, here);
	assert_int_equal(page_read(&f->pg, child, here).state, PAGE_LOST);
	assert_int_equal(child->reports.nr_standby, 0);
	expect_entry(f, here, p);
	expect_counts(f, 0, 0, 1, 0);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	table_root_put(f->pg.tables, child->worker.root);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	space_free(child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_drop_of_every_state),	    SPACE_TEST(test_forget),
		SPACE_TEST(test_shift_again_after_a_crash), SPACE_TEST(test_shift_of_whole_leaves),
		SPACE_TEST(test_detaching_is_the_agents),   SPACE_TEST(test_lose_copy),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
