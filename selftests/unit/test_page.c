// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/failpoint.h"
#include "space_fixture.h"

/* The states of page_entry.h's table; STANDBY counts twice. */
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

/* What the comments of page_entry.h allow page_change() to do. */
static const bool may[NR_KINDS][NR_KINDS] = {
	[VIRGIN] = { [RESIDENT] = true },
	[RESIDENT] = { [VIRGIN] = true, [RESIDENT] = true, [DETACHING] = true },
	[DETACHING] = { [VIRGIN] = true, [RESIDENT] = true, [DIRTY] = true, [CLEAN] = true },
	[DIRTY] = { [DIRTY] = true, [CLEAN] = true, [RESIDENT] = true },
	[CLEAN] = { [DIRTY] = true, [CLEAN] = true, [RESIDENT] = true, [SWAPPED] = true },
	[SWAPPED] = { [RESIDENT] = true, [LOST] = true },
	[LOST] = { false },
};

#define PLACE 3

/* Base of a leaf's last pages, so that a few pages on is another leaf. */
static const pgno_t here = { 0x7fffe01feULL };

static bool has_slot(enum kind kind)
{
	return kind == CLEAN || kind == SWAPPED;
}

static struct page page_of(enum kind kind, slot_t slot)
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

static void step(struct space_fixture *f, pgno_t n, struct page to)
{
	assert_int_equal(page_change(&f->pg, f->sp, n, page_read(&f->pg, f->sp, n), to), 0);
}

/* Brings a VIRGIN page into a state on the way that pages take. */
static struct page bring(struct space_fixture *f, pgno_t n, enum kind kind)
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

static void expect_counts_of(struct space_fixture *f, enum kind kind)
{
	expect_counts(f, kind == RESIDENT || kind == DETACHING, kind == DETACHING,
		      kind == DIRTY || kind == CLEAN, kind == SWAPPED);
}

struct attempt {
	struct space_fixture *f;
	struct page from;
	struct page to;
};

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

static void forget(struct space_fixture *f)
{
	if (page_read(&f->pg, f->sp, here).state == PAGE_DETACHING)
		step(f, here, page_of(RESIDENT, SLOT_NONE));
	page_drop(&f->pg, f->sp, here, pgno_add(here, 1));
	expect_counts(f, 0, 0, 0, 0);
	assert_int_equal(slots_free(f->pg.slots), slots_total(f->pg.slots));
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
	table_id_t child = table_root_share(f->pg.tables, f->sp->root);

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
	child = table_root_share(f->pg.tables, f->sp->root);
	page_give_up_copy(&f->pg, f->sp, here);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 0);
	expect_entry(f, here, page_of(RESIDENT, SLOT_NONE));
	assert_int_equal(table_get(f->pg.tables, child, here),
			 page_entry_pack(page_of(RESIDENT, SLOT_NONE)));
	table_root_put(f->pg.tables, child);
}

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
				assert_int_equal(sb->state[PLACE], places[i] == PLACE_WRITING
									   ? PLACE_ORPHAN
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
	child = table_root_share(t, f->sp->root);
	for (uint64_t i = 0; i < leaves; i++)
		was[i] = table_next_leaf(t, child, pgno_add(from, i * TABLE_ENTRIES),
					 pgno_add(from, nr), &base);
	used = tables_used(t);
	assert_true(page_shift_room(&f->pg, f->sp, from, to, nr));
	page_shift(&f->pg, f->sp, from, to, nr);
	for (uint64_t i = 0; i < leaves; i++) {
		assert_ptr_equal(was[i],
				 table_next_leaf(t, f->sp->root, pgno_add(to, i * TABLE_ENTRIES),
						 pgno_add(to, nr), &base));
		assert_int_equal(base.v, to.v + i * TABLE_ENTRIES);
	}
	assert_null(table_next_leaf(t, f->sp->root, from, pgno_add(from, nr), &base));
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
	page_shift_room(&s->f->pg, s->f->sp, s->from, s->to, TABLE_ENTRIES);
	page_shift(&s->f->pg, s->f->sp, s->from, s->to, TABLE_ENTRIES);
}

/* As the next daemon does. */
static void restore(struct space_fixture *f)
{
	uint64_t nr = 0;

	slots_recount_begin(f->pg.slots);
	assert_int_equal(tables_restore_begin(&f->pg.tables, f->pg.slots, f->slots->dir_fd), 0);
	assert_int_equal(tables_restore_root(f->pg.tables, f->sp->root), 0);
	assert_int_equal(tables_restore_end(f->pg.tables), 0);
	slots_recount_end(f->pg.slots);
	for (uint64_t n = 0; n < 8 * TABLE_ENTRIES; n++)
		nr += page_read(&f->pg, f->sp, (pgno_t){ n }).state == PAGE_SWAPPED;
	f->sp->nr_swapped = nr;
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
		assert_true(f->sp->nr_swapped > ARRAY_SIZE(slot));
		assert_true(page_shift_room(&f->pg, f->sp, s->from, s->to, TABLE_ENTRIES));
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
	child->root = table_root_share(f->pg.tables, f->sp->root);
	child->nr_standby = 1;
	page_lose(&f->pg, child, here);
	assert_int_equal(page_read(&f->pg, child, here).state, PAGE_LOST);
	assert_int_equal(child->nr_standby, 0);
	expect_entry(f, here, p);
	expect_counts(f, 0, 0, 1, 0);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	table_root_put(f->pg.tables, child->root);
	assert_int_equal(slot_refs(f->pg.slots, p.slot), 1);
	space_free(child);
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
		SPACE_TEST(test_drop_of_every_state),
		SPACE_TEST(test_forget),
		SPACE_TEST(test_shift_again_after_a_crash),
		SPACE_TEST(test_shift_of_whole_leaves),
		SPACE_TEST(test_detaching_is_the_agents),
		SPACE_TEST(test_lose_copy),
	};

	return cmocka_run_group_tests(tests, space_group_setup, space_group_teardown);
}
