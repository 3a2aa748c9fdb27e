// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/failpoint.h"
#include "page_fixture.h"

/* What the comments of page_entry_format.h allow page_change() to do. */
static const bool may[NR_KINDS][NR_KINDS] = {
	[VIRGIN] = { [RESIDENT] = true },
	[RESIDENT] = { [VIRGIN] = true, [RESIDENT] = true, [DETACHING] = true },
	[DETACHING] = { [VIRGIN] = true, [RESIDENT] = true, [DIRTY] = true, [CLEAN] = true },
	[DIRTY] = { [DIRTY] = true, [CLEAN] = true, [RESIDENT] = true },
	[CLEAN] = { [DIRTY] = true, [CLEAN] = true, [RESIDENT] = true, [SWAPPED] = true },
	[SWAPPED] = { [RESIDENT] = true, [LOST] = true },
	[LOST] = { false },
};

static void expect_counts_of(struct space_fixture *f, enum kind kind)
{
	expect_counts(f, kind == RESIDENT || kind == DETACHING, kind == DETACHING,
		      kind == DIRTY || kind == CLEAN, kind == SWAPPED);
}

static void attempt(void *arg)
{
	const struct rlimit no_core = { 0, 0 };
	struct attempt *a = arg;

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);
	page_change(&a->f->pg, a->f->sp, here, a->from, a->to);
}

static void expect_abort(struct space_fixture *f, struct page from, struct page to)
{
	struct attempt a = { f, from, to };
	int status = in_child(attempt, &a);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail_msg("%d -> %d did not abort: status %#x", from.state, to.state, status);
}

static void test_every_transition(void **state)
{
	struct space_fixture *f = *state;

	for (enum kind from = 0; from < NR_KINDS; from++) {
		for (enum kind to = 0; to < NR_KINDS; to++) {
			struct page have = bring(f, here, from);
			bool keeps = slot_valid(have.slot);
			slot_t slot = !has_slot(to) ? SLOT_NONE : keeps ? have.slot : new_slot(f);
			struct page want = page_of(to, slot);

			expect_entry(f, here, have);
			expect_counts_of(f, from);
			if (may[from][to]) {
				assert_int_equal(page_change(&f->pg, f->sp, here, have, want), 0);
				expect_entry(f, here, want);
				expect_counts_of(f, to);
				if (slot_valid(slot))
					assert_int_equal(slot_refs(f->pg.slots, slot), 1);
				else
					assert_int_equal(slots_free(f->pg.slots),
							 slots_total(f->pg.slots));
			} else {
				expect_abort(f, have, want);
				if (has_slot(to) && !keeps)
					slot_put(f->pg.slots, slot);
			}
			forget(f);
		}
	}
}

/* A dirty page is the only copy; a SWAPPED one without a slot is none. */
static void test_only_copies(void **state)
{
	struct space_fixture *f = *state;
	struct page dirty = bring(f, here, DIRTY), writing = dirty;

	writing.slot = new_slot(f);
	step(f, here, writing);
	expect_abort(f, writing, (struct page){ .state = PAGE_SWAPPED, .slot = writing.slot });
	writing.dirty = false;
	step(f, here, writing);
	expect_abort(f, writing, page_of(SWAPPED, SLOT_NONE));
	forget(f);
}

/* Whoever decided on an entry that has changed since is told, and changes nothing. */
static void test_stale(void **state)
{
	struct space_fixture *f = *state;
	struct page have = bring(f, here, CLEAN), to = page_of(RESIDENT, SLOT_NONE);
	struct page stale[6];
	size_t n = 0;

	stale[n] = have;
	stale[n++].dirty = true;
	stale[n] = have;
	stale[n++].place = PLACE + 1;
	stale[n] = have;
	stale[n++].slot = SLOT_NONE;
	stale[n] = have;
	stale[n++].slot = slot_add(have.slot, 1);
	stale[n] = have;
	stale[n++].state = PAGE_RESIDENT;
	stale[n++] = page_of(VIRGIN, SLOT_NONE);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(page_change(&f->pg, f->sp, here, stale[i], to), -ESTALE);
		expect_entry(f, here, have);
		expect_counts_of(f, CLEAN);
		assert_int_equal(slot_refs(f->pg.slots, have.slot), 1);
	}
	assert_int_equal(page_change(&f->pg, f->sp, pgno_add(here, 1), have, to), -ESTALE);
	assert_int_equal(page_change(&f->pg, f->sp, here, have, to), 0);
}

/* The clock may take an age down at any time: no reason to be stale. */
static void test_ages_are_hints(void **state)
{
	struct space_fixture *f = *state;
	struct page p = bring(f, here, RESIDENT);

	for (uint8_t age = 0; age <= PAGE_AGE_MAX; age++) {
		struct page snapshot = page_read(&f->pg, f->sp, here);

		page_set_age(&f->pg, f->sp, here, age);
		assert_int_equal(page_read(&f->pg, f->sp, here).age, age);
		p.age = (uint8_t)(PAGE_AGE_MAX - age);
		assert_int_equal(page_change(&f->pg, f->sp, here, snapshot, p), 0);
		assert_int_equal(page_read(&f->pg, f->sp, here).age, p.age);
	}
	page_set_age(&f->pg, f->sp, pgno_add(here, 1), 2);
	expect_entry(f, pgno_add(here, 1), page_of(VIRGIN, SLOT_NONE));
	expect_counts(f, 1, 0, 0, 0);
}

/* The slot that a change replaces is given back, also from below a shared leaf. */
static void test_slot_of_shared_leaf(void **state)
{
	struct space_fixture *f = *state;
	struct page p = bring(f, here, SWAPPED);
	table_id_t child = table_root_share(f->pg.tables, f->sp->worker.root);

	step(f, here, page_of(RESIDENT, SLOT_NONE));
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	assert_int_equal(table_get(f->pg.tables, child, here), page_entry_pack(p));
	table_root_put(f->pg.tables, child);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 0);
}

/* A shared leaf holds it once: whoever gives it up, it is free. */
static void test_copy_of_shared_leaf(void **state)
{
	struct space_fixture *f = *state;
	struct page p = bring(f, here, SWAPPED);
	table_id_t child;

	step(f, here, (struct page){ .state = PAGE_RESIDENT, .slot = p.slot });
	child = table_root_share(f->pg.tables, f->sp->worker.root);
	page_give_up_copy(&f->pg, f->sp, here);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 0);
	expect_entry(f, here, page_of(RESIDENT, SLOT_NONE));
	assert_int_equal(table_get(f->pg.tables, child, here),
			 page_entry_pack(page_of(RESIDENT, SLOT_NONE)));
	table_root_put(f->pg.tables, child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPACE_TEST(test_every_transition),
		SPACE_TEST(test_only_copies),
		SPACE_TEST(test_stale),
		SPACE_TEST(test_ages_are_hints),
		SPACE_TEST(test_slot_of_shared_leaf),
		SPACE_TEST(test_copy_of_shared_leaf),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
